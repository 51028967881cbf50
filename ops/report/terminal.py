"""The report for a terminal: the same order as elsewhere, a colour for each line."""

from __future__ import annotations

from collections.abc import Iterator

from core.inert import one_line
from ops.report.markdown import change_lines
from ops.report.model import Cost, Group, Policies, Report, Told, Verdict
from ops.report.words import cost_rows, counted, guardians, hazards, judged, more, outline, silent

Line = tuple[str, str]
"""A line and the style that it has."""
GOOD, BAD, WARN, HEAD, QUIET = "green", "bold red", "yellow", "bold", "dim"
VERDICT = {Verdict.PASSES: GOOD, Verdict.NOTHING: GOOD, Verdict.UNDETERMINED: WARN}
COLOURS = {"+": "green", "-": "red", "!": "yellow", "#": "dim"}


def terminal(report: Report) -> str:
    """The report as plain text."""
    return "\n".join(text for text, _ in lines(report)) + "\n"


def lines(report: Report) -> Iterator[Line]:
    """The report line by line; no text of others begins a line of its own, or does anything to a terminal or a log."""
    return ((one_line(text), style) for text, style in _lines(report))


def _lines(report: Report) -> Iterator[Line]:
    if first := guardians(report.judge):
        yield first, BAD
    yield outline(report), HEAD
    yield report.headline, VERDICT.get(report.verdict, BAD)
    yield from ((notice, WARN) for notice in report.notices)
    if report.judge:
        yield judged(report.judge), ""
        yield from ((f"  {guarded.path} {guarded.how}", WARN) for guarded in report.judge.changed)
        yield from ((f"  not known there: {each}", WARN) for each in report.judge.unknown)
    for word, style, told in (("refused", BAD, report.refusals), ("error", BAD, report.errors)):
        for each in told:
            yield from _told(word, style, each)
    if report.cost:
        yield from _cost(report.cost)
    yield from _policies(report.policies)
    if report.dangers:
        yield "", ""
        yield "read these first", HEAD
        yield from ((f"  {hazards(danger)}: {danger.resource}: {danger.why}", "magenta") for danger in report.dangers)
        yield from ([(f"  and {report.more_dangers} more", "")] if report.more_dangers else [])
    for warning in report.warnings:
        yield from _told("warning", WARN, warning)
    for group in report.groups:
        yield from _group(group)
    if report.more_groups:
        yield more(report.more_groups, "component"), ""
    if report.notes:
        yield "", ""
        yield from ((f"  {line}", QUIET) for note in report.notes for line in note.splitlines())
    yield "", ""
    shown = f"; everything: {report.full}" if report.full else ""
    yield f"{'shortened' if report.shortened else 'the whole report'}{shown} ({report.seconds:.1f} s)", QUIET


def _told(word: str, style: str, told: Told) -> Iterator[Line]:
    yield f"{word} {': '.join(filter(None, (told.about, told.summary)))}", style
    yield from ((f"  {line}", "") for line in told.details)


def _cost(cost: Cost) -> Iterator[Line]:
    yield "", ""
    yield f"{'USD a month':28} {'minimum':>14} {'expected':>14} {'maximum':>14}", HEAD
    for name, cells in cost_rows(cost):
        yield f"  {name:26} {' '.join(f'{cell:>14}' for cell in cells)}", ""
    for component in cost.components if cost.deployed else []:
        yield f"    {component.name:54} {component.change:>+14,.2f}", QUIET
    limit = min(cost.budget, cost.ceiling)
    lacking = f"; {cost.unpriced} lines without a price" if cost.unpriced else ""
    yield f"  {cost.left:,.2f} USD left of the {cost.binds} of {limit:,.2f} USD{lacking}", BAD if cost.left < 0 else ""


def _policies(policies: Policies) -> Iterator[Line]:
    yield "", ""
    if not policies.judged:
        yield "the policy packs were not asked", WARN
        return
    yield f"policies: {silent(policies)}", HEAD
    for row in policies.rows:
        about = f" {', '.join(row.resources)}" if row.resources else ""
        rest = f" and {row.count - len(row.resources)} more" if row.resources and row.count > len(row.resources) else ""
        word, style = ("refused", BAD) if row.mandatory else ("advice", WARN)
        yield f"  {word} {row.rule}{about}{rest}", style
        yield from ((f"    {line}", "") for line in row.message.splitlines() if line.strip())
    for exemption in policies.exemptions:
        yield (
            f"  exempt {exemption.what} until {exemption.expires}{' (over)' if exemption.expired else ''}, "
            f"{exemption.owner}: {exemption.reason}",
            "",
        )


def _group(group: Group) -> Iterator[Line]:
    yield "", ""
    yield f"{group.name}: {counted(group.counts)}", HEAD
    for change in group.changes:
        for line in change_lines(change):
            yield f"  {line}", COLOURS.get(line[:1], "")
    if group.changes and group.more_changes:
        yield f"  {more(group.more_changes, 'change')}", ""
