"""One path on its way from end to end: what breaks it, and what cannot be seen from what is declared."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.problem import Problem


@dataclass
class Walk:
    """What was met on the way. A path exists when nothing breaks it and nothing is out of sight."""

    broken: list[Problem] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def breaks(self, where: str, summary: str, *, found: str = "", allowed: str = "", fix: str = "") -> None:
        """Something that must be there is not; `where` is the logical name of the resource that lacks it."""
        problem = Problem(summary=summary, where=where, found=found, allowed=allowed, fix=fix)
        if problem not in self.broken:
            self.broken.append(problem)

    def hides(self, what: str) -> None:
        """Something that belongs to somebody else, by its name."""
        if what not in self.unseen:
            self.unseen.append(what)
