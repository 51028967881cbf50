"""A stack whose pools are simulated: prod's own file, or the same with other GPU pools, through the real settings and program."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from infra.declared import declare
from infra.loaded import LoadedStack
from infra.program import make
from ops.simulate.cluster.cluster import CLAIMS, Cluster
from ops.simulate.cluster.machines import Machine, machines
from ops.simulate.cluster.pools import Purchase, purchases
from ops.simulate.cluster.watch import Timeline
from ops.simulate.workload.load import NAMESPACE, Load
from pricing.book.book import PriceBook
from pricing.capacity.gpus import gpu_type
from pricing.capacity.offers import hourly
from pricing.capacity.pool import Buying
from tests.roots import ROOT

BOOK = PriceBook.embedded("us-east-1")


def cheapest_first(
    types: Iterable[str], buying: Buying, book: PriceBook, *, gpus: int, capacity_block: bool = False
) -> tuple[tuple[str, Decimal], ...]:
    """The types on which a pod of that many whole GPUs fits, each with its price (USD an hour), cheapest first.

    Of equal ones the first by name. A type whose price is not known is left out.
    """
    priced = [
        (name, usd)
        for name in types
        if (known := gpu_type(name)) is not None
        and known.gpus >= gpus
        and (usd := hourly(name, buying, book, capacity_block=capacity_block)) is not None
    ]
    return tuple(sorted(priced, key=lambda each: (each[1], each[0])))


@dataclass(frozen=True, kw_only=True)
class Pools:
    """What a stack may buy, and the types to be had with spot and without."""

    asked: tuple[Purchase, ...]
    found: tuple[Machine, ...]
    without_spot: tuple[Machine, ...]

    @classmethod
    def of(cls, file: Path) -> Pools:
        """The pools of a stack file."""
        loaded = LoadedStack.read(file.name.split(".")[1], file)
        asked = purchases(loaded.stack, declare(make(loaded), project="modelyard", stack=loaded.name))
        return cls(asked=asked, found=machines(asked, BOOK), without_spot=machines(asked, BOOK, spot=False))

    @classmethod
    def like_prod(cls, folder: Path, gpu_pools: dict[str, Any]) -> Pools:
        """Prod with these GPU pools instead of its own."""
        copied = json.loads(json.dumps(gpu_pools))  # a stack file takes no YAML aliases
        document = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())
        document["config"]["modelyard:platform"]["gpuPools"] = copied
        file = folder / "Pulumi.prod.yaml"
        file.write_text(yaml.safe_dump(document))
        return cls.of(file)

    def named(self, node_pool: str) -> Purchase:
        """One NodePool."""
        return next(purchase for purchase in self.asked if purchase.name == node_pool)

    def predicted(self, node_pool: str, gpus: int) -> str:
        """The type that the pool planner's prices put first for a pod of so many GPUs."""
        asked = self.named(node_pool)
        order = cheapest_first(asked.types, asked.buying, BOOK, gpus=gpus, capacity_block=asked.capacity_block)
        return order[0][0]


@dataclass
class Run:
    """A cluster and what has been seen of it since `began`."""

    cluster: Cluster
    seen: Timeline = field(default_factory=Timeline)
    began: float = field(default_factory=time.monotonic)
    made: int = 0

    def pods(self, load: Load) -> list[str]:
        """Makes the pods of a load and gives their names."""
        made = list(load.pods(self.made))
        self.made += 1
        self.cluster.create(made)
        return [str(each["metadata"]["name"]) for each in made]

    def settle(self) -> None:
        """Until nothing more happens."""
        self.cluster.settle(self.seen, self.began)

    def until(self, true: Any, what: str, within: float = 300) -> float:
        """Looks until something is true, and gives the seconds since the run began."""
        self.cluster.watch(self.seen, self.began, lambda _: bool(true()), within=within, what=what)
        return time.monotonic() - self.began

    def nodes(self, node_pool: str) -> list[str]:
        """The types of a NodePool's nodes that are not going."""
        return sorted(claim.type for claim in self.seen.standing() if claim.node_pool == node_pool)

    def delete(self, path: str) -> None:
        """Deletes one object, or all of a list."""
        self.cluster.api.request("DELETE", path, warned=False)

    def clear(self) -> None:
        """Takes every pod and node away and starts counting again."""
        self.delete(f"/api/v1/namespaces/{NAMESPACE}/pods")
        self.delete(CLAIMS)
        self.cluster.wait("an empty cluster", lambda: not self.cluster.items(CLAIMS), within=300)
        self.seen, self.began = Timeline(), time.monotonic()


@contextlib.contextmanager
def running(folder: Path, pools: Pools, *, stop_seconds: float = 0) -> Iterator[Run]:
    """A cluster with the pools; Karpenter is not started yet."""
    with Cluster.started(ROOT, folder, pools.asked, pools.found, say=print, stop_seconds=stop_seconds) as cluster:
        yield Run(cluster)


def load(pool: str, count: int, *, gpus: int = 1, cpu: str = "1", more: dict[str, Any] | None = None) -> Load:
    """Equal pods that ask for a GPU pool."""
    asks = {"requests": {"cpu": cpu, "memory": "1Gi"}, "limits": {"nvidia.com/gpu": str(gpus)} if gpus else {}}
    spec = {
        "nodeSelector": {"modelyard.dev/pool": pool},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "containers": [{"name": "work", "image": "simulated", "resources": asks}],
    }
    return Load(name=pool, replicas=count, pod={"metadata": more or {}, "spec": spec})
