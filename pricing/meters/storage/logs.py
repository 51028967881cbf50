"""Log groups, and VPC flow logs by where they go.

Sources: Amazon CloudWatch pricing ("Vended logs": delivery to S3 and Firehose is paid by the GB), VPC user guide, "Logging IP
traffic using VPC Flow Logs" (not opened).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pricing.items.cost import CostItem
from pricing.items.graph import UNKNOWN, Node
from pricing.items.unpriced import Unpriced
from pricing.meters.meters import Meter, log_group
from pricing.meters.storage.claims import Declared

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
TO_S3 = "cloudwatch-logs/vended-delivery-to-s3"
"""No price of it is on file yet: with one in the book the line has it."""


def read_log_group(meter: Meter, node: Node) -> Iterator[CostItem]:
    """A log group whose retention is known. Raises Unpriced."""
    days = node.read("retentionInDays")
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise Unpriced("logs that are kept for ever, or nobody knows how long, have no price a month")
    if node.read("logGroupClass") not in (None, "STANDARD"):
        raise Unpriced("only the standard class of log groups is priced")
    return log_group(meter, days)


def read_flow_log(around: Declared, meter: Meter, node: Node) -> Iterator[CostItem]:
    """What a flow log costs beside what it writes to: nothing with a log group of the stack, delivery to S3 by the GB.

    Raises Unpriced where the log group is not declared here, and for every other target.
    """
    target = node.read("logDestinationType")
    if target in (None, "cloud-watch-logs"):
        if not _its_group(around, node):
            raise Unpriced("the log group that it writes to is not declared here, so nobody counts what it writes")
        return
    if target != "s3":
        raise Unpriced("only flow logs that go to CloudWatch Logs or S3 are priced")
    gigabytes = meter.usage.log_gb
    yield meter.used("delivery to S3", TO_S3, Decimal(gigabytes), "GB", f"logGb: {gigabytes} GB a month")


def _its_group(around: Declared, node: Node) -> bool:
    """Whether the stack declares the group: what the flow log depends on, or what has its name.

    A rule on one resource is not told what that depends on. While the address is not known either, the one group that
    stands in the same component is taken.
    """
    target, groups = node.read("logDestination"), tuple(around.of_type(LOG_GROUP))
    if target is UNKNOWN and not node.depends:
        return sum(group.parent == node.parent for group in groups) == 1
    return any(group.urn in node.depends or _is_at(target, group.read("name")) for group in groups)


def _is_at(target: object, name: object) -> bool:
    known = isinstance(target, str) and isinstance(name, str)
    return known and str(target).removesuffix(":*").endswith(f":log-group:{name}")
