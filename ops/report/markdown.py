"""The report as Markdown for a pull request: what others have written stands in code, so that it can neither format nor ping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.inert import cell, code, fenced, html, one_line, plain
from ops.report.model import Change, Cost, Danger, Group, Policies, PolicyRow, Property, Report, Told
from ops.report.words import ICONS, MARKS, cost_rows, counted, guardians, hazards, judged, more, outline, silent

NOTHING = "-"
"""What stands for an empty text where nothing between two marks would be a mark of its own."""
OPEN = 12
"""Changes in a component up to which it stands open; larger ones are folded."""


def markdown(report: Report) -> str:
    """The report for a pull request: who has to read it, the verdict, money, policies, dangers, then the changes by component."""
    first = guardians(report.judge)
    parts = [f"> **{plain(first)}**", ""] if first else []
    parts += [
        f"### {ICONS[report.verdict]} {plain(outline(report))}",
        "",
        f"**{plain(report.headline) or NOTHING}**",
        "",
    ]
    for notice in report.notices:
        parts += [f"> {plain(notice)}", ""]
    parts += _judge(report)
    for title, told in (("Refused", report.refusals), ("Errors", report.errors)):
        parts += _told(title, told)
    parts += _cost(report.cost) if report.cost else []
    parts += _policies(report.policies)
    parts += _dangers(report.dangers, report.more_dangers)
    parts += _told("Warnings", report.warnings)
    parts += [f"{report.more_told} more are left out.", ""] if report.more_told else []
    parts += _groups(report)
    if report.notes:
        parts += _folded("How the pools are sized", fenced("\n".join(report.notes)))
    parts += [f"<sub>{plain(_foot(report))}</sub>"]
    return "\n".join(parts) + "\n"


def _foot(report: Report) -> str:
    cut = "Shortened to stay readable. " if report.shortened else ""
    shown = f"Everything: {report.full}. " if report.full else ""
    took = f"The preview took {report.seconds:.1f} s." if report.seconds else "No preview was run to its end."
    return f"{cut}{shown}{took}"


def _judge(report: Report) -> Iterator[str]:
    if report.judge is None:
        return
    yield plain(judged(report.judge))
    yield from (f"- {code(guarded.path)} {plain(guarded.how)}" for guarded in report.judge.changed)
    if report.judge.more_changed:
        yield f"- and {report.judge.more_changed} more"
    yield from (f"- not known there: {code(each)}" for each in report.judge.unknown)
    yield ""


def _told(title: str, told: Iterable[Told]) -> Iterator[str]:
    listed = list(told)
    if listed:
        yield from (f"#### {title}", "")
        texts = ["\n  ".join([": ".join(filter(None, (each.about, each.summary))), *each.details]) for each in listed]
        yield from (*fenced("\n".join(texts)), "")


def _cost(cost: Cost) -> Iterator[str]:
    yield from ("#### Cost", "", "| USD a month | minimum | expected | maximum |", "|---|--:|--:|--:|")
    for name, cells in cost_rows(cost):
        bold = "**" if name == "planned" else ""
        yield f"| {bold}{name}{bold} | {' | '.join(cells)} |"
    limit = min(cost.budget, cost.ceiling)
    yield ""
    yield (
        f"{cost.left:,.2f} USD are left of the {plain(cost.binds)} of {limit:,.2f} USD; "
        f"{cost.unpriced or 'no'} line{'s' * (cost.unpriced != 1)} without a price. Prices {code(cost.price_book)}."
    )
    yield ""
    if cost.components and cost.deployed:
        rows = [
            f"| {cell(component.name)} | {'-' if component.before is None else f'{component.before:,.2f}'} "
            f"| {component.after:,.2f} "
            f"| {component.change:+,.2f} |"
            for component in cost.components
        ]
        rows += [f"| and {cost.more_components} more | | | |"] if cost.more_components else []
        table = ["| component (maximum) | deployed | planned | change |", "|---|--:|--:|--:|", *rows]
        yield from [*table, ""] if len(rows) <= OPEN else _folded("By component", table)


def _policies(policies: Policies) -> Iterator[str]:
    yield from ("#### Policies", "")
    if not policies.judged:
        yield from ("The packs were not asked.", "")
        return
    if policies.rows:
        yield from ("| rule | | resources | what it says |", "|---|---|---|---|")
        yield from (_row(row) for row in policies.rows)
        yield from ([f"| and {policies.more_rows} more | | | |"] if policies.more_rows else [])
        yield ""
    yield from (silent(policies), "")
    if policies.exemptions:
        yield from ("| exemption | owner | reason | until |", "|---|---|---|---|")
        for exemption in policies.exemptions:
            until = f"{plain(exemption.expires)}{' (over)' if exemption.expired else ''}"
            yield f"| {cell(exemption.what)} | {cell(exemption.owner)} | {cell(exemption.reason)} | {until} |"
        yield ""


def _row(row: PolicyRow) -> str:
    level = "**mandatory**" if row.mandatory else "advisory"
    named = "<br>".join(cell(resource) for resource in row.resources)
    rest = f"<br>and {row.count - len(row.resources)} more" if row.resources and row.count > len(row.resources) else ""
    message = "<br>".join(cell(line) for line in row.message.splitlines() if line.strip())
    return f"| {cell(row.rule)} | {level} | {named}{rest} | {message} |"


def _dangers(dangers: list[Danger], rest: int) -> Iterator[str]:
    if dangers:
        yield from ("#### Read these first", "")
        yield from (f"- **{hazards(danger)}** {code(danger.resource)}: {code(danger.why)}" for danger in dangers)
        yield from ([f"- and {rest} more"] if rest else [])
        yield ""


def _groups(report: Report) -> Iterator[str]:
    if not report.groups:
        return
    yield from ("#### Changes", "")
    for group in report.groups:
        title = f"<b>{html(group.name)}</b>: {html(counted(group.counts))}"
        body = list(_changes(group))
        small = len(report.groups) <= OPEN and sum(group.counts.values()) <= OPEN and len(body) <= 4 * OPEN
        yield from _folded(title, body, opened=small)
    if report.more_groups:
        yield from (f"And {report.more_groups} more components.", "")


def _changes(group: Group) -> Iterator[str]:
    if group.changes:
        rest = [f"# {more(group.more_changes, 'change')}"] if group.more_changes else []
        yield from fenced(
            "\n".join([*(line for change in group.changes for line in change_lines(change)), *rest]), "diff"
        )


def change_lines(change: Change) -> Iterator[str]:
    """A change as lines of a diff: the mark of its operation first, then what goes in red and what comes in green.

    None of its texts can begin a line of its own.
    """
    yield one_line(f"{MARKS.get(change.op, '?')} {change.op} {change.type} {change.name}")
    for each in change.properties:
        yield from map(one_line, _property(each))
    if change.more_properties and change.properties:
        yield f"#     {more(change.more_properties, 'property', 'properties')}"


def _property(each: Property) -> Iterator[str]:
    if each.lines:
        yield f"#     {each.path}:"
        yield from (f"{line[:1] if line[:1] in '+-' else ' '}       {line[1:]}" for line in each.lines if line)
        return
    if each.before is None and each.after is None:
        yield f"#     {each.path}"
    for mark, value in (("-", each.before), ("+", each.after)):
        if value is not None:
            yield f"{mark}     {each.path}: {' '.join(value.split())}"


def _folded(title: str, body: Iterable[str], *, opened: bool = False) -> Iterator[str]:
    lines = list(body)
    if not lines:
        yield from (f"- {title}", "")
        return
    yield from (f"<details{' open' if opened else ''}><summary>{title}</summary>", "", *lines, "", "</details>", "")
