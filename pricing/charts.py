"""The volumes that a Helm chart's pods claim, read from the values that the release gives it.

A release is no resource that costs, but a claim inside its values is. A chart that is not listed here and whose values ask for
a volume is unpriced: nobody has said how to count it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from pricing import meters
from pricing.cost import CostItem
from pricing.graph import UNKNOWN, Node, Value
from pricing.meters import Meter
from pricing.nodepools import Unpriced

_CLAIM = ("volumeClaimTemplate", "spec", "resources", "requests", "storage")
_VOLUMES: Mapping[str, tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]] = {
    "kube-prometheus-stack": (
        (
            "prometheus volumes",
            ("prometheus", "prometheusSpec", "storageSpec", *_CLAIM),
            ("prometheus", "prometheusSpec", "replicas"),
        ),
        (
            "alertmanager volumes",
            ("alertmanager", "alertmanagerSpec", "storage", *_CLAIM),
            ("alertmanager", "alertmanagerSpec", "replicas"),
        ),
        ("grafana volume", ("grafana", "persistence", "size"), ()),
    ),
}
"""Chart -> its volumes: the line's name, where the values state the size, and where how many (one, when nowhere)."""


def release(meter: Meter, node: Node) -> Iterator[CostItem]:
    """The volumes of one release, each a line; nothing for a chart that keeps nothing. Raises Unpriced."""
    chart, values = node.read("chart"), node.read("values")
    if UNKNOWN in (chart, values):
        raise Unpriced("the chart or its values are not known, so neither are its volumes")
    name = str(chart).partition("@")[0].rpartition("/")[2]
    if name not in _VOLUMES:
        if any(_claims(values)):
            raise Unpriced(f"the values of chart {name} ask for volumes that nobody has said how to count")
        return iter(())
    return _lines(meter, node, name)


def _lines(meter: Meter, node: Node, name: str) -> Iterator[CostItem]:
    for what, size, count in _VOLUMES[name]:
        asked = node.read("values", *size)
        many = node.read("values", *count) if count else 1
        if asked is None:
            continue
        if not isinstance(asked, str) or not asked.endswith("Gi") or not asked[:-2].isdecimal():
            yield meter.unpriced(what, "the size of the volume is not known in Gi")
        elif isinstance(many, bool) or not isinstance(many, int | float) or many != int(many):
            yield meter.unpriced(what, "how many replicas there are is not known")
        else:
            yield from volumes(meter, what, int(asked[:-2]), int(many))


def volumes(meter: Meter, what: str, gib: int, count: int) -> Iterator[CostItem]:
    """`count` gp3 volumes of `gib` GiB that are there all month."""
    number = Decimal(count)
    return meters.disks(meter, gib, (number, number, number), what=what)


def _claims(value: Value) -> Iterator[Any]:
    """Every place in a chart's values that asks for a volume, by the two ways in which charts do."""
    if isinstance(value, tuple):
        for inner in value:
            yield from _claims(inner)
    elif isinstance(value, Mapping):
        template, kept = value.get("volumeClaimTemplate"), value.get("persistence")
        if template or (isinstance(kept, Mapping) and kept.get("enabled") not in (None, False)):
            yield value
        for inner in value.values():
            yield from _claims(inner)
