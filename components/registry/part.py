"""The model registry as a part: MLflow's servers, what they keep, and what the registry holds."""

from __future__ import annotations

from collections.abc import Iterator

from components.part import Meters, Part
from components.registry import alerts, bill, dashboard
from components.registry.component import Keeping
from components.stack import Stack
from pricing.items.cost import CostItem


def _bill(meters: Meters, stack: Stack) -> Iterator[CostItem]:
    spec = stack.settings.registry
    if spec is not None:
        yield from bill.lines(meters, spec, stack.settings.storage, reader=bool(stack.releases))


def _components(stack: Stack) -> Iterator[str]:
    spec = stack.settings.registry
    yield "Registry::registry"
    if spec is not None and not spec.empty:
        yield "RegistryContent::registry-content"
    if spec is not None and spec.keeping is Keeping.AWS:
        yield from ("RegistryArtifacts::registry-artifacts", "RegistryDatabase::registry-database")


PART = Part(
    name="registry",
    about="MLflow, its database and its files, and the experiments, models and prompts that it holds",
    when="with `registry`",
    there=lambda stack: stack.settings.registry is not None,
    components=_components,
    bill=_bill,
    alerts=(alerts.GROUP,),
    dashboards=(dashboard.BOARD,),
)
