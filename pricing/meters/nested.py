"""What stands inside a chart's values and asks for more than pods: objects, load balancers and volumes, wherever it stands.

`charts.json` says for each chart which values do so by their names. This walk needs no names: a map that a chart passes on
whole may hold anything, at any depth.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from pricing.items.graph import UNKNOWN, Value

_OBJECTS = re.compile(r"(extra|additional|raw)(Objects|Manifests|Deploy|Resources)$", re.IGNORECASE)
_MANIFEST = re.compile(r"^\s*[\"']?kind[\"']?\s*:", re.MULTILINE)
_VERSION = re.compile(r"^[\s{-]*[\"']?apiVersion[\"']?\s*:", re.MULTILINE)
_MERGED = ("additionalConfig", "additionalConfigString")
"""Values of kube-prometheus-stack that are merged into an object's spec, over what the chart itself says (its values.yaml)."""
_CLAIMS = ("volumeclaimtemplate", "volumeclaimtemplates", "ephemeral")
_BALANCED = ("loadbalancerclass", "loadbalancerip")
_NOTHING: tuple[Value, ...] = (None, "", False, (), {})


def hidden(values: Value, counted: Collection[str], path: str = "") -> Iterator[str]:
    """One clause for each place that asks for an object, a load balancer or a volume; places under `counted` are priced."""
    if isinstance(values, Mapping):
        if _is_manifest(values):
            yield f"{path or 'values'} is an object of its own"
            return
        for key, value in values.items():
            here = f"{path}.{key}" if path else key
            if here not in counted and not _nothing(value):
                why = _asks(key, value, path)
                yield from [f"{here} {why}"] if why else hidden(value, counted, here)
    elif isinstance(values, tuple):
        for place, each in enumerate(values):
            yield from hidden(each, counted, f"{path}[{place}]")
    elif isinstance(values, str) and _MANIFEST.search(values) and _VERSION.search(values):
        yield f"{path} is a text that holds an object"


def _is_manifest(found: Mapping[str, Value]) -> bool:
    return {"apiVersion", "kind"} <= found.keys() and bool({"metadata", "spec", "items"} & found.keys())


def _asks(key: str, value: Value, path: str) -> str:
    """What a value asks for by its key; empty when only what is below it can say."""
    lower = key.lower()
    if _OBJECTS.search(key) or key in _MERGED:
        return "may hold objects of any kind"
    if lower in _CLAIMS:
        return "asks for volumes that are not counted"
    if lower in _BALANCED or (lower == "type" and _balances(value, path)):
        return "asks for a load balancer"
    if lower in ("ingress", "persistence") and isinstance(value, Mapping) and value.get("enabled") not in (None, False):
        return "asks for a load balancer" if lower == "ingress" else "asks for a volume that is not counted"
    return ""


def _balances(kind: Value, path: str) -> bool:
    if kind is UNKNOWN:
        return path.lower().endswith("service")
    return isinstance(kind, str) and kind.strip().lower() == "loadbalancer"


def _nothing(value: Value) -> bool:
    return value is not UNKNOWN and not isinstance(value, int | float) and value in _NOTHING
