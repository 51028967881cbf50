"""An error as a value: what is wrong, where, what is allowed and what to change, before any of it is text.

Everything in Modelyard that refuses something raises `Refused` with one or more `Problem`s. Only the command line
turns them into text, JSON and an exit code, so that nothing is lost on the way there.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from core.secret_shapes import veiled


class ExitCode(enum.IntEnum):
    """The exit codes of every `modelyard` command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNAVAILABLE = 4
    PENDING = 5
    UNDETERMINED = 6
    INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong, with everything a reader needs to mend it.

    `where` is a dotted path in the user's own terms (`gpuPools.chat.maxGpus`); `file` and `line` (from 1) say where
    that path stands, when it is known. `found` never holds a secret's value: callers leave it empty for such fields. What looks
    like a secret is taken out of every part all the same: somebody may have written one as the name of something.
    """

    summary: str
    where: str = ""
    found: str = ""
    allowed: str = ""
    fix: str = ""
    file: str = ""
    line: int = 0

    def __post_init__(self) -> None:
        """Takes out what looks like a secret."""
        for part in ("summary", "where", "found", "allowed", "fix", "file"):
            if (said := getattr(self, part)) != (shown := veiled(said)):
                object.__setattr__(self, part, shown)

    def at(self, file: str, line: int) -> Problem:
        """The same problem, told to stand at `file:line`."""
        return replace(self, file=file, line=line)

    @property
    def place(self) -> str:
        """`file:line: path`, as far as known; editors make the first part a link."""
        spot = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return ": ".join(part for part in (spot, self.where) if part)

    def text(self) -> str:
        """The problem for a person: one headline, then the parts that are known, one a line."""
        head = f"{self.place}: {self.summary}" if self.place else self.summary
        parts = (("found", self.found), ("allowed", self.allowed), ("to fix", self.fix))
        return "\n".join([head, *(f"  {label}: {value}" for label, value in parts if value)])

    def as_dict(self) -> dict[str, str | int]:
        """The problem for a machine: only the parts that are known."""
        return {key: value for key, value in asdict(self).items() if value}


class Refused(Exception):
    """Bad input, or a state in which going on would do harm; carries every problem found, never only the first."""

    def __init__(self, problems: Problem | Iterable[Problem], code: ExitCode = ExitCode.REFUSED) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.code = code
        super().__init__("\n".join(problem.text() for problem in self.problems))
