"""The cost report as a table for a terminal, Markdown for a pull request, and a page of its own for a browser."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from core.inert import fenced, html, one_line, plain
from ops.cost.report import Amounts, Line, Report, as_json
from ops.options import CostFormat
from ops.pages import render
from pricing.bill.breakdown import SHARED

NONE = "-"
BAR, LABEL, ROW, WIDTH = 18, 170, 30, 860


def written(report: Report, form: CostFormat) -> str:
    """The report for whoever reads it."""
    if form is CostFormat.TABLE:
        return "\n".join(map(one_line, table(report)))
    return {CostFormat.JSON: as_json, CostFormat.MD: markdown, CostFormat.HTML: page}[form](report)


def table(report: Report) -> Iterator[str]:
    """The report as lines of plain text: components dearest first, each with its lines."""
    yield f"{verdict(report)}"
    yield ""
    yield f"{'USD a month':52} {'minimum':>12} {'expected':>12} {'maximum':>12}"
    for component in report.components:
        yield f"{component.name:52} {_columns(component.amounts)}"
        for line in component.lines:
            yield f"  {_text(line):50} {_line_columns(line)}"
    yield f"{'total':52} {_columns(report.total)}"
    yield ""
    for label, amounts in shares(report):
        yield f"{label:52} {_columns(amounts)}"
    yield from uses(report)
    yield from _compared(report)
    for text in (*report.refusals, *report.warnings):
        yield ""
        yield from text.splitlines()
    yield ""
    yield f"prices {report.price_book}, {place(report)}, {report.hours_per_month} hours a month"


def verdict(report: Report) -> str:
    """Whether it fits, in one sentence."""
    budget, most = report.budget, report.total.maximum
    limit = min(budget.monthly, budget.ceiling)
    if report.unpriced:
        return f"{report.stack}: budget-undetermined: {len(report.unpriced)} line(s) have no price"
    if not budget.fits:
        return f"{report.stack}: at most {most:f} USD a month, which is not within the {budget.binds} of {limit:f} USD"
    left = f"{budget.left:f} USD left of the {budget.binds} of {limit:f} USD"
    return f"{report.stack}: at most {most:f} USD a month, {left}"


def shares(report: Report) -> Iterator[tuple[str, Amounts]]:
    """Who causes the bill, three times over: by pool, by team and by environment; each adds up to the total."""
    for kind, found in (("pool", report.pools), ("team", report.teams), ("environment", report.environments)):
        for share in found:
            yield (
                "shared by all pools" if (kind, share.name) == ("pool", SHARED) else f"{kind} {share.name}",
                share.amounts,
            )


def uses(report: Report) -> Iterator[str]:
    """Which release runs on which pool, a sentence each."""
    for release in report.releases:
        many = f"{release.gpus} GPU{'s' if release.gpus > 1 else ''}" if release.gpus else "no GPU"
        yield f"release {release.release}: {many} of pool {release.pool}, in that pool's cost"


def place(report: Report) -> str:
    """Where the prices hold."""
    return report.region or "outside AWS"


def markdown(report: Report) -> str:
    """The report for a pull request: verdict first, the lines of each component folded."""
    parts = [f"**{plain(verdict(report))}**", "", "| USD a month | minimum | expected | maximum |", "|---|--:|--:|--:|"]
    parts += [f"| {plain(each.name)} | {_cells(each.amounts)} |" for each in report.components]
    parts += [f"| **total** | {_cells(report.total)} |", ""]
    parts += ["| share, USD a month | minimum | expected | maximum |", "|---|--:|--:|--:|"]
    parts += [f"| {plain(label)} | {_cells(amounts)} |" for label, amounts in shares(report)]
    parts.append("")
    parts += [f"- {plain(use)}" for use in uses(report)]
    parts += [""] if report.releases else []
    if report.compared:
        parts += [f"Against {plain(report.compared.stack)}: {report.compared.difference.maximum:+f} USD at most.", ""]
        parts += ["| component | here | there | difference |", "|---|--:|--:|--:|"]
        parts += [
            f"| {plain(change.name)} | {_known(change.here, NONE)} | {_known(change.there, NONE)} | {change.difference:+f} |"
            for change in report.compared.components
        ]
        parts.append("")
    for text in (*report.refusals, *report.warnings):
        parts += [*fenced(text), ""]
    for component in report.components:
        parts += ["<details>", f"<summary>{html(component.name)}</summary>", ""]
        parts += ["| line | quantity | unit price | minimum | expected | maximum |", "|---|--:|--:|--:|--:|--:|"]
        parts += [
            f"| {plain(line.role)} | {_quantity(line)} | {_price(line)} | {_line_cells(line)} |"
            for line in component.lines
        ]
        parts += ["", "</details>", ""]
    parts.append(plain(f"Prices {report.price_book}, {place(report)}, {report.hours_per_month} hours a month."))
    return "\n".join(parts) + "\n"


def page(report: Report) -> str:
    """The report as one HTML file that loads nothing: a bar chart, then every line with its price's source."""
    named = dict.fromkeys(_source(line) for component in report.components for line in component.lines)
    return render(
        "cost.html",
        report=report,
        verdict=verdict(report),
        chart=chart(report),
        notes=(*report.refusals, *report.warnings),
        shares=list(shares(report)),
        uses=list(uses(report)),
        quantity=_quantity,
        price=_price,
        source=_source,
        sources={source: number for number, source in enumerate(named, 1)},
    )


def chart(report: Report) -> dict[str, Any]:
    """One bar for each component, its maximum in light and what is expected in dark: how wide each is, and where it stands."""
    most = max((component.amounts.maximum for component in report.components), default=Decimal(0)) or Decimal(1)
    room = WIDTH - LABEL - 150
    bars = []
    for place, each in enumerate(report.components):
        top, amounts = place * ROW + 6, each.amounts
        wide, dark = (float(amount / most) * room for amount in (amounts.maximum, amounts.expected))
        bars.append(
            {"name": each.name, "top": top, "text": top + BAR - 4, "most": wide, "likely": dark, "amounts": amounts}
        )
    return {
        "told": "expected (dark) and maximum (light) USD a month of each component",
        "width": WIDTH,
        "height": len(report.components) * ROW + 6,
        "left": LABEL,
        "bar": BAR,
        "bars": bars,
    }


def _source(line: Line) -> str:
    return (f"{line.price_source} {line.price_as_of}" if line.price_source else "; ".join(line.assumptions)).strip()


def _compared(report: Report) -> Iterator[str]:
    if report.compared is None:
        return
    yield ""
    yield f"{'maximum against ' + report.compared.stack:52} {'here':>12} {'there':>12} {'difference':>12}"
    for component in report.compared.components:
        here, there = _known(component.here, NONE), _known(component.there, NONE)
        yield f"{component.name:52} {here:>12} {there:>12} {component.difference:>+12f}"
    total = report.compared
    yield f"{'total':52} {report.total.maximum:>12f} {total.total.maximum:>12f} {total.difference.maximum:>+12f}"


def _text(line: Line) -> str:
    text = line.role if line.label in line.role else f"{line.role}, {line.label}"
    return text if len(text) <= 50 else text[:49] + "…"


def _columns(amounts: Amounts) -> str:
    return f"{amounts.minimum:>12f} {amounts.expected:>12f} {amounts.maximum:>12f}"


def _line_columns(line: Line) -> str:
    if line.maximum is None:
        return f"{'unpriced: ' + '; '.join(line.assumptions):>12}"
    return " ".join(f"{_known(amount):>12}" for amount in (line.minimum, line.expected, line.maximum))


def _cells(amounts: Amounts) -> str:
    return f"{amounts.minimum:f} | {amounts.expected:f} | {amounts.maximum:f}"


def _line_cells(line: Line) -> str:
    return " | ".join(_known(amount) for amount in (line.minimum, line.expected, line.maximum))


def _known(amount: Decimal | None, unknown: str = "unpriced") -> str:
    return unknown if amount is None else f"{amount:f}"


def _quantity(line: Line) -> str:
    return f"{line.quantity.normalize():f} {line.unit}".strip()


def _price(line: Line) -> str:
    return (
        "unpriced" if line.unit_price_usd is None else f"{line.unit_price_usd.normalize():.6f}".rstrip("0").rstrip(".")
    )
