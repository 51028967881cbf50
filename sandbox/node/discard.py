"""Deletes what a node wrote without anybody having to wait: images are tens of thousands of files, and a disk that is told of
each that is freed takes a minute for them.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

from sandbox.environment import of_this_process

_PREFIX = ".gone-"


def discard(folder: Path) -> None:
    """The folder is not there any more when this returns; a process that nobody waits for deletes its content.

    What an earlier one that was killed has not deleted goes too.
    """
    with contextlib.suppress(FileNotFoundError):
        folder.rename(folder.with_name(f"{_PREFIX}{os.getpid()}-{time.monotonic_ns()}"))
    if gone := [path.name for path in folder.parent.glob(f"{_PREFIX}*")]:
        quiet = subprocess.DEVNULL
        # The shell ends at once, so that whoever reaps orphans reaps the other.
        command = ["sh", "-c", 'rm -rf -- "$@" &', "sh", *gone]
        subprocess.run(
            command,
            cwd=folder.parent,
            env=of_this_process(),
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,
            check=False,
        )
