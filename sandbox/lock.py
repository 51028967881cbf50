"""One modelyard command at a time for each sandbox stack: two hosts over one world would overwrite each other."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import IO

from problem import ExitCode, Problem, Refused


def take(path: Path) -> IO[str]:
    """Locks `path` until the handle is closed or this process ends, however it ends.

    Raises `Refused` (`UNAVAILABLE`) that names the process holding it.
    """
    handle = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.seek(0)
        holder = _holder(handle.read())
        handle.close()
        raise Refused(
            Problem(
                summary=f"another command is using the sandbox stack `{path.parent.name}`",
                found=holder,
                fix="wait for it to end, or stop it",
            ),
            ExitCode.UNAVAILABLE,
        ) from None
    handle.truncate(0)
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    json.dump({"pid": os.getpid(), "command": command, "since": time.strftime("%H:%M:%S")}, handle)
    handle.flush()
    return handle


def _holder(text: str) -> str:
    try:
        known = json.loads(text)
        return f"process {known['pid']} (`{known['command']}`), since {known['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process that has not said its name"
