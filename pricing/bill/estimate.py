"""The bill of a resource graph: every resource is priced, free for a stated reason, or listed as unpriced; never left out."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pricing.bill import inputs
from pricing.bill.free import why_free
from pricing.bill.priced import CLASSIFIED, ON_WHOSE_CLUSTER, PRICED
from pricing.book.book import PriceBook
from pricing.items.cost import CostItem, Totals, totals
from pricing.items.graph import UNKNOWN, Graph, Node
from pricing.items.neighbours import only
from pricing.items.tokens import COMPONENT, LAUNCH_TEMPLATE, NODE_CLASS, PLATFORM
from pricing.items.unpriced import Unpriced
from pricing.items.usage import Usage
from pricing.meters.meters import Meter

OUTSIDE = "(outside)"
"""What a resource that stands in no component counts under."""


@dataclass(frozen=True)
class Estimate:
    """All lines of a bill, in the order of the graph, and how many resources were found free."""

    items: tuple[CostItem, ...]
    free: int

    @cached_property
    def totals(self) -> Totals:
        """The sums, and what is unpriced."""
        return totals(self.items)


@dataclass(frozen=True)
class Estimator:
    """Prices resources at one book, on one day, with one usage; `graph` is where their neighbours are looked up."""

    graph: Graph
    book: PriceBook
    usage: Usage
    today: datetime.date

    def items(self, node: Node) -> tuple[CostItem, ...] | None:
        """The lines of one resource; None when it is free."""
        price = PRICED.get(node.type)
        if not self.book.region and node.type in ON_WHOSE_CLUSTER:
            return None
        unread = self._unread(node)
        if price is None and why_free(node.type) and not unread:
            return None
        component = component_of(self.graph, node)
        usage = self.usage.at(component, node.name)
        meter = Meter(component=component, name=node.name, book=self.book, usage=usage, today=self.today)
        if unread:
            return (meter.unpriced("cost", "; ".join(unread)),)
        if price is None:
            return (meter.unpriced("cost", f"nobody has said what a {node.type} costs"),)
        try:
            return tuple(price(self, meter, node)) or None
        except Unpriced as why:
            return (meter.unpriced("cost", str(why)),)

    def _unread(self, node: Node) -> tuple[str, ...]:
        """Why the inputs of a resource keep it from being priced."""
        if node.type in CLASSIFIED and node.type not in inputs.tables():
            return (f"nobody has said what the inputs of a {node.type} cost",)
        return inputs.findings(node, self.book.region)

    def template(self, node: Node) -> Node | None:
        """The launch template of a group or instance: by the name that it gives, or by what its input refers to.

        None for a name that no template here has or two have, for an id that refers to nothing here, and for a resource that
        starts from none. An id alone says nothing before deployment, so a rule on one resource refuses it.
        """
        if node.read("launchTemplate") is None:
            return None
        named, by_id = node.read("launchTemplate", "name"), node.read("launchTemplate", "id")
        if isinstance(named, str) and by_id is None:
            return only(each for each in self._templates if each.read("name") == named)
        meant = node.references.get("launchTemplate", ())
        found = [each for each in map(self.graph.get, meant) if each is not None and each.type == LAUNCH_TEMPLATE]
        return found[0] if len(found) == len(meant) == 1 else None

    def node_class(self, name: str) -> Node | None:
        """The EC2NodeClass of that name; None where none has it, two have, or one has a name that is not known."""
        return only(each for each in self._node_classes if each.read("metadata", "name") in (name, UNKNOWN))

    def owner(self, node: Node, token: str) -> Node | None:
        """The component of that type that a resource stands in."""
        return self.graph.owner(node, token)

    def of_type(self, *types: str) -> Iterator[Node]:
        """Every resource of those types in the stack."""
        return self.graph.of_type(*types)

    @cached_property
    def _templates(self) -> tuple[Node, ...]:
        return tuple(self.graph.of_type(LAUNCH_TEMPLATE))

    @cached_property
    def _node_classes(self) -> tuple[Node, ...]:
        return tuple(self.graph.of_type(NODE_CLASS))


def estimate(graph: Graph, book: PriceBook, today: datetime.date, usage: Usage | None = None) -> Estimate:
    """The bill of a graph; without `usage`, with what the platform's plan in the graph states, or the defaults.

    Raises ValueError when the plan states a usage that cannot be (see `Usage.of`).
    """
    estimator = Estimator(graph, book, usage if usage is not None else stated_usage(graph), today)
    per_node = [estimator.items(node) for node in graph.nodes]
    return Estimate(
        items=tuple(item for items in per_node if items is not None for item in items), free=per_node.count(None)
    )


def stated_usage(graph: Graph) -> Usage:
    """The usage that the platform's plan states. Raises ValueError for one that cannot be."""
    platform = next(graph.of_type(PLATFORM), None)
    stated = platform.read("usage") if platform else None
    return Usage.of(stated) if isinstance(stated, Mapping) else Usage()


def component_of(graph: Graph, node: Node) -> str:
    """The logical name of the component that a resource stands in, the platform's own when it is right under it."""
    if node.type.startswith(COMPONENT):
        return node.name
    above = next((each for each in graph.above(node) if each.type.startswith(COMPONENT)), None)
    return above.name if above else f"{OUTSIDE} {node.type}::{node.name}"
