"""The report as one HTML file that loads nothing: the same parts in the same order, large components folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from ops.report.markdown import OPEN, change_lines
from ops.report.model import Cost, Danger, Group, Policies, PolicyRow, Report, Told, Verdict
from ops.report.words import cost_rows, counted, hazards, judged, more, outline, silent

GOOD = {Verdict.PASSES, Verdict.NOTHING}
CLASSES = {"+": "in", "-": "out", "!": "at", "#": "q"}


def page(report: Report) -> str:
    """The report for a browser."""
    title = outline(report)
    state = "good" if report.verdict in GOOD else "bad"
    body = "".join(
        (
            f"<h1>{escape(title)}</h1><p class='verdict {state}'>{escape(report.headline)}</p>",
            *(f"<p class=note>{escape(each)}</p>" for each in report.notices),
            *_judge(report),
            *_told("Refused", report.refusals),
            *_told("Errors", report.errors),
            *(_cost(report.cost) if report.cost else ()),
            *_policies(report.policies),
            *_dangers(report.dangers, report.more_dangers),
            *_told("Warnings", report.warnings),
            *_groups(report),
            *(_pre("How the pools are sized", report.notes) if report.notes else ()),
            _foot(report),
        )
    )
    return (
        '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{body}\n"
    )


_STYLE = (
    ":root{color-scheme:light dark;--line:#8884;--soft:#8881}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:1.5rem auto;padding:0 1rem}"
    "h1{font-size:1.25rem;margin:0 0 .5rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}"
    ".verdict{font-weight:600;padding:.6rem .8rem;border-left:4px solid;background:var(--soft);margin:0 0 .8rem}"
    ".good{border-color:#2a7d46}.bad{border-color:#c0392b}.note{margin:.3rem 0;padding:.4rem .8rem;background:#e6a70022}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.3rem 0}"
    "th,td{padding:.25rem .7rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}"
    ".money th:not(:first-child),.money td:not(:first-child){text-align:right}.planned{font-weight:600}"
    "code,pre{font:12.5px/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.6rem .8rem;overflow:auto;"
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0}td code{overflow-wrap:anywhere;white-space:pre-wrap}"
    "details{margin:.3rem 0}summary{cursor:pointer;padding:.2rem 0}.in{color:#2a7d46}.out{color:#c0392b}.at{color:#b07a00}"
    ".q{opacity:.65}pre span{display:block}footer{margin-top:1.5rem;opacity:.7;font-size:13px}"
    "@media(prefers-color-scheme:dark){.in{color:#7bd197}.out{color:#ff8f80}.at{color:#e6c15a}}"
)


def _foot(report: Report) -> str:
    shown = f"Everything: <code>{escape(report.full)}</code>. " if report.full else ""
    cut = "Shortened to stay readable. " if report.shortened else ""
    told = f"{report.more_told} messages are left out. " if report.more_told else ""
    return f"<footer>{told}{cut}{shown}{f'The preview took {report.seconds:.1f} s.' if report.seconds else ''}</footer>"


def _judge(report: Report) -> Iterator[str]:
    if report.judge:
        yield f"<p>{escape(judged(report.judge))}</p>"
        listed = [f"<li><code>{escape(each.path)}</code> {escape(each.how)}" for each in report.judge.changed]
        listed += [f"<li>not known there: <code>{escape(each)}</code>" for each in report.judge.unknown]
        yield f"<ul>{''.join(listed)}</ul>" if listed else ""


def _told(title: str, told: Iterable[Told]) -> Iterator[str]:
    listed = ["\n  ".join([": ".join(filter(None, (each.about, each.summary))), *each.details]) for each in told]
    return _pre(title, listed) if listed else iter(())


def _pre(title: str, texts: Iterable[str]) -> Iterator[str]:
    yield f"<h2>{escape(title)}</h2><pre>{escape(chr(10).join(texts), quote=False)}</pre>"


def _cost(cost: Cost) -> Iterator[str]:
    rows = "".join(
        f"<tr class={name}><td>{name}{''.join(f'<td>{cell}' for cell in cells)}" for name, cells in cost_rows(cost)
    )
    yield f"<h2>Cost</h2><table class=money><tr><th>USD a month<th>minimum<th>expected<th>maximum{rows}</table>"
    limit = min(cost.budget, cost.ceiling)
    yield (
        f"<p>{cost.left:,.2f} USD are left of the {escape(cost.binds)} of {limit:,.2f} USD; {cost.unpriced or 'no'} "
        f"line{'s' * (cost.unpriced != 1)} without a price. Prices <code>{escape(cost.price_book)}</code>.</p>"
    )
    if cost.components and cost.deployed:
        moved = "".join(
            f"<tr><td>{escape(each.name)}<td>{'-' if each.before is None else f'{each.before:,.2f}'}"
            f"<td>{each.after:,.2f}<td>{each.change:+,.2f}"
            for each in cost.components
        )
        moved += f"<tr><td>and {cost.more_components} more<td><td><td>" if cost.more_components else ""
        yield f"<table class=money><tr><th>component (maximum)<th>deployed<th>planned<th>change{moved}</table>"


def _policies(policies: Policies) -> Iterator[str]:
    yield "<h2>Policies</h2>"
    if not policies.judged:
        yield "<p>The packs were not asked.</p>"
        return
    if policies.rows:
        rest = f"<tr><td>and {policies.more_rows} more<td><td><td>" if policies.more_rows else ""
        rows = "".join(map(_row, policies.rows))
        yield f"<table><tr><th>rule<th><th>resources<th>what it says{rows}{rest}</table>"
    yield f"<p>{silent(policies)}</p>"
    if policies.exemptions:
        rows = "".join(
            f"<tr><td>{escape(each.what)}<td>{escape(each.owner)}<td>{escape(each.reason)}"
            f"<td>{escape(each.expires)}{' (over)' if each.expired else ''}"
            for each in policies.exemptions
        )
        yield f"<table><tr><th>exemption<th>owner<th>reason<th>until{rows}</table>"


def _row(row: PolicyRow) -> str:
    level = "<b class=out>mandatory</b>" if row.mandatory else "advisory"
    named = "<br>".join(f"<code>{escape(each)}</code>" for each in row.resources)
    rest = f"<br>and {row.count - len(row.resources)} more" if row.resources and row.count > len(row.resources) else ""
    return (
        f"<tr><td><code>{escape(row.rule)}</code><td>{level}<td>{named}{rest}"
        f"<td><code>{escape(row.message.strip(), quote=False)}</code>"
    )


def _dangers(dangers: list[Danger], rest: int) -> Iterator[str]:
    if dangers:
        listed = "".join(
            f"<li><b>{hazards(each)}</b> <code>{escape(each.resource)}</code>: {escape(each.why)}" for each in dangers
        )
        yield f"<h2>Read these first</h2><ul>{listed}{f'<li>and {rest} more' if rest else ''}</ul>"


def _groups(report: Report) -> Iterator[str]:
    if report.groups:
        yield "<h2>Changes</h2>"
        yield from (_group(each, report) for each in report.groups)
        if report.more_groups:
            yield f"<p>And {report.more_groups} more components.</p>"


def _group(group: Group, report: Report) -> str:
    title = f"<b>{escape(group.name)}</b>: {escape(counted(group.counts))}"
    if not group.changes:
        return f"<p>{title}</p>"
    lines = [line for change in group.changes for line in change_lines(change)]
    lines += [f"# {more(group.more_changes, 'change')}"] if group.more_changes else []
    small = len(report.groups) <= OPEN and sum(group.counts.values()) <= OPEN and len(lines) <= 4 * OPEN
    shown = "".join(f"<span{_class(line)}>{escape(line, quote=False)}</span>" for line in lines)
    return f"<details{' open' if small else ''}><summary>{title}</summary><pre>{shown}</pre></details>"


def _class(line: str) -> str:
    name = CLASSES.get(line[:1])
    return f" class={name}" if name else ""
