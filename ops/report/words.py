"""What the renderers say alike: marks, the first line, rows of amounts, counts in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from ops.report.model import Amounts, Cost, Danger, Hazard, JudgingCheckout, Policies, Report, Verdict

ICONS = {
    Verdict.PASSES: "✅",
    Verdict.NOTHING: "✅",
    Verdict.REFUSED: "⛔",
    Verdict.UNDETERMINED: "⚠️",
    Verdict.FAILED: "❌",
}
VERDICTS = {
    Verdict.PASSES: "may be deployed",
    Verdict.NOTHING: "nothing changes",
    Verdict.REFUSED: "refused",
    Verdict.UNDETERMINED: "undetermined",
    Verdict.FAILED: "failed",
}
MARKS = {"create": "+", "update": "!", "delete": "-", "replace": "-", "import": "+"}
HAZARDS = {
    Hazard.REPLACE: "replaced",
    Hazard.DELETE: "deleted",
    Hazard.PROTECTED: "protected",
    Hazard.UNPROTECT: "protection ends",
    Hazard.NODES: "nodes are replaced",
    Hazard.DATABASE: "database",
    Hazard.DATA: "holds data",
}


def outline(report: Report) -> str:
    """The first line: the world, the stack, the verdict."""
    return f"{report.world}, stack {report.stack}: {VERDICTS[report.verdict]}"


def cost_rows(cost: Cost) -> Iterator[tuple[str, list[str]]]:
    """The rows of the cost table with their three amounts as text."""
    yield "deployed", ["-"] * 3 if cost.deployed is None else [f"{amount:,.2f}" for amount in _three(cost.deployed)]
    yield "planned", [f"{amount:,.2f}" for amount in _three(cost.planned)]
    if cost.change is not None:
        yield "change", [f"{amount:+,.2f}" if amount else "0.00" for amount in _three(cost.change)]


def guardians(judge: JudgingCheckout | None) -> str:
    """Who has to read the change before anything else is believed, in a sentence; nothing when nobody has to."""
    touched = len(judge.changed) + judge.more_changed if judge else 0
    if judge is None or not touched:
        return ""
    named = f" ({', '.join(judge.guardians)})" if judge.guardians else ""
    files = f"{touched} file{'s' * (touched > 1)} that decide{'s' * (touched == 1)} what may be deployed"
    return f"A guardian{named} has to read this change: it touches {files}."


def judged(judge: JudgingCheckout) -> str:
    """Who judged, in a sentence."""
    touched = len(judge.changed) + judge.more_changed
    what = f"; {touched} file{'s' * (touched > 1)} that decide{'s' * (touched == 1)} differ{'s' * (touched == 1)} here:"
    return f"Judged by the packs, guard file, Specs and prices of {judge.revision}{what if touched else '.'}"


def silent(policies: Policies) -> str:
    """How many rules passed, or that not all rules have run."""
    if policies.passed:
        return f"{policies.passed} rules passed."
    return "Not every rule was asked: the preview ended first."


def counted(counts: Mapping[str, int]) -> str:
    """`2 update, 1 create`."""
    return ", ".join(f"{count} {op}" for op, count in counts.items())


def hazards(danger: Danger) -> str:
    """Why a change is set apart, in a few words."""
    return ", ".join(HAZARDS[hazard] for hazard in danger.hazards)


def more(count: int, one: str, many: str = "") -> str:
    """`and 3 more changes`."""
    return f"and {count} more {one if count == 1 else many or one + 's'}"


def _three(amounts: Amounts) -> tuple[Decimal, Decimal, Decimal]:
    return amounts.minimum, amounts.expected, amounts.maximum
