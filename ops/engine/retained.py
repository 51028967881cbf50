"""What a deletion would leave behind: resources with `retainOnDelete` or `deletedWith`, which a plan no longer counts.

The engine tells policy packs neither option (`AnalyzerResourceOptions`, protocol of Pulumi 3.259), so our commands read them: the
first from the steps of a preview, both from the state. A plain `pulumi up` is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.problem import Problem
from ops.engine.events import EngineEvents

KEPT: Mapping[str, str] = {
    "aws:costexplorer/costAllocationTag:CostAllocationTag": "other stacks of the account count by the same keys, and it is free",
    "modelyard:registry:Experiment": "runs and traces outlive a stack; their server is counted where it is made",
    "modelyard:registry:Prompt": "its versions outlive a stack; their server is counted where it is made",
    "modelyard:registry:RegisteredModel": "its versions outlive a stack; their server is counted where it is made",
}
"""Type token -> why a resource of it may be left behind. What costs is never here: left behind, nothing counts it again."""
_ENDS = ("delete", "replace", "delete-replaced", "create-replacement", "discard-replaced")


def refusals(events: EngineEvents, state: Mapping[str, Any]) -> list[Problem]:
    """A problem for each resource that this preview retains, or would delete without deleting it in its cloud."""
    found = {**_deleted(events, state.get("resources") or ()), **dict.fromkeys(events.retained, "retainOnDelete")}
    return [_problem(urn, option) for urn, option in found.items() if _kind(urn) not in KEPT]


def ended(events: EngineEvents) -> set[str]:
    """The URNs of resources that a step deletes or replaces; only for these the state has to be read."""
    return {step.urn for step in events.steps.values() if step.op in _ENDS}


def _deleted(events: EngineEvents, resources: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What the state says of resources that a step ends, by URN: the option that keeps them from being deleted."""
    gone = ended(events)
    return dict(_options(each for each in resources if each.get("urn") in gone and each.get("custom")))


def _options(resources: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for each in resources:
        for option in ("retainOnDelete", "deletedWith"):
            if each.get(option):
                yield str(each["urn"]), option


def _kind(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2] if urn.count("::") > 2 else ""


def _problem(urn: str, option: str) -> Problem:
    return Problem(
        summary="a deletion would leave it behind, and no plan counts it then",
        where=f"{_kind(urn)} {urn.rpartition('::')[2]}",
        found=option,
        allowed="only " + ", ".join(sorted(KEPT)),
        fix=f"remove `{option}`, deploy, and then delete it; `protect` keeps a resource and its cost in the plan",
    )
