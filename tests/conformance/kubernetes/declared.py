"""Every Kubernetes object and Helm release that a stack declares, with plausible values where only a cloud would know."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from infra.declared import SECRET, Declared, declare
from infra.loaded import LoadedStack
from infra.program import make
from infra.render import PLACEHOLDER
from tests.roots import ROOT

STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))

_BY_TYPE = {
    "subnet": "subnet-0123456789abcdef0",
    "securityGroup": "sg-0123456789abcdef0",
    "vpc": "vpc-0123456789abcdef0",
    "capacityReservation": "cr-0123456789abcdef0",
}
_BY_PROPERTY = {
    "accountId": "123456789012",
    "arn": "arn:aws:eks:us-east-1:123456789012:cluster/conformance",
    "clusterSecurityGroupId": "sg-0123456789abcdef0",
    "endpoint": "https://0123456789abcdef.gr7.us-east-1.eks.amazonaws.com",
    "data": "bm9uZQ==",
}


def in_cluster(stack: str) -> list[Declared]:
    """What the stack declares of Kubernetes, in the order of its registration, every placeholder filled."""
    return by_program(make(LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")), stack)


def by_program(program: Callable[[], None], stack: str) -> list[Declared]:
    """The same of a program of that stack's name."""
    resources = declare(program, project="modelyard", stack=stack)
    return [
        Declared(**{**vars(declared), "inputs": _filled(declared.inputs)})
        for declared in resources.values()
        if declared.custom and declared.token.startswith("kubernetes:")
    ]


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        # A map that holds a secret is secret as a whole.
        return {
            key: {"key": _filled(inner)} if key in ("data", "stringData") and inner == SECRET else _filled(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_filled(inner) for inner in value]
    return PLACEHOLDER.sub(lambda match: _plausible(match[0]), value) if isinstance(value, str) else value


def _plausible(placeholder: str) -> str:
    """A value of the right form, by what a placeholder refers to."""
    if placeholder == SECRET:
        return "c2VjcmV0"
    of, _, path = placeholder[2:-1].rpartition("#")
    wanted = re.split(r"[.\[]", path)[-1].rstrip("]")
    if wanted == "id":
        kind = of.split("::")[-2].rpartition(":")[2] if "::" in of else ""
        return next((value for name, value in _BY_TYPE.items() if kind.lower() == name.lower()), "i-0123456789abcdef0")
    return _BY_PROPERTY.get(wanted, "conformance")
