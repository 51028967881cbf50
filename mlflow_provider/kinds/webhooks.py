"""Webhooks: whom the registry tells of new versions, moved aliases and spent budgets. MLflow never gives a secret back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from mlflow_provider.api import Rejected, Server
from mlflow_provider.kinds.base import V2, Found, Kind, Props, gone, said


class Webhook(Kind):
    """Inputs: name, url or urlSecret, events (`model_version.created`), description, enabled, secret. The id is the server's."""

    name = "Webhook"
    secret = "secret"  # noqa: S105 (the name of an input)
    behind = {"urlSecret": "url"}
    local = frozenset({"revision"})

    def create(self, server: Server, inputs: Props, secret: str) -> Found:
        # The server takes a second webhook of the same name: so look before anything is made.
        there = [each for each in self.every(server) if each.inputs["name"] == inputs["name"]]
        if there:
            taken = self.taken_over(inputs, there[0])
            self.update(server, taken.id, inputs, inputs, secret)
            return Found(taken.id, inputs)
        made = server.post(f"{V2}/webhooks", **_body(inputs, secret))
        return Found(made["webhook"]["webhook_id"], inputs)

    def read(self, server: Server, id: str) -> Found | None:
        try:
            return _found(server.get(f"{V2}/webhooks/{quote(id, safe='')}")["webhook"])
        except Rejected as error:
            gone(error)
            return None

    def update(self, server: Server, id: str, olds: Props, news: Props, secret: str) -> Props:
        server.patch(f"{V2}/webhooks/{quote(id, safe='')}", **_body(news, secret))
        return {}

    def delete(self, server: Server, id: str, inputs: Props) -> None:
        try:
            server.delete(f"{V2}/webhooks/{quote(id, safe='')}")
        except Rejected as error:
            gone(error)

    def every(self, server: Server) -> Iterator[Found]:
        for item in server.pages(f"{V2}/webhooks", "webhooks", max_results=100):
            yield _found(item)

    def must_replace(self, olds: Props, news: Props, changed: Iterable[str]) -> list[str]:
        # A change cannot take a secret away again.
        return ["secret"] if "secret" in olds and "secret" not in news else []


def _body(inputs: Props, secret: str) -> dict[str, Any]:
    events = [event.partition(".") for event in inputs["events"]]
    return {
        "name": inputs["name"],
        "url": inputs["url"],
        "events": [{"entity": entity.upper(), "action": action.upper()} for entity, _, action in events],
        "description": inputs.get("description", ""),
        "status": "ACTIVE" if inputs["enabled"] else "DISABLED",
        **({"secret": secret} if secret else {}),
    }


def _found(item: Mapping[str, Any]) -> Found:
    events = sorted(f"{event['entity']}.{event['action']}".lower() for event in item.get("events", []))
    inputs = {
        "name": item["name"],
        "url": item["url"],
        "events": events,
        "description": item.get("description", ""),
        "enabled": item.get("status", "ACTIVE") == "ACTIVE",
    }
    return Found(item["webhook_id"], said(inputs))
