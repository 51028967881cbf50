"""Who owns which file, as `.github/CODEOWNERS` says and as GitHub reads it.

By its page "About code owners" the last line that matches a file decides, a line without an owner frees the file from those
above, `!` and `[ ]` do not work, and a line that GitHub cannot read is left out silently. So only a few plain shapes are read
here, and any other refuses: nobody may believe a file guarded that GitHub leaves free.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.problem import ExitCode, Problem, Refused

FILE = Path(".github") / "CODEOWNERS"
SHAPES = "`*`, `/folder/`, `/folder/file`; a `*` within a name stands for any part of it"
_PATTERN = re.compile(r"/(?:[\w.-]+/)*(?:[\w.-]+/?|[\w.-]*(?:[\w.-]\*|\*[\w.-])[\w.-]*)", re.ASCII)
_OWNER = re.compile(r"@[\w-]+(?:/[\w.-]+)?|[\w.+-]+@[\w.-]+", re.ASCII)
_COMMENT = re.compile(r"(?:^|[ \t])#.*")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A pattern with its owners; without owners it frees what it matches."""

    pattern: str
    owners: tuple[str, ...]

    def matches(self, path: str) -> bool:
        """Whether the line is about a file, given by its path from the top.

        A folder's line is about all that is in it. A name without a slash at its end is a folder's too for GitHub; it is here
        where that guards, and not where it frees.
        """
        if self.pattern == "*":
            return True
        wanted = self.pattern.lstrip("/")
        if wanted.endswith("/"):
            return path.startswith(wanted)
        named = re.escape(wanted).replace(r"\*", "[^/]*")
        return re.fullmatch(f"{named}(?:/.*)?" if self.owners else named, path, re.DOTALL) is not None


@dataclass(frozen=True, kw_only=True)
class Owners:
    """The code owners of a checkout."""

    lines: tuple[Line, ...]

    @classmethod
    def read(cls, checkout: Path) -> Owners:
        """The owners that the file of a checkout names. Raises Refused when it is missing, or has a line of another shape."""
        try:
            text = (checkout / FILE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            problem = Problem(summary="nobody is named who owns the files", file=str(checkout / FILE), allowed=SHAPES)
            raise Refused(problem, ExitCode.UNAVAILABLE) from None
        return cls.parse(text, str(checkout / FILE))

    @classmethod
    def parse(cls, text: str, file: str = str(FILE)) -> Owners:
        """The owners that a text names; `file` stands in a refusal. Raises Refused for a line of another shape."""
        lines, problems = [], []
        for number, line in enumerate(text.split("\n"), 1):
            pattern, *owners = re.split(r"[ \t]+", _COMMENT.sub("", line).strip(" \t"))
            if not pattern:
                continue
            if (pattern == "*" or _PATTERN.fullmatch(pattern)) and all(map(_OWNER.fullmatch, owners)):
                lines.append(Line(pattern=pattern, owners=tuple(owners)))
            else:
                summary = "GitHub would leave this line out, or read it otherwise than we do"
                problems.append(Problem(summary=summary, found=line[:80], allowed=SHAPES, file=file, line=number))
        if not any(line.owners for line in lines):
            problems.append(Problem(summary="no file has an owner", file=file, allowed=SHAPES))
        if problems:
            raise Refused(problems, ExitCode.UNAVAILABLE)
        return cls(lines=tuple(lines))

    def of(self, path: str) -> tuple[str, ...]:
        """Who owns a file; nobody when the last line that matches names nobody."""
        return next((line.owners for line in reversed(self.lines) if line.matches(path)), ())

    def guards(self, path: str) -> bool:
        """Whether a file has an owner."""
        return bool(self.of(path))

    @property
    def everybody(self) -> list[str]:
        """Everybody who owns something, in the order of the file."""
        return list(dict.fromkeys(owner for line in self.lines for owner in line.owners))

    def guardians(self, paths: Iterable[str]) -> list[str]:
        """Everybody who owns one of the files, in the order of the file's lines."""
        named = {owner for path in paths for owner in self.of(path)}
        return [owner for owner in self.everybody if owner in named]
