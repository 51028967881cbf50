"""Names that become files: whatever somebody else chose is one file in the folder that is meant, on every system, or refused.

A name of a server, of a state or of another person's file goes through here before it is a path. `../` in it would lead out
of the folder, `-rf` would be an option of the next command, and two names that differ in case alone would be one file on a Mac.
Source: Microsoft Learn, "Naming Files, Paths, and Namespaces" (names that are devices); read 2026-12-01.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from core.problem import Problem, Refused

LONGEST = 200
"""Bytes of a name; file systems take 255, and a suffix comes behind."""
ALLOWED = f"up to {LONGEST} letters, digits and ._ -, a letter, digit or _ first"
_NAME = re.compile(r"\w[\w. @+-]*")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def wrong(name: str) -> str:
    """What is wrong with a name as that of a file; empty when nothing is."""
    if not _NAME.fullmatch(name):
        return "the name has a letter that no file's name should have, or begins with one"
    if ".." in name or name != name.rstrip(" ."):
        return "the name leads to another folder, or ends in a dot or a space"
    if _DEVICE.fullmatch(name):
        return "the name is that of a device on some systems"
    if unicodedata.normalize("NFC", name) != name:
        return "the name is written in a way that some systems change"
    return "" if len(name.encode()) <= LONGEST else "the name is too long for a file"


def checked(name: str, where: str = "") -> str:
    """The name, when it can be that of one file. Raises Refused; `where` says whose name it is."""
    if why := wrong(name):
        raise Refused(Problem(summary=f"this cannot be the name of a file: {why}", where=where, allowed=ALLOWED))
    return name


def apart(names: Iterable[str], where: str = "") -> None:
    """Raises Refused for two names that are one file where case makes no difference."""
    seen = dict[str, str]()
    for name in names:
        other = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if other != name:
            raise Refused(
                Problem(
                    summary="two names are one file on systems that take no notice of case",
                    where=where,
                    found=f"{other}, {name}"[:LONGEST],
                    fix="rename one of them",
                )
            )


def inside(folder: Path, path: Path) -> Path:
    """The path, when it lies in the folder, links followed as far as they are there. Raises Refused."""
    if not path.resolve().is_relative_to(folder.resolve()) or path.is_symlink():
        raise Refused(
            Problem(
                summary="a link leads out of the folder that is written to",
                file=path.name,
                fix="take the link away, and write the file itself",
            )
        )
    return path
