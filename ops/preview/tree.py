"""The files of a checkout that a change may bring: what git tracks, and what lies beside it and could be imported."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

MADE = frozenset(
    {
        ".bench", ".coverage", ".git", ".grimp_cache", ".hypothesis", ".import_linter_cache", ".mypy_cache", ".pytest_cache",
        ".ruff_cache", ".sandbox", ".venv",
    }
)  # fmt: skip
"""What stands at the top of a checkout and is made on the machine, unless git tracks something in it."""
IMPORTED = (".py", ".pyc", ".so", ".pth")
_UNCHECKED = 0b01
"""The flags of a module's cache that Python takes without a look at the module (PEP 552)."""

Kind = tuple[str, bytes]
"""What stands at a path: its kind, with the right to run it, and its content."""


def paths(checkout: Path, known: frozenset[str]) -> set[str]:
    """The paths of the files and links of a checkout, from its top.

    A file that git does not track counts when it could be imported, or lies in one of the folders `known`: a report that somebody
    has written beside the code is no change. Without git every file counts.
    """
    tracked = _tracked(checkout)
    found = set(tracked or ())
    for path in _walked(checkout):
        beside = path.partition("/")[0] in known or path.endswith(IMPORTED)
        if tracked is None or path in found or beside:
            found.add(path)
    return found


def kind(file: Path) -> Kind | None:
    """What stands at a path, None for nothing: a link is its target, whatever that holds."""
    try:
        mode = file.lstat().st_mode
    except OSError:
        return None
    if stat.S_ISLNK(mode):
        return "link", os.fsencode(file.readlink())
    if not stat.S_ISREG(mode):
        return "other", str(stat.S_IFMT(mode)).encode()
    return "program" if mode & stat.S_IXUSR else "file", file.read_bytes()


def _walked(checkout: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(checkout):
        here = Path(folder)
        if here == checkout:
            folders[:] = [each for each in folders if each not in MADE and not each.endswith(".egg-info")]
            files = [each for each in files if each not in MADE]
        links = [each for each in folders if (here / each).is_symlink()]
        for name in (*files, *links):
            file = here / name
            if here.name != "__pycache__" or _taken_unseen(file):
                yield file.relative_to(checkout).as_posix()


def _taken_unseen(cache: Path) -> bool:
    """Whether Python would run a module's cache without a look at the module; what a run here has cached is looked at."""
    if cache.is_symlink() or not cache.is_file():
        return True
    with cache.open("rb") as opened:
        head = opened.read(8)
    return len(head) == 8 and int.from_bytes(head[4:], "little") == _UNCHECKED


def _tracked(checkout: Path) -> list[str] | None:
    """What git tracks, None where it has nothing to say of this folder."""
    if not (checkout / ".git").exists():
        return None
    done = subprocess.run(["git", "ls-files", "-z"], cwd=checkout, capture_output=True, check=False)
    return [os.fsdecode(each) for each in done.stdout.split(b"\0") if each] if done.returncode == 0 else None
