"""What a Helm release brings beside pods: the volumes that its chart's values claim, and load balancers.

A release is no resource that costs, but what it installs may be. `data/charts.json` says for each chart, at the version whose
values were read, which values ask for volumes that can be counted and which turn on what nobody can count. A chart that is
not listed, or another version of one, may bring anything: it has no price, rather than none to pay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from core.versions import CHARTS, Chart
from kube.charts import name_of
from pricing.book import facts
from pricing.items.cost import CostItem
from pricing.items.graph import UNKNOWN, Node, Value
from pricing.items.quantity import gibibytes
from pricing.items.unpriced import Unpriced
from pricing.meters.meters import Meter
from pricing.meters.nested import hidden
from pricing.meters.storage import disks
from pricing.meters.storage.claims import Declared, claimed, of_class
from pricing.meters.storage.disks import Disk

_PERSISTED = frozenset({"accessModes", "annotations", "disableWarning", "enabled", "extraPvcLabels", "finalizers"})
_PERSISTED_READ = frozenset({"size", "storageClassName", "type"})
_USUAL_SIZE = "10Gi"
"""The size of Grafana's volume when the values name none (its chart's own default)."""


def release(around: Declared, meter: Meter, node: Node) -> Iterator[CostItem]:
    """The volumes of one release, each a line; nothing for a chart that keeps nothing. Raises Unpriced."""
    known = _known(node)
    if whys := tuple(_hidden(node, known)):
        raise Unpriced("; ".join(whys))
    for path, said in known.get("unpriced", {}).items():
        _check(node.read("values", *path.split(".")), path, said)
    for path in known.get("pods", ()):
        _check_pods(node.read("values", *path.split(".")), path)
    return _lines(around, meter, node, known)


def unjudged(node: Node) -> Iterator[str]:
    """Why a release cannot be judged by its chart and values: one clause for each. Raises Unpriced for an unknown chart.

    A chart is its source, version and digest, as `core/versions.py` pins them: another one of the same name may bring anything.
    """
    known = _known(node)
    pinned = CHARTS.get(name_of(node.read("chart")))
    repository = node.read("repositoryOpts")
    if pinned is None:
        yield "the chart is none that is pinned"
    elif node.read("chart") != pinned.reference or (repository or {}) != _opts(pinned):
        yield f"the chart is not the one that is pinned, {pinned.reference} of {pinned.repository}"
    yield from _hidden(node, known)


def _opts(pinned: Chart) -> dict[str, str]:
    """What a release says of its repository: an OCI reference holds it already."""
    return {} if pinned.repository.startswith("oci://") else {"repo": pinned.repository}


def _hidden(node: Node, known: Mapping[str, Any]) -> Iterator[str]:
    counted = {str(each.get("claim", each.get("persistence"))) for each in known.get("volumes", ())}
    return (f"the value {found}" for found in hidden(node.read("values"), counted))


def _known(node: Node) -> Mapping[str, Any]:
    """What is known of a release's chart at its version. Raises Unpriced."""
    chart, version, values = (node.read(key) for key in ("chart", "version", "values"))
    if UNKNOWN in (chart, version, values) or node.read("repositoryOpts") is UNKNOWN:
        raise Unpriced("the chart, its version or its values are not known, so neither are its volumes")
    name = name_of(chart)
    known: Mapping[str, Any] | None = facts.load("charts")["charts"].get(name)
    if known is None:
        raise Unpriced(f"nobody has said which volumes and load balancers the chart {name} brings")
    if version != known["version"]:
        raise Unpriced(f"the values of chart {name} were read at version {known['version']}, and it is at another one")
    return known


def volumes(meter: Meter, what: str, disk: Disk, count: int) -> Iterator[CostItem]:
    """`count` volumes that are there all month."""
    number = Decimal(count)
    return disks.lines(meter, (disk,), (number, number, number), what)


def _lines(around: Declared, meter: Meter, node: Node, known: Mapping[str, Any]) -> Iterator[CostItem]:
    for volume in known.get("volumes", ()):
        what = volume["line"]
        try:
            found = _claimed(around, node, volume) if "claim" in volume else _persisted(around, node, volume, what)
            if found is not None:
                yield from volumes(meter, what, *found)
        except Unpriced as why:
            yield meter.unpriced(what, str(why))


def _claimed(around: Declared, node: Node, each: Mapping[str, Any]) -> tuple[Disk, int] | None:
    """The volumes of a claim template, one for each replica; None when nothing is claimed."""
    asked = node.read("values", *each["claim"].split("."))
    if asked is None or asked == {}:
        return None
    if not isinstance(asked, Mapping) or set(asked) - {"emptyDir", "volumeClaimTemplate"}:
        raise Unpriced("how its data is kept is not known")
    template = asked.get("volumeClaimTemplate")
    if template is None:
        return None
    many = node.read("values", *each["count"].split("."))
    if isinstance(many, bool) or not isinstance(many, int | float) or many != int(many):
        raise Unpriced("how many replicas there are is not known")
    return claimed(around, template), int(many)


def _persisted(around: Declared, node: Node, each: Mapping[str, Any], what: str) -> tuple[Disk, int] | None:
    """The one volume of a `persistence` map; None when it is off."""
    asked = node.read("values", *each["persistence"].split("."))
    if asked is None or (isinstance(asked, Mapping) and asked.get("enabled") in (None, False)):
        return None
    if not isinstance(asked, Mapping) or asked.get("enabled") is not True:
        raise Unpriced("whether there is a volume is not known")
    given = {key for key, value in asked.items() if value is not None}
    if unread := given - _PERSISTED - _PERSISTED_READ:
        raise Unpriced(f"{', '.join(sorted(unread))} may change what the volume is, and is not priced")
    if asked.get("type") not in (None, "pvc"):
        raise Unpriced("only a volume of its own claim is counted")
    size = asked.get("size")
    return of_class(around, asked.get("storageClassName"), gibibytes(_USUAL_SIZE if size is None else size, what)), 1


def _check(value: Value, path: str, said: Mapping[str, Any]) -> None:
    """Raises Unpriced when a value turns on what nobody can count."""
    items = value if isinstance(value, tuple) else (value,)
    if any(item is not None and item not in said["unless"] for item in items) and value != {}:
        is_not = "not known" if UNKNOWN in items else "not priced"
        raise Unpriced(f"the value {path} is {is_not}: {said['costs']}")


def _check_pods(value: Value, path: str) -> None:
    """Raises Unpriced when volumes of the pods may be made for each of them."""
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else (value,)
    for item in items:
        if item is not None and (not isinstance(item, Mapping) or item.get("ephemeral") is not None):
            raise Unpriced(f"a volume in {path} may be made for each pod, and is not counted")
