"""A validator's refusal with its parts, which pydantic carries to whoever knows where the value stands."""

from __future__ import annotations

from core.problem import Problem


class Invalid(ValueError):
    """A validator's refusal with its parts: pydantic carries it, the settings loader adds where it stands.

    `where` is relative to the Spec that raised it, in camelCase (`limits.gpus`).
    """

    def __init__(self, summary: str, *, where: str = "", found: str = "", allowed: str = "", fix: str = "") -> None:
        self.problems: tuple[Problem, ...] = (
            Problem(summary=summary, where=where, found=found, allowed=allowed, fix=fix),
        )
        super().__init__(summary)

    @classmethod
    def of(cls, problems: list[Problem]) -> Invalid:
        """Several problems as one refusal, so that a reader sees all of them at once."""
        refusal = cls(problems[0].summary)
        refusal.problems = tuple(problems)
        return refusal
