"""Kind 14: resources that a deletion would leave in a cloud, where no later plan counts them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pulumi.automation.events import EngineEvent

from ops.engine.events import EngineEvents
from ops.engine.retained import refusals
from tests.attacks.attack import Attack, Harmless, Kind, Tried

STOPPED = "a deletion would leave it behind"


def _urn(token: str) -> str:
    return f"urn:pulumi:dev::modelyard::modelyard:index:Platform${token}::it"


def _state(token: str, **options: Any) -> dict[str, Any]:
    return {"urn": _urn(token), "type": token, "custom": True, "id": "i-1", "inputs": {}, "outputs": {}, **options}


def _step(op: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> EngineEvent:
    either = new or old or {}
    about = {"op": op, "urn": either["urn"], "type": either["type"], "old": old, "new": new, "provider": ""}
    found = {key: value for key, value in about.items() if value is not None}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, "resOutputsEvent": {"metadata": found}})


def _previewed(token: str, op: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Tried:
    """A preview with one step on a resource of a type, with these options before and after it."""

    def tried(_: Path) -> Sequence[str]:
        old = None if before is None else _state(token, **before)
        new = None if after is None else _state(token, **after)
        events = EngineEvents(planning=True)
        # Events do not tell `deletedWith`; the state does.
        events.listen(_step(op, old, new))
        return [each.text() for each in refusals(events, {"resources": [old] if old else []})]

    return tried


_KEEP, _WITH = {"retainOnDelete": True}, {"deletedWith": _urn("aws:ec2/vpc:Vpc")}
_MACHINE, _DATABASE = "aws:ec2/instance:Instance", "aws:rds/instance:Instance"
_TRIED: dict[str, Tried] = {
    "a new machine that a deletion leaves": _previewed(_MACHINE, "create", None, _KEEP),
    "a machine that is changed to be left": _previewed(_MACHINE, "update", {}, _KEEP),
    "a machine that has been one to be left and does not change": _previewed(_MACHINE, "same", _KEEP, _KEEP),
    "a machine that only gets the option": _previewed(_MACHINE, "same", {}, _KEEP),
    "a machine that is deleted and left": _previewed(_MACHINE, "delete", _KEEP, None),
    "a machine that is replaced, and its first left": _previewed(_MACHINE, "replace", _KEEP, {}),
    "the first of a replacement, left": _previewed(_MACHINE, "delete-replaced", _KEEP, None),
    "a database that is left": _previewed(_DATABASE, "create", None, _KEEP),
    "an address that is left": _previewed("aws:ec2/eip:Eip", "create", None, _KEEP),
    "a volume of a cluster that is left": _previewed("kubernetes:core/v1:PersistentVolumeClaim", "create", None, _KEEP),
    "an imported machine that is left": _previewed(_MACHINE, "import", None, _KEEP),
    "a machine said to go with another": _previewed(_MACHINE, "delete", _WITH, None),
    "a replaced machine said to go with another": _previewed(_MACHINE, "replace", _WITH, _WITH),
    "a user of the registry that is left": _previewed("modelyard:registry:User", "create", None, _KEEP),
}

ATTACKS = tuple(
    Attack(kind=Kind.RETAINED, name=name, stopped_by=STOPPED, tried=tried) for name, tried in _TRIED.items()
)

HARMLESS = (
    Harmless(kind=Kind.RETAINED, name="a machine that is deleted", tried=_previewed(_MACHINE, "delete", {}, None)),
    Harmless(
        kind=Kind.RETAINED, name="a protected machine", tried=_previewed(_MACHINE, "create", None, {"protect": True})
    ),
    Harmless(
        kind=Kind.RETAINED, name="a machine that loses the option", tried=_previewed(_MACHINE, "update", _KEEP, {})
    ),
    Harmless(
        kind=Kind.RETAINED,
        name="a prompt whose versions outlive the stack",
        tried=_previewed("modelyard:registry:Prompt", "create", None, _KEEP),
    ),
    Harmless(
        kind=Kind.RETAINED,
        name="a tag that other stacks of the account count by",
        tried=_previewed("aws:costexplorer/costAllocationTag:CostAllocationTag", "delete", _KEEP, None),
    ),
)
