"""What happened in a simulation, kept while it happens: which nodes came for which NodePool, when, and when nothing moves.

Pure over what the API server lists; times are seconds since the loads were made, as fine as somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kube.pods import items, mapping
from ops.simulate.cluster.pools import ZONE
from pricing.meters.compute.nodepools import BUYING, TYPE
from sandbox.kubernetes.real.autoscaler import STEPS_OF_A_TRY

QUIET = 13.0
"""How long (seconds) nothing may change before pending pods count as refused: Karpenter tries them again every 10 s."""
TRIED = STEPS_OF_A_TRY + 1
"""The steps that Karpenter does after the last change before that: a try that had begun before it has fewer left."""
SILENT = 60.0
"""How long (seconds) nothing may change where Karpenter tries nothing: it leaves some pods to others."""
NODE_POOL_LABEL = "karpenter.sh/nodepool"


@dataclass(kw_only=True)
class Claim:
    """One node on its way or there: what Karpenter chose, what else it would have taken, and when each step was seen."""

    name: str
    node_pool: str
    type: str = ""
    buying: str = ""
    zone: str = ""
    allowed: tuple[str, ...] = ()
    seen: float = 0
    registered: float | None = None
    initialized: float | None = None
    deleting: float | None = None
    gone: float | None = None

    @property
    def settled(self) -> bool:
        """Whether it is gone, or there for good as far as one can see."""
        return self.gone is not None or (self.initialized is not None and self.deleting is None)


@dataclass(kw_only=True)
class Timeline:
    """Everything seen so far; `placed` maps a pod to when it was seen on a node, `pods` holds the latest pods by name.

    `steps` is how far Karpenter had come at the latest look, and `before` how far when something changed last.
    """

    claims: dict[str, Claim] = field(default_factory=dict)
    placed: dict[str, float] = field(default_factory=dict)
    pods: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    changed: float = 0
    peak: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    before: int = 0

    def look(
        self, claims: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]], now: float, steps: int = 0
    ) -> None:
        """Takes in one look at the cluster at `now` (seconds), when Karpenter had done so many steps."""
        before = self._state()
        there = {str(each["metadata"]["uid"]): each for each in claims}
        for uid, each in there.items():
            self._claim(uid, each, now)
        for uid, claim in self.claims.items():
            if uid not in there and claim.gone is None:
                claim.gone = now
        self.pods = {str(each["metadata"]["name"]): each for each in pods}
        for name, pod in self.pods.items():
            if pod["spec"].get("nodeName"):
                self.placed.setdefault(name, now)
        for node_pool, count in self.counts().items():
            self.peak[node_pool] = max(self.peak.get(node_pool, 0), count)
        self.steps = max(self.steps, steps)
        if self._state() != before:
            self.changed, self.before = now, self.steps

    def counts(self) -> dict[str, int]:
        """How many nodes each NodePool has that are not going: what its limits bound."""
        found: dict[str, int] = {}
        for claim in self.standing():
            found[claim.node_pool] = found.get(claim.node_pool, 0) + 1
        return found

    def standing(self) -> list[Claim]:
        """The nodes that are there or on their way, and not going."""
        return [claim for claim in self.claims.values() if claim.gone is None and claim.deleting is None]

    def pending(self) -> list[Mapping[str, Any]]:
        """The pods that have no node."""
        return [pod for pod in self.pods.values() if not pod["spec"].get("nodeName")]

    def settled(self, now: float) -> bool:
        """Whether nothing more will happen: every pod has a ready node, or Karpenter has tried the others again in vain.

        It has when nothing has changed for QUIET seconds and TRIED steps, and at the latest after SILENT seconds.
        """
        if not self.pods or not all(claim.settled for claim in self.claims.values()):
            return False
        quiet, tried = now - self.changed, self.steps - self.before >= TRIED
        return not self.pending() or quiet >= (QUIET if tried else SILENT)

    def _state(self) -> tuple[object, ...]:
        claims = tuple((uid, bool(each.registered), each.settled, each.gone) for uid, each in self.claims.items())
        return (*claims, len(self.placed), len(self.pods))

    def _claim(self, uid: str, each: Mapping[str, Any], now: float) -> None:
        metadata = each["metadata"]
        labels = mapping(metadata.get("labels"))
        claim = self.claims.setdefault(
            uid, Claim(name=str(metadata["name"]), node_pool=str(labels.get(NODE_POOL_LABEL, "")), seen=now)
        )
        claim.type, claim.buying, claim.zone = (str(labels.get(key, "")) for key in (TYPE, BUYING, ZONE))
        claim.allowed = _allowed(items(mapping(each.get("spec")).get("requirements")))
        conditions = {str(one["type"]): one["status"] for one in items(mapping(each.get("status")).get("conditions"))}
        if conditions.get("Registered") == "True" and claim.registered is None:
            claim.registered = now
        if conditions.get("Initialized") == "True" and claim.initialized is None:
            claim.initialized = now
        if metadata.get("deletionTimestamp") and claim.deleting is None:
            claim.deleting = now


def _allowed(requirements: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return next(
        (
            tuple(map(str, items(requirement.get("values"))))
            for requirement in requirements
            if requirement.get("key") == TYPE
        ),
        (),
    )
