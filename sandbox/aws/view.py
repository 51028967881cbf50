"""Reading the store as AWS does: by id, name or ARN, with what is pending deletion left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.marks import UNKNOWN
from engine.paths import at
from sandbox.items import Item, ItemStore

PACKAGE = "aws"
VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
ROLE = "aws:iam/role:Role"
CLUSTER = "aws:eks/cluster:Cluster"
ADDON = "aws:eks/addon:Addon"


class View:
    """Look-ups over the AWS part of a store."""

    def __init__(self, store: ItemStore) -> None:
        self.store = store

    def named(self, name: Any) -> list[Item]:
        """Every object with this id, name, ARN or alias; pending ones too."""
        known = isinstance(name, str) and name not in ("", UNKNOWN)
        return [item for item in self.store.by_id(name) if item.package == PACKAGE] if known else []

    def one(self, token: str, name: Any) -> Item | None:
        """The object of this type that goes by `name`; None when there is none or it is not known yet."""
        return next((item for item in self.named(name) if item.type == token and not item.pending), None)

    def all(self, token: str, **wanted: Any) -> list[Item]:
        """Objects of a type whose top-level properties equal `wanted`."""
        items = (item for item in self.store.all(PACKAGE, token) if not item.pending)
        return [item for item in items if all(item.state.get(key) == value for key, value in wanted.items())]

    def property_of(self, name: str, wanted: str) -> str:
        """A property of the object with this id, name or ARN; empty when there is none."""
        items = self.named(name)
        return str(at(items[0].state, wanted) or "") if items else ""

    def subnets(self, ids: Any) -> list[Item]:
        """The subnets among `ids` that are known."""
        found = (self.one(SUBNET, id) for id in ids) if isinstance(ids, list) else ()
        return [item for item in found if item]


def text(inputs: Mapping[str, Any], path: str, default: str = "") -> str:
    """A string of the inputs; `default` when it is absent or not known yet."""
    value = at(inputs, path)
    return value if isinstance(value, str) and value != UNKNOWN else default
