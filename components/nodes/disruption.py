"""What a pool is for decides when its nodes may be taken away: one preset a purpose, as Karpenter's disruption block.

Budgets of Karpenter add up to the strictest one that is active, so a window is written the other way round: outside it,
nothing may be disrupted for drift or consolidation. An empty node serves nobody and costs what a full one does, so it goes
at any hour unless the stack file keeps it to the window as well. Every preset sets `terminationGracePeriod`: without it a
pod that blocks eviction would keep a drifted node, and its replacement, running for ever.

No preset sets an age at which a node ends: Karpenter counts expiration among its forceful methods, which start at once and ask no
budget (its documentation, "Disruption", read 2026-11-30). A node gets a new image by drift, which does keep to the budgets.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from components.spec import Spec


class Purpose(enum.StrEnum):
    """What runs on a pool: requests that people wait for, long jobs, or work that can be started again."""

    SERVING = "serving"
    TRAINING = "training"
    BATCH = "batch"


class EmptyNodes(enum.StrEnum):
    """When a node without pods may be removed: at any hour, or only in the pool's window, so that nodes are warm in the
    morning."""

    ANY_HOUR = "anyHour"
    IN_WINDOW = "inWindow"


class WindowSpec(Spec):
    """When nodes may be replaced or consolidated: every day from `startHourUtc`, for `hours`."""

    start_hour_utc: int = Field(default=2, ge=0, le=23)
    """Hour of the day at which the window opens (UTC)."""
    hours: int = Field(default=4, ge=1, le=23)
    """How long it stays open (hours)."""
    empty_nodes: EmptyNodes = EmptyNodes.ANY_HOUR
    """Whether a node without pods waits for the window too; what it costs until then is within the pool's limits."""

    def outside(self) -> dict[str, str]:
        """The rest of the day as a Karpenter budget's `schedule` (UTC) and `duration`."""
        closes = (self.start_hour_utc + self.hours) % 24
        return {"schedule": f"0 {closes} * * *", "duration": f"{24 - self.hours}h"}


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The disruption behaviour of one purpose; times as Karpenter writes durations.

    `at_once` is how many nodes of a NodePool may be replaced at the same time: the overlap that a bill has to allow for.
    """

    consolidation: str
    consolidate_after: str
    grace: str
    at_once: int
    windowed: bool
    drift: bool

    def disruption(self, window: WindowSpec) -> dict[str, Any]:
        """The NodePool's `spec.disruption`."""
        moving = ["Drifted", "Underutilized"]
        budgets: list[dict[str, Any]] = [{"nodes": "100%", "reasons": ["Empty"]}]
        if not self.drift:
            budgets.append({"nodes": "0", "reasons": moving})
        else:
            budgets.append({"nodes": str(self.at_once), "reasons": moving})
            if self.windowed:
                budgets.append({"nodes": "0", "reasons": moving, **window.outside()})
        if window.empty_nodes is EmptyNodes.IN_WINDOW:
            budgets.append({"nodes": "0", "reasons": ["Empty"], **window.outside()})
        return {
            "consolidationPolicy": self.consolidation,
            "consolidateAfter": self.consolidate_after,
            "budgets": budgets,
        }


PRESETS: Mapping[Purpose, Preset] = {
    Purpose.SERVING: Preset(
        consolidation="WhenEmptyOrUnderutilized",
        consolidate_after="10m",
        grace="30m",
        at_once=1,
        windowed=True,
        drift=True,
    ),
    Purpose.TRAINING: Preset(
        consolidation="WhenEmpty",
        consolidate_after="30m",
        grace="48h",
        at_once=1,
        windowed=False,
        drift=False,
    ),
    Purpose.BATCH: Preset(
        consolidation="WhenEmptyOrUnderutilized",
        consolidate_after="2m",
        grace="10m",
        at_once=2,
        windowed=False,
        drift=True,
    ),
}
