"""One load: equal pods, and what is not known about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LOAD_LABEL = "modelyard.dev/load"
NAMESPACE = "simulated"
"""Where loads of the short form run."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """Equal pods: `pod` is the manifest of one. `doubts` say why an answer about them is not certain, each with its path."""

    name: str
    replicas: int
    pod: Mapping[str, Any]
    namespace: str = NAMESPACE
    doubts: tuple[str, ...] = ()

    def pods(self, number: int) -> Iterator[dict[str, Any]]:
        """Every pod of it, named apart from those of the other loads by `number`."""
        metadata = self.pod["metadata"]
        for index in range(self.replicas):
            named = {
                **metadata,
                "name": f"load{number}-{index}",
                "namespace": self.namespace,
                "labels": {**metadata.get("labels", {}), LOAD_LABEL: str(number)},
            }
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": dict(self.pod["spec"])}
