"""The report as one HTML file that loads nothing: the same parts in the same order, large components folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ops.pages import render
from ops.report import words
from ops.report.markdown import OPEN, change_lines
from ops.report.model import Group, Report, Told, Verdict

GOOD = {Verdict.PASSES, Verdict.NOTHING}
CLASSES = {"+": "in", "-": "out", "!": "at", "#": "q"}


def page(report: Report) -> str:
    """The report for a browser."""
    return render(
        "report.html",
        report=report,
        words=words,
        good=report.verdict in GOOD,
        texts=_texts,
        lines=_lines,
        unfolded=lambda group: _small(group, report),
    )


def _texts(told: Iterable[Told]) -> list[str]:
    return ["\n  ".join([": ".join(filter(None, (each.about, each.summary))), *each.details]) for each in told]


def _lines(group: Group) -> list[tuple[str, str]]:
    """The changes of a component, line by line, each with the class of its mark."""
    return [(line, CLASSES.get(line[:1], "")) for line in _said(group)]


def _said(group: Group) -> Iterator[str]:
    for change in group.changes:
        yield from change_lines(change)
    if group.more_changes:
        yield f"# {words.more(group.more_changes, 'change')}"


def _small(group: Group, report: Report) -> bool:
    few = len(report.groups) <= OPEN and sum(group.counts.values()) <= OPEN
    return few and len(list(_said(group))) <= 4 * OPEN
