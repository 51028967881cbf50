"""Helm releases that a cluster only has on record: their values are checked and their CRDs served, and nothing runs for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

RELEASE = "kubernetes:helm.sh/v3:Release"


@dataclass(frozen=True, kw_only=True, order=True)
class Recorded:
    """One of them, as the stack declares it."""

    name: str
    namespace: str
    chart: str
    version: str

    @classmethod
    def among(cls, resources: Iterable[Mapping[str, Any]]) -> list[Recorded]:
        """Those among the resources of a state, by name."""
        inputs = [resource.get("inputs") or {} for resource in resources if resource["type"] == RELEASE]
        keys = ("name", "namespace", "chart", "version")
        return sorted(cls(**{key: str(each.get(key) or "") for key in keys}) for each in inputs)

    @property
    def line(self) -> str:
        """What a report says of it."""
        chart = f"{self.chart.rpartition('/')[2]} {self.version}".strip()
        return f"recorded, not installed: Helm release {self.name} ({chart}, namespace {self.namespace or 'default'})"

    def as_value(self) -> dict[str, str]:
        """The same for a machine."""
        return asdict(self)
