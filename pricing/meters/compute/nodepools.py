"""What a Karpenter NodePool can cost, read from its own limits and requirements: it buys whatever they allow.

A NodePool whose limits do not bound what it can buy, or whose types nobody has named, is unpriced: Karpenter asks nobody
before it launches a node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from core.problem import Refused
from pricing.capacity.gpus import GpuType, gpu_type, node_pods, shape
from pricing.capacity.pool import Buying, Capacity, PoolAsk, Share
from pricing.capacity.pool_plan import node_counts, share_items
from pricing.items.cost import HOURS_PER_MONTH, CostItem
from pricing.items.graph import UNKNOWN, Node, Value
from pricing.items.unpriced import Unpriced
from pricing.meters.compute.general_pool import general_bound, general_items, general_node_counts
from pricing.meters.compute.machines import BOTTLEROCKET, whole_images
from pricing.meters.meters import Meter, ranged
from pricing.meters.storage import disks

TYPE, BUYING = "node.kubernetes.io/instance-type", "karpenter.sh/capacity-type"
ONLY: Mapping[str, tuple[str, ...]] = {
    "kubernetes.io/os": ("linux",),
    "karpenter.k8s.aws/instance-tenancy": ("default",),
}
"""Labels whose other values are dearer machines: Windows has a licence, and dedicated machines a surcharge."""
GPUS, CPU, NODES, PODS = "nvidia.com/gpu", "cpu", "nodes", "pods"
LINUX_FAMILIES = frozenset({"al2", "al2023", "bottlerocket"})
"""AMI families of Karpenter whose nodes have Linux, the only rate on file; an image of another family may have a licence."""
LEAST_OVERLAP = 1
"""Interruption and expiry replace a node whatever the disruption budgets say."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a NodePool may buy, as far as its own text says."""

    types: tuple[str, ...]
    buying: Buying
    limits: Mapping[str, int]
    overlap: int


def node_pool(
    meter: Meter, node: Node, node_class: Callable[[str], Node | None], *, block: bool | None
) -> Iterator[CostItem]:
    """The lines of one NodePool; `node_class` finds an EC2NodeClass by its name, `block` says whether a reservation is one.

    Where nobody says whether a reservation is a capacity block, the dearer of the two is taken.
    """
    try:
        ask = _ask(node)
        gpus = [gpu_type(name) for name in ask.types]
        if all(gpus):
            yield from _gpu_pool(meter, node, ask, [known for known in gpus if known], node_class, block)
        else:
            yield from _general_pool(meter, node, ask, node_class)
    except Unpriced as why:
        yield meter.unpriced("nodes", str(why))


def _gpu_pool(
    meter: Meter,
    node: Node,
    ask: Ask,
    types: list[GpuType],
    node_class: Callable[[str], Node | None],
    block: bool | None,
) -> Iterator[CostItem]:
    largest = max(known.gpus for known in types)
    smallest = min(known.gpus for known in types)
    if smallest == 0:
        raise Unpriced("a type of the NodePool has a fraction of a GPU, which no limit of whole GPUs bounds")
    nodes = _nodes(node, ask, node_class)
    gpus = ask.limits.get(GPUS, nodes * largest if nodes is not None else None)
    if gpus is None and NODES in ask.limits:
        raise Unpriced(
            f"many pods at once pass a limit of {NODES} in Karpenter; {GPUS}, or {PODS} beside it, would bound the NodePool"
        )
    if gpus is None:
        raise Unpriced(f"the NodePool's limits name neither {GPUS} nor {PODS}")
    if gpus < smallest or nodes == 0:
        return
    share = Share(buying=ask.buying, gpus=gpus, nodes=nodes, counts_gpus=GPUS in ask.limits)
    plan = PoolAsk(
        capacity={
            Buying.SPOT: Capacity.SPOT,
            Buying.ON_DEMAND: Capacity.ON_DEMAND,
            Buying.RESERVED: Capacity.RESERVED,
        }[ask.buying],
        instance_types=ask.types,
        capacity_block=bool(block),
        overlap_nodes=ask.overlap,
        utilisation=Decimal(meter.usage.pool_percent) / 100,
    )
    if ask.buying is Buying.RESERVED and nodes is None:
        raise Unpriced(f"a reserved NodePool needs limits of {NODES} and {PODS}: it pays for all that it can hold")
    plans = [plan, replace(plan, capacity_block=True)] if block is None and ask.buying is Buying.RESERVED else [plan]
    bills = [_share_items(meter, pool_ask, share) for pool_ask in plans]
    yield from max(bills, key=lambda bill: sum(item.maximum or 0 for item in bill))
    yield from _disks(meter, node, node_class, node_counts(plan, share))


def _nodes(node: Node, ask: Ask, node_class: Callable[[str], Node | None]) -> int | None:
    """How many nodes the limit of pods leaves room for, at the fewest pods a node; None without one.

    The limit of nodes itself does not count: see `pricing.capacity.gpus.node_pods`.
    """
    if PODS not in ask.limits:
        return None
    found = _class_of(node, node_class)
    fewest = node_pods(ask.types)
    most = found.read("spec", "kubelet", "maxPods")
    if found.read("spec", "kubelet", "podsPerCore") is not None or not isinstance(most, int | None) or most == 0:
        raise Unpriced("how many pods a node of the NodePool may have is not known")
    return ask.limits[PODS] // min(fewest, most or fewest)


def _share_items(meter: Meter, plan: PoolAsk, share: Share) -> list[CostItem]:
    items = list(share_items(meter.component, plan, share, meter.book))
    unpriced = [item for item in items if isinstance(item, str)]
    if unpriced:
        raise Unpriced("; ".join(unpriced))
    return [item for item in items if isinstance(item, CostItem)]


def _general_pool(meter: Meter, node: Node, ask: Ask, node_class: Callable[[str], Node | None]) -> Iterator[CostItem]:
    if ask.buying is not Buying.ON_DEMAND:
        raise Unpriced("only on-demand nodes without GPUs can be priced")
    if CPU not in ask.limits:
        raise Unpriced(f"the NodePool's limits do not name {CPU}, and its types are not all GPU types")
    smallest = min((known.vcpus for name in ask.types if (known := shape(name))), default=0)
    if smallest and ask.limits[CPU] < smallest:
        return
    types = list(ask.types)
    try:
        bound = general_bound(types, ask.limits[CPU], None, ask.overlap, meter.book)
    except Refused as refused:
        raise Unpriced("; ".join(problem.summary for problem in refused.problems)) from None
    yield from general_items(meter, types, bound, ask.overlap)
    percent = meter.usage.pool_percent
    yield from _disks(meter, node, node_class, general_node_counts(types, bound, ask.overlap, percent))


def _disks(
    meter: Meter,
    node: Node,
    node_class: Callable[[str], Node | None],
    nodes: tuple[Decimal, Decimal, Decimal],
) -> Iterator[CostItem]:
    found = _class_of(node, node_class)
    mappings = found.read("spec", "blockDeviceMappings")
    listed = mappings if isinstance(mappings, tuple) else ()
    rooted = any(isinstance(each, Mapping) and each.get("rootVolume") is True for each in listed)
    devices = BOTTLEROCKET if _family(found) == "bottlerocket" else ()
    read = disks.mapped(mappings)
    if devices or not rooted:
        whole_images(mappings, devices)
    yield from disks.lines(meter, read, nodes)
    yield from _addresses(meter, found, nodes)


def _family(node_class: Node) -> str:
    """What runs on the nodes of a class, in lower case. Raises Unpriced unless it is known to be a Linux without a licence."""
    said, terms = node_class.read("spec", "amiFamily"), node_class.read("spec", "amiSelectorTerms")
    aliases = [term.get("alias") for term in terms if isinstance(term, Mapping)] if isinstance(terms, tuple) else []
    named = {str(alias).partition("@")[0].lower() for alias in aliases if isinstance(alias, str)}
    if isinstance(said, str):
        named.add(said.lower())
    if UNKNOWN in (said, terms, *aliases) or len(named) != 1 or not named <= LINUX_FAMILIES:
        raise Unpriced("what runs on its nodes (amiFamily, or an alias of amiSelectorTerms) is not known to be Linux")
    return named.pop()


def _addresses(meter: Meter, found: Node, nodes: tuple[Decimal, Decimal, Decimal]) -> Iterator[CostItem]:
    """The public address of each node, where the EC2NodeClass asks for one; its subnets' own setting is not in the stack."""
    public = found.read("spec", "associatePublicIPAddress")
    if public in (None, False):
        return
    if public is not True:
        raise Unpriced("whether nodes have public addresses is not known")
    price = meter.book.service("vpc/public-ipv4")
    if price is None:
        raise Unpriced(f"no price of vpc/public-ipv4 in {meter.book.region} is on file")
    hours = tuple(count * HOURS_PER_MONTH for count in nodes)
    yield ranged(
        meter,
        "public IPv4",
        label="one for each node",
        quantity=hours[2],
        unit="address-hour",
        price=price,
        amounts=(hours[0] * price.usd, hours[1] * price.usd, hours[2] * price.usd),
    )


def _class_of(node: Node, node_class: Callable[[str], Node | None]) -> Node:
    name = node.read("spec", "template", "spec", "nodeClassRef", "name")
    found = node_class(name) if isinstance(name, str) else None
    if found is None:
        raise Unpriced("the NodePool's EC2NodeClass, which says how large its nodes' disks are, is not declared here")
    return found


def _ask(node: Node) -> Ask:
    requirements = node.read("spec", "template", "spec", "requirements")
    if not isinstance(requirements, tuple):
        raise Unpriced("the NodePool's requirements are not known")
    for requirement in requirements:
        _allowed(requirement)
    types = _within(requirements, TYPE)
    if not types:
        raise Unpriced(f"the NodePool does not name its instance types (`{TYPE}` In ...)")
    return Ask(types=types, buying=_buying(requirements), limits=_limits(node), overlap=_overlap(node))


def _allowed(requirement: Value) -> None:
    """Raises Unpriced for a requirement that asks for dearer machines than those that are priced."""
    if not isinstance(requirement, Mapping) or requirement.get("key") not in ONLY:
        return
    key, values = str(requirement.get("key")), requirement.get("values")
    within = isinstance(values, tuple) and all(value in ONLY[key] for value in values)
    if requirement.get("operator") != "In" or not within:
        raise Unpriced(f"only nodes with {key} in {', '.join(ONLY[key])} are priced")


def _within(requirements: tuple[Value, ...], key: str) -> tuple[str, ...]:
    """The values that `In` leaves of a label; empty when it is not required. Raises Unpriced for what is not known."""
    left: list[str] | None = None
    for requirement in requirements:
        if not isinstance(requirement, Mapping) or UNKNOWN in (
            requirement.get("key"),
            requirement.get("operator"),
            requirement.get("values"),
        ):
            raise Unpriced("a requirement of the NodePool is not known")
        if requirement.get("key") != key or requirement.get("operator") != "In":
            continue
        values = requirement.get("values")
        if not isinstance(values, tuple) or not all(isinstance(value, str) for value in values):
            raise Unpriced(f"the values of `{key}` are not known")
        left = [str(value) for value in values if left is None or value in left]
    return tuple(left or ())


def _buying(requirements: tuple[Value, ...]) -> Buying:
    """How it buys; where several ways are open, the dearest: on demand."""
    ways = _within(requirements, BUYING)
    if ways == (Buying.SPOT.value,):
        return Buying.SPOT
    return Buying.RESERVED if ways == (Buying.RESERVED.value,) else Buying.ON_DEMAND


def _limits(node: Node) -> dict[str, int]:
    limits = node.read("spec", "limits")
    if limits is None:
        raise Unpriced("the NodePool has no limits")
    if not isinstance(limits, Mapping):
        raise Unpriced("the NodePool's limits are not known")
    found: dict[str, int] = {}
    for key in (GPUS, CPU, NODES, PODS):
        value = limits.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdecimal():
            raise Unpriced(f"the NodePool's limit of {key} is no known whole number")
        found[key] = int(value)
    return found


def _overlap(node: Node) -> int:
    """How many nodes may be replaced at once: the strictest budget that is always active, for the laxer of two reasons."""
    budgets = node.read("spec", "disruption", "budgets")
    if not isinstance(budgets, tuple):
        raise Unpriced("the NodePool states no disruption budgets, so any share of its nodes may run twice")
    at_once = []
    for reason in ("Drifted", "Underutilized"):
        counts = [_count(budget) for budget in budgets if _covers(budget, reason)]
        if not counts:
            raise Unpriced(f"no disruption budget that is always active bounds `{reason}`")
        at_once.append(min(counts))
    return max(LEAST_OVERLAP, *at_once)


def _covers(budget: Value, reason: str) -> bool:
    if not isinstance(budget, Mapping) or UNKNOWN in budget.values():
        raise Unpriced("a disruption budget is not known")
    reasons = budget.get("reasons")
    return "schedule" not in budget and (reasons is None or (isinstance(reasons, tuple) and reason in reasons))


def _count(budget: Value) -> int:
    nodes = budget.get("nodes") if isinstance(budget, Mapping) else None
    if isinstance(nodes, bool) or not isinstance(nodes, int | str) or not str(nodes).isdecimal():
        raise Unpriced("a disruption budget is no whole number of nodes")
    return int(nodes)
