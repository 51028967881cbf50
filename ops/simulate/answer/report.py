"""The answer to "will my load fit": which nodes would come, when, for how much, and what stays pending because of what.

python -m ops.simulate.answer.report     writes docs/schema/simulate.json, the schema of the JSON report
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.nodes.nodepools import POOL_LABEL
from core.versions import GO_MODULES
from ops.simulate.answer.reasons import reasons
from ops.simulate.cluster.pools import Purchase
from ops.simulate.cluster.watch import Claim, Timeline
from ops.simulate.workload.load import LOAD_LABEL, Load
from pricing.book.book import PriceBook
from pricing.capacity.offers import hourly
from pricing.items.cost import HOURS_PER_MONTH

SCHEMA = Path(__file__).resolve().parents[3] / "docs" / "schema" / "simulate.json"
NOT_SIMULATED = (
    "nodes and pods are KWOK's: they are ready at once and run nothing, so the minutes in which a machine boots are not in "
    "the times",
    "AWS always has what is asked for; on spot it may give another of the types that Karpenter allows, by its own capacity",
    "what runs in the cluster already, and DaemonSets that the file does not have, take no room here",
    "pods that come beside the old ones while a workload is updated; how many volumes a node can attach",
    "prices are of nodes alone: disks and traffic are in `modelyard cost`",
)


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, validate_by_name=True, use_attribute_docstrings=True
    )


class Option(_Part):
    """A type that Karpenter would also take for a node, and its price (USD an hour)."""

    instance_type: str
    hourly_usd: Decimal


class Nodes(_Part):
    """Equal nodes of one NodePool."""

    pool: str
    node_pool: str
    """The NodePool that bought them."""
    instance_type: str
    capacity_type: str
    """`spot`, `on-demand` or `reserved`."""
    zones: dict[str, int]
    """How many in which zone."""
    count: int
    hourly_usd_each: Decimal
    """USD an hour for one of them."""
    options: list[Option]
    """What Karpenter would take for one of them, cheapest first."""
    first_after_sec: float
    """When the first of them was registered (seconds after the pods were made)."""
    last_after_sec: float
    """When the last of them was registered."""


class Placement(_Part):
    """What became of one load."""

    name: str
    pods: int
    placed: int
    pending: int
    after_sec: float | None
    """When the last pod that found a node had it (seconds); null when none did."""
    reasons: list[str]
    """Why the others stay pending, a line for each NodePool that Karpenter tried."""
    undetermined: list[str]
    """What of the manifest could change the answer, and why nobody here knows how; empty when the answer is certain."""


class Money(_Part):
    """USD for all nodes: with the types that came, and with the dearest that Karpenter would have taken instead."""

    cheapest: Decimal
    dearest: Decimal


class Report(_Part):
    """What a stack's autoscaler would do with a load."""

    version: int = 2
    """Version of this format."""
    stack: str
    region: str
    simulated_by: str
    """Which program decided, and what stood in for nodes."""
    spot: bool
    """Whether spot was to be had."""
    fits: bool
    """Whether every pod found a node; certain only where nothing is `undetermined`, here and in the loads."""
    undetermined: list[str] = Field(default_factory=list)
    """Objects of the file that may make or change pods, and are not simulated."""
    nodes: list[Nodes] = Field(default_factory=list)
    loads: list[Placement] = Field(default_factory=list)
    hourly_usd: Money
    monthly_usd: Money
    """For a month of 730 h in which all of them run."""
    price_book: str
    """Version of the prices."""
    skipped: list[str] = Field(default_factory=list)
    """Objects of the file that make no pods."""
    not_simulated: list[str] = Field(default_factory=list)
    """What differs from a real account."""


def report(
    *,
    stack: str,
    book: PriceBook,
    asked: Sequence[Purchase],
    loads: Sequence[Load],
    skipped: Sequence[str],
    undetermined: Sequence[str],
    seen: Timeline,
    messages: Mapping[str, str],
    spot: bool,
) -> Report:
    """The report on a settled simulation; `messages` maps a pod's name to what Karpenter last said about it."""
    by_name = {purchase.name: purchase for purchase in asked}
    nodes = list(_nodes(seen.standing(), by_name, book))
    placements = [_placement(number, load, seen, messages, asked, spot=spot) for number, load in enumerate(loads)]
    cheapest = sum((node.hourly_usd_each * node.count for node in nodes), Decimal(0))
    dearest = sum((max(one.hourly_usd for one in node.options) * node.count for node in nodes), Decimal(0))
    return Report(
        stack=stack,
        region=book.region,
        simulated_by=f"Karpenter {GO_MODULES['karpenter-kwok']} with its KWOK provider; nodes and pods are simulated",
        spot=spot,
        fits=not any(placement.pending for placement in placements),
        undetermined=list(undetermined),
        nodes=nodes,
        loads=placements,
        hourly_usd=Money(cheapest=cheapest, dearest=dearest),
        monthly_usd=Money(cheapest=cheapest * HOURS_PER_MONTH, dearest=dearest * HOURS_PER_MONTH),
        price_book=book.version,
        skipped=list(skipped),
        not_simulated=list(NOT_SIMULATED),
    )


def schema() -> str:
    """The schema of the JSON report."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(by_alias=True, mode="serialization"),
    }
    return json.dumps(document, indent=2) + "\n"


def _nodes(claims: Sequence[Claim], asked: Mapping[str, Purchase], book: PriceBook) -> Iterator[Nodes]:
    groups: dict[tuple[str, str, tuple[str, ...]], list[Claim]] = {}
    for claim in claims:
        groups.setdefault((claim.node_pool, claim.type, tuple(sorted(claim.allowed))), []).append(claim)
    for (node_pool, name, allowed), group in sorted(groups.items()):
        purchase = asked[node_pool]
        priced = [Option(instance_type=each, hourly_usd=_usd(each, purchase, book)) for each in allowed or (name,)]
        zones = sorted(claim.zone for claim in group)
        after = [claim.registered for claim in group if claim.registered is not None]
        yield Nodes(
            pool=purchase.pool,
            node_pool=node_pool,
            instance_type=name,
            capacity_type=group[0].buying,
            zones={zone: zones.count(zone) for zone in dict.fromkeys(zones)},
            count=len(group),
            hourly_usd_each=_usd(name, purchase, book),
            options=sorted(priced, key=lambda each: (each.hourly_usd, each.instance_type)),
            first_after_sec=round(min(after, default=0), 1),
            last_after_sec=round(max(after, default=0), 1),
        )


def _usd(name: str, purchase: Purchase, book: PriceBook) -> Decimal:
    usd = hourly(name, purchase.buying, book, capacity_block=purchase.capacity_block)
    assert usd is not None, name  # noqa: S101  # a type without a price is refused before anything starts
    return usd


def _placement(
    number: int, load: Load, seen: Timeline, messages: Mapping[str, str], asked: Sequence[Purchase], *, spot: bool
) -> Placement:
    mine = [name for name, pod in seen.pods.items() if pod["metadata"].get("labels", {}).get(LOAD_LABEL) == str(number)]
    placed = [seen.placed[name] for name in mine if name in seen.placed]
    pending = [name for name in mine if name not in seen.placed]
    pool = load.pod["spec"].get("nodeSelector", {}).get(POOL_LABEL, "")
    gates = ", ".join(str(gate.get("name")) for gate in load.pod["spec"].get("schedulingGates", ()))
    said = [f"it waits until its scheduling gates are taken away: {gates}"] if gates and pending else []
    if not gates:
        said = [line for name in pending for line in reasons(messages.get(name, ""), asked, pool, spot=spot)]
    return Placement(
        name=load.name,
        pods=load.replicas,
        placed=len(placed),
        pending=load.replicas - len(placed),
        after_sec=round(max(placed), 1) if placed else None,
        reasons=list(dict.fromkeys(said)),
        undetermined=list(load.doubts),
    )


def main() -> None:
    """Writes the schema."""
    SCHEMA.write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
