"""The report of a simulation for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ops.show import Show
from ops.simulate.answer.report import Nodes, Placement, Report
from pricing.items.cost import HOURS_PER_MONTH

_HEADS = ("pool", "type", "bought", "zones", "nodes", "USD/h each", "USD/h", "registered after")


def write(found: Report, show: Show) -> None:
    """Writes the report: nodes, price, loads, what stays pending and why, and what a simulation does not know."""
    show.line(f"SIMULATED by the real {found.simulated_by}; stack {found.stack}, {found.region}", style="bold")
    if not found.spot:
        show.line("no spot is to be had")
    for line in _nodes(found):
        show.line(line)
    show.line()
    for line in found.undetermined:
        show.line(f"undetermined: {line}", style="bold red")
    for load in found.loads:
        for place, line in enumerate(_load(load)):
            show.line(line, style="bold red" if place == 0 and (load.pending or load.undetermined) else "")
    show.line()
    for line in [*found.skipped, *(f"not simulated: {each}" for each in found.not_simulated)]:
        show.line(line, style="dim")


def _nodes(found: Report) -> Iterator[str]:
    if not found.nodes:
        yield "no node would come"
        return
    yield "nodes that would come:"
    rows = [_HEADS, *(_row(node) for node in found.nodes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    hourly, monthly = found.hourly_usd, found.monthly_usd
    yield f"in all {_usd(hourly.cheapest)} USD an hour, {_usd(monthly.cheapest)} USD in a month of {HOURS_PER_MONTH} h"
    if hourly.dearest != hourly.cheapest:
        yield (
            f"at most {_usd(hourly.dearest)} USD an hour, {_usd(monthly.dearest)} USD a month, if AWS gives the dearest type "
            "that Karpenter allows:"
        )
        for options in dict.fromkeys(_options(node) for node in found.nodes):
            yield f"  {options}"


def _row(each: Nodes) -> Sequence[str]:
    zones = " ".join(f"{zone[-1]}:{count}" for zone, count in each.zones.items())
    total = _usd(each.hourly_usd_each * each.count)
    first, last = f"{each.first_after_sec:.1f}", f"{each.last_after_sec:.1f}"
    after = f"{first} s" if first == last else f"{first} to {last} s"
    price = format(each.hourly_usd_each, "f")
    return each.pool, each.instance_type, each.capacity_type, zones, str(each.count), price, total, after


def _options(each: Nodes) -> str:
    return f"{each.node_pool}: " + ", ".join(f"{one.instance_type} {one.hourly_usd:f}" for one in each.options)


def _load(each: Placement) -> Iterator[str]:
    after = f", the last after {each.after_sec:.1f} s" if each.after_sec is not None else ""
    sure = "undetermined; as far as it is simulated, " if each.undetermined else ""
    if not each.pods:
        yield f"{each.name}: {sure}it has no pods now"
    elif not each.pending:
        who = f"all {each.pods} pods find" if each.pods > 1 else "its pod finds"
        yield f"{each.name}: {sure}{who} a node{after}"
    else:
        yield f"{each.name}: {sure}{each.pending} of {each.pods} pods stay pending; {each.placed} find a node{after}"
    yield from (f"  {line}" for line in each.reasons)
    yield from (f"  not known: {line}" for line in each.undetermined)


def _usd(amount: Decimal) -> str:
    return f"{amount:.2f}"
