"""Who may work on a folder alone: one command a sandbox stack (two hosts over one world would overwrite each other), one
build a tool.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from core.problem import ExitCode, Problem, Refused


def take(path: Path, what: str = "sandbox stack") -> IO[str]:
    """Locks `path`, in the folder of a `what`, until the handle is closed or this process ends, however it ends.

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
                summary=f"another command is using the {what} `{path.parent.name}`",
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


@contextlib.contextmanager
def waiting(path: Path, what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Holds `path` alone for the block; when another run has it, says so of `what` and waits for its end."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"{what}: another run is preparing it; waiting for that one")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _holder(text: str) -> str:
    try:
        known = json.loads(text)
        return f"process {known['pid']} (`{known['command']}`), since {known['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process that has not said its name"
