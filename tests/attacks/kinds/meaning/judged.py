"""Short ways to put one resource before the security rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pricing.items.graph import Node
from tests.attacks.attack import Attack, Harmless, Kind
from tests.attacks.rules import node, refusals

OWN = "000000000000"
TAGS = {"Environment": "dev", "ManagedBy": "modelyard", "Owner": "ml-platform"}


def tried(*nodes: Node, whole: bool = False) -> Callable[[Path], Collection[str]]:
    """Puts the resources before the rules one after the other; the last is the attack."""
    return lambda _: refusals(nodes, pack="security", whole=whole)


def attack(name: str, stopped_by: str, *nodes: Node, whole: bool = False) -> Attack:
    """An attack of this kind."""
    return Attack(kind=Kind.MEANING, name=name, stopped_by=stopped_by, tried=tried(*nodes, whole=whole))


def harmless(name: str, *nodes: Node, whole: bool = False) -> Harmless:
    """Its neighbour that has to pass."""
    return Harmless(kind=Kind.MEANING, name=name, tried=tried(*nodes, whole=whole))


def aws(token: str, called: str = "it", /, **inputs: Any) -> Node:
    """A resource of AWS with its tags."""
    return node(f"aws:{token}", {"tags": TAGS, **inputs}, name=called)


def kube(token: str, called: str = "it", /, **inputs: Any) -> Node:
    """An object of the cluster."""
    return node(f"kubernetes:{token}", inputs, name=called)


def allow(actions: str | Sequence[str], resources: str | Sequence[str], **more: Any) -> dict[str, Any]:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def policy(*statements: Mapping[str, Any]) -> Node:
    """A managed policy of these statements."""
    return aws("iam/policy:Policy", policy=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def role(principal: object, condition: Mapping[str, Any] | None = None, name: str = "it") -> Node:
    """A role that trusts this principal."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    if condition is not None:
        statement["Condition"] = condition
    return aws("iam/role:Role", name, assumeRolePolicy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
