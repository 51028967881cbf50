"""Rules on what a stack may have: listed types, pinned charts, and items of the registry as their component was planned."""

from __future__ import annotations

from collections.abc import Iterator

from policies.budget.tree import component_of
from policies.graph import UNKNOWN, Node, mapping
from policies.rule import Context, Finding, Rule, Severity, refuse
from pricing.items.tokens import COMPONENT

REGISTRY = "modelyard:registry:"
CONTENT = f"{COMPONENT}RegistryContent"
ALIASES = {f"{REGISTRY}ModelAlias": ("models", "model"), f"{REGISTRY}PromptAlias": ("prompts", "prompt")}
"""Type of an alias -> the part of its component's spec that names it, and the input that says whose alias it is."""


def listed_type(node: Node, _: Context) -> Iterator[Finding]:
    """A type that nobody has priced, or called free for a reason, may cost anything."""
    # Both load more of the estimator than the list of rules needs.
    from pricing.bill.free import why_free
    from pricing.bill.priced import PRICED

    if node.type not in PRICED and not why_free(node.type):
        yield refuse("", f"budget-undetermined: nobody has said what a {node.type} costs", found=node.type)


def registry_as_planned(node: Node, context: Context) -> Iterator[Finding]:
    """An item of the registry stands in the component whose spec names it, and an alias is one of that spec."""
    component = component_of(node, context.seen)
    if component is None or component.type != CONTENT:
        yield refuse("", "an item of the registry outside the component that holds its content", allowed=CONTENT)
        return
    if node.type in ALIASES:
        yield from _alias(node, component)


def chart_as_pinned(node: Node, _: Context) -> Iterator[Finding]:
    """A chart is its source, version and digest, and values that can hold objects are refused, in every cluster."""
    from pricing.bill import inputs
    from pricing.items.unpriced import Unpriced
    from pricing.meters import charts

    try:
        whys = [*inputs.findings(node, ""), *charts.unjudged(node)]
    except Unpriced as unpriced:
        whys = [str(unpriced)]
    for why in whys:
        yield refuse("", f"budget-undetermined: {why}", found=str(node.read("chart")))


def _alias(node: Node, component: Node) -> Iterator[Finding]:
    """An alias that the spec does not manage is moved by `modelyard release`, with the checks of a promotion."""
    part, of = ALIASES[node.type]
    owner, _, alias = node.name.rpartition("@")
    planned = mapping(mapping(mapping(mapping(component.read("spec", part)).get(owner)).get("aliases")).get(alias))
    if planned.get("by") != "managed" or node.read("alias") != alias or node.read(of) not in (owner, UNKNOWN):
        yield refuse("alias", "an alias that the registry's content does not manage", found=node.name)
        return
    version = planned.get("version")
    if version is not None and node.read("version") not in (version, UNKNOWN):
        yield refuse("version", "an alias on another version than the registry's content says", allowed=str(version))


RULES = (
    Rule(
        name="listed-types",
        pack="budget",
        severity=Severity.HIGH,
        description="A stack has only types of resource whose cost is known: priced, or free for a stated reason.",
        fix="Use a listed type, or list the type with its price or the reason why it is free.",
        applies_to=("",),
        check=listed_type,
        exemptible=False,
    ),
    Rule(
        name="chart-as-pinned",
        pack="budget",
        severity=Severity.HIGH,
        description="A Helm release installs a pinned chart from its own source, with values that hold no objects of their own.",
        fix="Take the chart from core/versions.py as it stands, and declare objects, volumes and load balancers in a component.",
        applies_to=("kubernetes:helm.sh/v3:Release",),
        check=chart_as_pinned,
        exemptible=False,
    ),
    Rule(
        name="registry-as-planned",
        pack="budget",
        severity=Severity.HIGH,
        description="Items of the model registry stand in its content's component, and every alias is one that its spec names.",
        fix="Declare it under `registry.content` of the stack file.",
        applies_to=(REGISTRY,),
        check=registry_as_planned,
        exemptible=False,
    ),
)
