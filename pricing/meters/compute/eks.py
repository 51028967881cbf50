"""What an EKS cluster is asked for: its version's rate, its tier, and where its logs go."""

from __future__ import annotations

from collections.abc import Iterator

from pricing.items.cost import CostItem
from pricing.items.graph import Node
from pricing.items.neighbours import Neighbours
from pricing.items.unpriced import Unpriced
from pricing.meters import meters
from pricing.meters.meters import STANDARD, Meter

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def cluster(around: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    """The lines of a control plane. Raises Unpriced when its version, its tier or the bounds of its logs are not known.

    EKS makes the log group itself where nobody has, and then keeps what is written for ever.
    """
    version, tier = node.read("version"), node.read("controlPlaneScalingConfig", "tier")
    if not isinstance(version, str):
        raise Unpriced("the Kubernetes version, on which the rate depends, is not known")
    if not isinstance(tier, str | None):
        raise Unpriced("its input controlPlaneScalingConfig.tier is not known")
    if node.read("enabledClusterLogTypes") not in (None, ()):
        name = node.read("name")
        kept = f"/aws/eks/{name}/cluster" if isinstance(name, str) else None
        if kept is None or all(each.read("name") != kept for each in around.of_type(LOG_GROUP)):
            raise Unpriced(
                "its input enabledClusterLogTypes makes a log group that keeps all for ever: declare it beside it"
            )
    return meters.control_plane(meter, version, tier or STANDARD)
