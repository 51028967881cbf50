"""Rules on every other resource: it stands in a component of the plan, and costs no more than the plan has counted for it."""

from __future__ import annotations

from collections.abc import Iterator

from policies.budget.tree import component_of, platform_of
from policies.graph import PLATFORM, UNKNOWN, Node, items
from policies.rule import Context, Finding, Rule, Severity, refuse
from pricing.items.tokens import COMPONENT, GPU_POOL, LAUNCH_TEMPLATE, NODE_CLASS, NODE_POOL

POOLS = (f"{COMPONENT}GeneralPool", GPU_POOL)
HOMES = {NODE_POOL: POOLS, NODE_CLASS: POOLS, LAUNCH_TEMPLATE: (f"{COMPONENT}SystemNodes",)}
"""Where nodes and their templates may stand: a template is free by itself, but decides what a node costs."""


def in_the_plan(node: Node, context: Context) -> Iterator[Finding]:
    """A resource that no component of the plan has made is one that nobody has counted."""
    if node.type.startswith("pulumi:") or node.type == PLATFORM:
        return  # told by listed_type, and providers by provider_inputs
    platform = platform_of(context)
    if platform is None:
        yield refuse(
            "",
            "it comes before, or without, the plan of the stack",
            allowed="resources under the platform, whose plan is judged first",
            fix="declare it through the platform; with --target, target the platform too",
        )
        return
    if node.type.startswith(COMPONENT):
        if not _planned(node, platform):
            yield refuse("", "a component that the plan does not name", found=_name(node))
        return
    component = component_of(node, context.seen)
    if component is None:
        yield refuse("", "a resource outside a component, so its cost is in no plan", found=node.type)
    elif component.urn != platform.urn and not _planned(component, platform):
        yield refuse("", "it stands in a component that the plan does not name", found=_name(component))
    elif (home := HOMES.get(node.type)) and component.type not in home:
        yield refuse(
            "",
            "what decides how many nodes there are, and how large, stands only where the plan counts nodes",
            found=_name(component),
            allowed=", ".join(home),
        )
    elif node.type in HOMES and any(_same_template(node, each) for each in context.seen.values()):
        yield refuse("", "a second template under one name, so nobody knows which one nodes are made from")


def priced_where_planned(node: Node, context: Context) -> Iterator[Finding]:
    """The plan's prices are those of its region, so a provider for another region would make it worthless."""
    platform = platform_of(context)
    if platform is None or not node.type.startswith("aws:"):
        return
    if platform.read("region") is None:
        yield refuse("", "the plan has nothing of AWS in it", found=node.type, fix="plan it on AWS: name aws:region")
        return
    region = context.provider.read("region") if context.provider else None
    if region != platform.read("region"):
        shown = "a region that is not known" if region in (None, UNKNOWN) else region
        yield refuse(
            "",
            "budget-undetermined: its provider works in another region than the plan was priced for",
            found=shown,
            allowed=str(platform.read("region")),
            fix="take the platform's own provider",
        )
    if node.read("region") not in (None, region):
        yield refuse("region", "budget-undetermined: it is made in another region than the plan was priced for")


def as_counted(node: Node, context: Context) -> Iterator[Finding]:
    """What a resource costs by its own inputs is in the plan's bill, line by line."""
    # Loads the whole estimator, which would keep the engine waiting for the list of rules.
    from policies.budget import counted

    return counted.as_counted(node, context)


def _same_template(node: Node, other: Node) -> bool:
    if node.urn == other.urn or node.type != other.type:
        return False
    if node.type == LAUNCH_TEMPLATE:
        return node.parent == other.parent
    names = [each.read("metadata", "name") for each in (node, other)]
    return node.type == NODE_CLASS and (UNKNOWN in names or names[0] == names[1])


def _planned(component: Node, platform: Node) -> bool:
    named = items(platform.read("components"))
    return component.parent == platform.urn and _name(component) in named


def _name(component: Node) -> str:
    return f"{component.type.removeprefix(COMPONENT)}::{component.name}"


RULES = (
    Rule(
        name="resources-in-plan",
        pack="budget",
        severity=Severity.HIGH,
        description="Every resource is inside a component that the plan names.",
        fix="Declare it in a component, and count it in its part's bill.",
        applies_to=("",),
        check=in_the_plan,
    ),
    Rule(
        name="priced-region",
        pack="budget",
        severity=Severity.HIGH,
        description="Every AWS resource is created in the region whose prices the plan uses.",
        fix="Use the platform's own provider.",
        applies_to=("aws:",),
        check=priced_where_planned,
    ),
    Rule(
        name="resources-as-counted",
        pack="budget",
        severity=Severity.HIGH,
        description="No resource can cost more than the plan's bill has counted for it.",
        fix="Count it in its part's bill, or change the settings that the plan is made from.",
        applies_to=("aws:", "kubernetes:"),
        check=as_counted,
        exemptible=False,
    ),
)
