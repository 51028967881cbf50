"""Keeps a report under its size limit in every format: removes detail step by step, and says so in the report.

A comment on GitHub takes 65,536 characters; the bound leaves room for what a poster puts around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ops.report.model import Change, Cost, Danger, Group, JudgingCheckout, Policies, PolicyRow, Property, Report, Told

LIMIT = 60_000
"""Bytes; every rendered report is smaller."""

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Detail:
    """How much of a report is shown: characters of one text, and how many of each kind of thing."""

    text: int
    lines: int
    properties: int
    created: int
    changes: int
    groups: int
    rows: int
    items: int


LEVELS = (
    Detail(text=600, lines=80, properties=60, created=60, changes=400, groups=100, rows=60, items=60),
    Detail(text=240, lines=30, properties=16, created=12, changes=200, groups=100, rows=60, items=40),
    Detail(text=160, lines=16, properties=8, created=0, changes=200, groups=60, rows=40, items=30),
    Detail(text=120, lines=0, properties=4, created=0, changes=80, groups=40, rows=30, items=20),
    Detail(text=120, lines=0, properties=0, created=0, changes=20, groups=40, rows=20, items=10),
    Detail(text=100, lines=0, properties=0, created=0, changes=0, groups=20, rows=10, items=5),
    Detail(text=40, lines=0, properties=0, created=0, changes=0, groups=2, rows=2, items=2),
)


def fitted(report: Report, write: Callable[[Report], str]) -> str:
    """What `write` makes of the report with as much detail as stays under the bound."""
    return write(fit(report, write))


def fit(report: Report, write: Callable[[Report], str]) -> Report:
    """The report with as much detail as stays under the bound when `write` writes it."""
    for detail in LEVELS:
        found = cut(report, detail)
        if len(write(found).encode("utf-8")) < LIMIT:
            return found
    raise ValueError(f"a report of the least detail is over {LIMIT} bytes")


def cut(report: Report, to: Detail) -> Report:
    """The report with no more than that much detail; what was cut is counted."""
    found = report.model_copy(
        update={
            "world": _cut(report.world, to),
            "stack": _cut(report.stack, to),
            "headline": _cut(report.headline, to, 2),
            "full": _cut(report.full, to),
            "notices": _texts(report.notices, to),
            "notes": _texts(report.notes, to),
            "counts": {_cut(op, to): count for op, count in _few(list(report.counts.items()), 8)},
            "judge": report.judge and _judge(report.judge, to),
            "refusals": _told(report.refusals, to),
            "errors": _told(report.errors, to),
            "warnings": _told(report.warnings, to),
            "more_told": report.more_told
            + sum(max(0, len(messages) - to.items) for messages in (report.refusals, report.errors, report.warnings)),
            "cost": report.cost and _cost(report.cost, to),
            "policies": _policies(report.policies, to),
            "dangers": [_danger(danger, to) for danger in _few(report.dangers, to.rows)],
            "more_dangers": report.more_dangers + max(0, len(report.dangers) - to.rows),
            "groups": [_group(group, to) for group in _few(report.groups, to.groups)],
            "more_groups": report.more_groups + max(0, len(report.groups) - to.groups),
        }
    )
    return found if found == report else found.model_copy(update={"shortened": True})


def _cost(cost: Cost, to: Detail) -> Cost:
    components = [
        change.model_copy(update={"name": _cut(change.name, to)}) for change in _few(cost.components, to.rows)
    ]
    return cost.model_copy(
        update={
            "binds": _cut(cost.binds, to),
            "price_book": _cut(cost.price_book, to),
            "components": components,
            "more_components": cost.more_components + len(cost.components) - len(components),
        }
    )


def _judge(judge: JudgingCheckout, to: Detail) -> JudgingCheckout:
    changed = [guarded.model_copy(update={"path": _cut(guarded.path, to)}) for guarded in _few(judge.changed, to.items)]
    return judge.model_copy(
        update={
            "revision": _cut(judge.revision, to),
            "changed": changed,
            "guardians": _texts(judge.guardians, to),
            "more_changed": judge.more_changed + len(judge.changed) - len(changed),
            "unknown": _texts(judge.unknown, to),
            "refusals": _texts(judge.refusals, to),
        }
    )


def _policies(policies: Policies, to: Detail) -> Policies:
    exemptions = [
        row.model_copy(update={name: _cut(getattr(row, name), to) for name in ("what", "owner", "reason", "expires")})
        for row in _few(policies.exemptions, to.rows)
    ]
    rows = [_row(row, to) for row in _few(policies.rows, to.rows)]
    more = policies.more_rows + len(policies.rows) - len(rows)
    return policies.model_copy(update={"rows": rows, "more_rows": more, "exemptions": exemptions})


def _row(row: PolicyRow, to: Detail) -> PolicyRow:
    named = [_cut(each, to) for each in _few(row.resources, min(3, to.items))]
    return row.model_copy(update={"rule": _cut(row.rule, to), "resources": named, "message": _cut(row.message, to, 3)})


def _danger(danger: Danger, to: Detail) -> Danger:
    return danger.model_copy(update={"resource": _cut(danger.resource, to), "why": _cut(danger.why, to, 2)})


def _group(group: Group, to: Detail) -> Group:
    shown = [_change(change, to) for change in _few(group.changes, to.changes)]
    more = group.more_changes + len(group.changes) - len(shown)
    counts = {_cut(op, to): count for op, count in _few(list(group.counts.items()), 8)}
    return group.model_copy(
        update={"name": _cut(group.name, to), "counts": counts, "changes": shown, "more_changes": more}
    )


def _change(change: Change, to: Detail) -> Change:
    shown = [
        _property(each, to) for each in _few(change.properties, to.created if change.op == "create" else to.properties)
    ]
    return change.model_copy(
        update={
            "op": _cut(change.op, to),
            "type": _cut(change.type, to),
            "name": _cut(change.name, to),
            "properties": shown,
            "more_properties": change.more_properties + len(change.properties) - len(shown),
        }
    )


def _property(found: Property, to: Detail) -> Property:
    before, after = (None if each is None else _cut(each, to) for each in (found.before, found.after))
    lines = [_cut(each, to) for each in _few(found.lines, to.lines)]
    if len(lines) < len(found.lines):
        lines.append(f"… and {len(found.lines) - len(lines)} more lines")
    return found.model_copy(update={"path": _cut(found.path, to), "before": before, "after": after, "lines": lines})


def _told(told: Sequence[Told], to: Detail) -> list[Told]:
    return [
        Told(
            summary=_cut(each.summary, to, 2),
            about=_cut(each.about, to),
            details=[_cut(line, to, 3) for line in _few(each.details, min(to.items, 8))],
        )
        for each in _few(told, to.items)
    ]


def _texts(texts: Sequence[str], to: Detail) -> list[str]:
    return [_cut(each, to, 2) for each in _few(texts, to.items)]


def _few(items: Sequence[Item], most: int) -> list[Item]:
    return list(items[:most])


def _cut(text: str, to: Detail, times: int = 1) -> str:
    most = to.text * times
    return text if len(text) <= most else f"{text[: most - 1]}…"
