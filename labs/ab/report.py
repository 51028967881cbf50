"""The report as text and as a document for machines; the page is made of the same document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labs.ab.analysis import CONFIDENCE, Counts, Outcome, Verdict, by_chance


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one run of the lab has to say. Times are in seconds."""

    experiment: str
    verdict: Verdict
    behind: tuple[str, ...]
    """What answered: the model's address, and what stood in for what."""
    prompts: dict[str, str]
    examples: dict[str, list[tuple[str, bool]]]
    """A few answers of each arm, and whether they helped."""
    users: int
    requests: int
    seed: int
    failed: dict[str, int]
    median_seconds: float
    total_seconds: float
    change: str
    short: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "experiment": self.experiment,
            "verdict": self.verdict.as_dict(),
            "behind": list(self.behind),
            "prompts": self.prompts,
            "examples": {
                arm: [{"answer": text, "helpful": said} for text, said in each] for arm, each in self.examples.items()
            },
            "run": {
                "users": self.users,
                "requests": self.requests,
                "seed": self.seed,
                "short": self.short,
                "failed": self.failed,
                "medianAnswerSeconds": round(self.median_seconds, 2),
                "totalSeconds": round(self.total_seconds, 1),
            },
            "change": self.change,
        }


def headline(report: Report) -> str:
    """The verdict in one sentence."""
    verdict = report.verdict
    if verdict.outcome is Outcome.WINNER:
        return f"WINNER {verdict.winner}: {interval(verdict)}"
    if verdict.outcome is Outcome.NO_WINNER:
        return f"NO WINNER: {interval(verdict)}, and the interval holds zero"
    return f"NOT TRUSTED: {verdict.why}"


def interval(verdict: Verdict) -> str:
    """The effect with its interval, in percentage points."""
    how = f"{abs(100 * verdict.effect):.1f} points {'more' if verdict.effect >= 0 else 'fewer'} helpful answers"
    span = f"{100 * verdict.low:+.1f} to {100 * verdict.high:+.1f}"
    return f"{verdict.treatment.arm} has {how} than {verdict.control.arm}, {CONFIDENCE:.0%} interval {span}"


def lines(report: Report) -> Iterator[str]:
    """The report for a terminal."""
    verdict = report.verdict
    yield from (f"behind the app: {each}" for each in report.behind)
    yield f"{report.requests} questions of {report.users} users, seed {report.seed}; " + (
        f"an answer took {report.median_seconds:.1f} s (median)"
    )
    if report.short:
        yield "short form: few users, so the interval is wide and often holds zero"
    yield ""
    yield f"{'arm':<12}{'users':>7}{'asked':>7}{'answers':>9}{'judged':>8}{'helpful':>9}{'share':>8}"
    yield from (_row(counts) for counts in (verdict.control, verdict.treatment))
    yield ""
    yield f"split: {by_chance(verdict.split_p_value)}"
    for why, count in report.failed.items():
        yield f"failed: {count} x {why}"
    yield headline(report)
    if report.change:
        yield "\nthe change that ships it (`git apply` takes it):\n"
        yield report.change.rstrip()


def _row(each: Counts) -> str:
    return f"{each.arm:<12}{each.users:>7}{each.asked:>7}{each.answers:>9}{each.judged:>8}{each.helpful:>9}{each.share:>8.1%}"
