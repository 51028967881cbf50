"""The cost report as a table for a terminal, Markdown for a pull request, and a page of its own for a browser."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from html import escape

from ops.cost.report import Amounts, Line, Report, as_json
from ops.options import CostFormat
from ops.report.inert import plain
from pricing.bill.shares import SHARED

NONE = "-"
BAR, LABEL, ROW, WIDTH = 18, 170, 30, 860


def written(report: Report, form: CostFormat) -> str:
    """The report for whoever reads it."""
    if form is CostFormat.TABLE:
        return "\n".join(table(report))
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
    for each in report.releases:
        many = f"{each.gpus} GPU{'s' if each.gpus > 1 else ''}" if each.gpus else "no GPU"
        yield f"release {each.release}: {many} of pool {each.pool}, in that pool's cost"


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
            f"| {plain(each.name)} | {_known(each.here, NONE)} | {_known(each.there, NONE)} | {each.difference:+f} |"
            for each in report.compared.components
        ]
        parts.append("")
    for text in (*report.refusals, *report.warnings):
        parts += ["```text", text.replace("```", "'''"), "```", ""]
    for component in report.components:
        parts += ["<details>", f"<summary>{escape(component.name)}</summary>", ""]
        parts += ["| line | quantity | unit price | minimum | expected | maximum |", "|---|--:|--:|--:|--:|--:|"]
        parts += [
            f"| {plain(line.role)} | {_quantity(line)} | {_price(line)} | {_line_cells(line)} |"
            for line in component.lines
        ]
        parts += ["", "</details>", ""]
    parts.append(f"Prices {report.price_book}, {place(report)}, {report.hours_per_month} hours a month.")
    return "\n".join(parts) + "\n"


def page(report: Report) -> str:
    """The report as one HTML file that loads nothing: a bar chart, then every line with its price's source."""
    sources: dict[str, int] = {}
    rows = "".join(
        f"<tr class=part><th>{escape(component.name)}<td><td>{_money(component.amounts)}"
        + "".join(_html_line(line, sources) for line in component.lines)
        for component in report.components
    )
    notes = "".join(f"<pre>{escape(text)}</pre>" for text in (*report.refusals, *report.warnings))
    title = f"Cost of {report.stack}"
    listed = "".join(f"<li>{escape(source)}" for source in sources)
    return (
        f'<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>"
        f"<p class={'good' if report.budget.fits else 'bad'}>{escape(verdict(report))}</p>{chart(report)}{notes}"
        f"{_html_shares(report)}{_html_compared(report)}<h2>Every line</h2>"
        "<table><thead><tr><th>line<th>quantity<th>unit price<th>minimum<th>expected<th>maximum</thead>"
        f"<tbody>{rows}<tr class=part><th>total<td><td>{_money(report.total)}</tbody></table>"
        f"<p>USD a month of {report.hours_per_month} hours. Prices {escape(report.price_book)}, {escape(report.region)}.</p>"
        f"<h2>Sources of prices, and why a line has none</h2><ol>{listed}</ol>"
    )


def _html_shares(report: Report) -> str:
    rows = "".join(f"<tr><td>{escape(label)}{_money(amounts)}" for label, amounts in shares(report))
    head = "<thead><tr><th>share<th>minimum<th>expected<th>maximum</thead>"
    listed = "".join(f"<li>{escape(use)}" for use in uses(report))
    below = f"<ul>{listed}</ul>" if listed else ""
    return f"<h2>By pool, team and environment</h2><table>{head}<tbody>{rows}</tbody></table>{below}"


def _html_compared(report: Report) -> str:
    if report.compared is None:
        return ""
    rows = "".join(
        f"<tr><td>{escape(each.name)}<td>{_sum(each.here)}<td>{_sum(each.there)}<td>{each.difference:+,.2f}"
        for each in report.compared.components
    )
    other = report.compared
    return (
        f"<h2>Against {escape(other.stack)}</h2><table><thead><tr><th>maximum<th>here<th>there<th>difference</thead>"
        f"<tbody>{rows}<tr class=part><th>total<td>{report.total.maximum:,.2f}<td>{other.total.maximum:,.2f}"
        f"<td>{other.difference.maximum:+,.2f}</tbody></table>"
    )


def chart(report: Report) -> str:
    """One bar for each component: its maximum in light, what is expected in dark, with the amounts beside it."""
    most = max((each.amounts.maximum for each in report.components), default=Decimal(0)) or Decimal(1)
    room = WIDTH - LABEL - 150
    bars = []
    for place, each in enumerate(report.components):
        y, amounts = place * ROW + 6, each.amounts
        wide, dark = (float(amount / most) * room for amount in (amounts.maximum, amounts.expected))
        text = y + BAR - 4
        bars.append(
            f'<text x="{LABEL - 8}" y="{text}" text-anchor="end">{escape(each.name)}</text>'
            f'<rect x="{LABEL}" y="{y}" width="{wide:.1f}" height="{BAR}" class="most"/>'
            f'<rect x="{LABEL}" y="{y}" width="{dark:.1f}" height="{BAR}" class="likely"/>'
            f'<text x="{LABEL + wide + 6:.1f}" y="{text}">{amounts.expected:,.2f} / {amounts.maximum:,.2f}</text>'
        )
    height = len(report.components) * ROW + 6
    told = "expected (dark) and maximum (light) USD a month of each component"
    return f'<p>{told}</p><svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{told}">{"".join(bars)}</svg>'


_STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:1.5rem auto;padding:0 1rem}"
    "h1{font-size:1.35rem;margin:0}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}"
    "svg{width:100%;height:auto;font-size:12px}svg text{fill:currentColor}.most{fill:#9db8d9}.likely{fill:#2f6fb3}"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}sup a{text-decoration:none}"
    "th,td{padding:.25rem .5rem;text-align:right;border-bottom:1px solid #8884;vertical-align:top}"
    "th:first-child,td:first-child{text-align:left}ol{font-size:13px}ol li{overflow-wrap:anywhere}"
    ".part{font-weight:600}.good{font-weight:600;color:#2a7d46}"
    ".bad{font-weight:600;color:#c0392b}pre{white-space:pre-wrap;background:#8882;padding:.75rem;font-size:13px}"
)


def _html_line(line: Line, sources: dict[str, int]) -> str:
    source = f"{line.price_source} {line.price_as_of}" if line.price_source else "; ".join(line.assumptions)
    number = sources.setdefault(source.strip(), len(sources) + 1)
    amounts = "".join(f"<td>{_sum(amount)}" for amount in (line.minimum, line.expected, line.maximum))
    return f"<tr><td>{escape(line.role)}<td>{escape(_quantity(line))}<td>{_price(line)} <sup>{number}</sup>{amounts}"


def _money(amounts: Amounts) -> str:
    return f"<td>{amounts.minimum:,.2f}<td>{amounts.expected:,.2f}<td>{amounts.maximum:,.2f}"


def _sum(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:,.2f}"


def _compared(report: Report) -> Iterator[str]:
    if report.compared is None:
        return
    yield ""
    yield f"{'maximum against ' + report.compared.stack:52} {'here':>12} {'there':>12} {'difference':>12}"
    for each in report.compared.components:
        yield f"{each.name:52} {_known(each.here, NONE):>12} {_known(each.there, NONE):>12} {each.difference:>+12f}"
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
