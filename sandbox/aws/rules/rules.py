"""What AWS refuses although every property is well formed: names in use, missing neighbours, wrong order of deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.marks import UNKNOWN
from sandbox.aws.outputs import ACCOUNT, Maker
from sandbox.aws.rules import accounts, documents, eks, limits, names, networking, rds, references
from sandbox.aws.rules.accounts import Account
from sandbox.aws.rules.references import refused
from sandbox.aws.table import Link, Row, row
from sandbox.aws.view import PACKAGE, View
from sandbox.items import Item, ItemStore
from sandbox.provider import CloudError, Fault


class Rules:
    """All rules in AWS's order: the request, what it refers to, who asks, names of AWS's own, the service's own, names in use."""

    def __init__(self, store: ItemStore, account: Account) -> None:
        self.store = store
        self.account = account
        self.view = View(store)

    def check(self, token: str, inputs: Mapping[str, Any]) -> list[Fault]:
        """What is wrong with the inputs alone."""
        return [*documents.faults(token, inputs), *limits.faults(token, inputs)]

    def create(self, token: str, inputs: Mapping[str, Any], maker: Maker, *, preview: bool) -> None:
        """Raise CloudError when AWS would not make this object now; in a preview, its neighbours may be still to come."""
        references.check(self.view, token, inputs, preview=preview)
        if preview:
            return
        accounts.check(self.account, token, inputs)
        names.check(token, inputs, maker.region)
        if token in networking.CREATE:
            networking.CREATE[token](self.view, inputs, maker.region)
        if token in eks.CREATE:
            eks.CREATE[token](self.view, inputs)
        self._unique(token, inputs, maker.region)

    def update(self, item: Item, news: Mapping[str, Any], maker: Maker, *, preview: bool) -> None:
        """Raise CloudError when AWS would not change the object like this now."""
        references.check(self.view, item.type, news, preview=preview)
        if item.type in eks.UPDATE:
            eks.UPDATE[item.type](self.view, item, news)
        if not preview:
            names.check(item.type, news, maker.region)
            self._unique(item.type, news, maker.region, item.id)

    def delete(self, item: Item) -> None:
        """Remove the object and what goes with it; CloudError when something must go first."""
        if item.state.get("deletionProtection") is True:
            raise CloudError(
                "InvalidRequestException", f"Deletion protection is enabled for {item.id}: disable it first"
            )
        if item.type == networking.GATEWAY:
            networking.detach_gateway(self.view, item)
        chosen = row(item.type)
        for link in chosen.blocked:
            for holder in self._linked(item, link):
                if chosen.forced and item.state.get(chosen.forced) is True:
                    self.delete(holder)
                    continue
                raise refused(chosen.blocked_message, {"id": item.id, "found": holder.id})
        for link in chosen.cascades:
            for part in self._linked(item, link):
                self.delete(part)
        if item.type == rds.INSTANCE:
            rds.leave_snapshot(self.view, item)
        if chosen.pending and not _at_once(item, chosen):
            item.notes["pending"] = chosen.pending
            self.store.put(item)
        else:
            self.store.remove(item)

    def _linked(self, item: Item, link: Link) -> list[Item]:
        names = {item.id, item.name, item.computed.get("arn")} - {"", None}
        return [other for other in self.view.all(link.type) if _holds(other, link.by, names)]

    def _unique(self, token: str, inputs: Mapping[str, Any], region: str, own: str = "") -> None:
        unique = row(token).unique
        if unique is None:
            return
        mine = [inputs.get(key) for key in unique.by]
        if UNKNOWN in mine or not any(mine):
            return
        for other in self.store.all(PACKAGE, token):
            message = unique.pending if other.pending else unique.message
            same = [other.inputs.get(key) for key in unique.by] == mine
            if message and same and other.id != own and other.computed.get("region", region) == region:
                raise refused(message, {**inputs, "found": other.id, "region": region, "account": ACCOUNT})


def _at_once(item: Item, chosen: Row) -> bool:
    """Whether the object was asked to go without a time in which it could be brought back."""
    return bool(chosen.at_once) and all(item.state.get(key) == value for key, value in chosen.at_once.items())


def _holds(item: Item, path: str, names: set[Any]) -> bool:
    return any(value in names for _, value in limits.everywhere(item.state, path.split(".")) if isinstance(value, str))
