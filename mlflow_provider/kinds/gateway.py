"""The AI gateway of the MLflow server: providers' keys, models, endpoints over them, and budgets of what they spend.

MLflow gives back no key, only its last characters.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from mlflow_provider.api import Rejected, Server
from mlflow_provider.kinds.base import V3, Found, Kind, Props, gone, said

_GATEWAY = f"{V3}/gateway"


class _Named(Kind):
    """What the gateway's kinds have in common: an id of the server's, and a name that is taken once."""

    path: str
    one: str
    many: str
    key: str

    def read(self, server: Server, id: str) -> Found | None:
        try:
            return self.found(server.get(f"{_GATEWAY}/{self.path}/get", **{self.key: id})[self.one])
        except Rejected as error:
            gone(error)
            return None

    def delete(self, server: Server, id: str, inputs: Props) -> None:
        try:
            server.delete(f"{_GATEWAY}/{self.path}/delete", **{self.key: id})
        except Rejected as error:
            gone(error)

    def every(self, server: Server) -> Iterator[Found]:
        for item in server.pages(f"{_GATEWAY}/{self.path}/list", self.many):
            yield self.found(item)

    def create(self, server: Server, inputs: Props, secret: str) -> Found:
        there = [each for each in self.every(server) if self.same(each.inputs, inputs)]
        if there:
            taken = self.taken_over(inputs, there[0])
            if self.secret:
                self.update(server, taken.id, inputs, inputs, secret)
            return Found(taken.id, inputs)
        made = server.post(f"{_GATEWAY}/{self.path}/create", **self.body(inputs, secret))
        return Found(made[self.one][self.key], inputs)

    def update(self, server: Server, id: str, olds: Props, news: Props, secret: str) -> Props:
        body = {key: value for key, value in self.body(news, secret).items() if key not in self.fixed}
        server.post(f"{_GATEWAY}/{self.path}/update", **{self.key: id}, **body)
        return {}

    fixed: frozenset[str] = frozenset()

    def same(self, there: Props, inputs: Props) -> bool:
        """Whether an item that is there is the one that is declared."""
        return bool(there["name"] == inputs["name"])

    @abstractmethod
    def body(self, inputs: Props, secret: str) -> dict[str, Any]:
        """The inputs as the server's API writes them."""

    @abstractmethod
    def found(self, item: Mapping[str, Any]) -> Found:
        """What the server's API says, as inputs."""


class GatewayKey(_Named):
    """Inputs: name, provider, value (which names a secret), settings (the provider's own)."""

    name, secret, local = "GatewayKey", "value", frozenset({"revision"})
    replaces = frozenset({"name", "provider"})
    path, one, many, key = "secrets", "secret", "secrets", "secret_id"
    fixed = frozenset({"secret_name", "provider"})

    def body(self, inputs: Props, secret: str) -> dict[str, Any]:
        return {
            "secret_name": inputs["name"],
            "provider": inputs["provider"],
            "secret_value": {"api_key": secret},
            "auth_config": inputs.get("settings", {}),
        }

    def found(self, item: Mapping[str, Any]) -> Found:
        inputs = {"name": item["secret_name"], "provider": item.get("provider"), "settings": item.get("auth_config")}
        return Found(item["secret_id"], said(inputs))


class GatewayModel(_Named):
    """Inputs: name, provider, model (the provider's name of it), key (the id of a GatewayKey)."""

    name = "GatewayModel"
    path, one, many = "model-definitions", "model_definition", "model_definitions"
    key = "model_definition_id"

    def body(self, inputs: Props, secret: str) -> dict[str, Any]:
        names = {"name": "name", "provider": "provider", "model": "model_name", "key": "secret_id"}
        return {theirs: inputs[ours] for ours, theirs in names.items()}

    def found(self, item: Mapping[str, Any]) -> Found:
        inputs = {"name": item["name"], "provider": item.get("provider"), "model": item.get("model_name")}
        return Found(item["model_definition_id"], said({**inputs, "key": item.get("secret_id")}))


class GatewayEndpoint(_Named):
    """Inputs: name, models (ids with the share of the calls that each takes), fallbacks (ids in order), usageTracking."""

    name = "GatewayEndpoint"
    path, one, many, key = "endpoints", "endpoint", "endpoints", "endpoint_id"

    def body(self, inputs: Props, secret: str) -> dict[str, Any]:
        first = [
            {"model_definition_id": model["id"], "linkage_type": "PRIMARY", "weight": model["weight"]}
            for model in inputs["models"]
        ]
        after = [
            {"model_definition_id": id, "linkage_type": "FALLBACK", "weight": 1, "fallback_order": place}
            for place, id in enumerate(inputs.get("fallbacks", []))
        ]
        strategy = {"strategy": "SEQUENTIAL", "max_attempts": len(after)}
        return {
            "name": inputs["name"],
            "model_configs": [*first, *after],
            "usage_tracking": inputs["usageTracking"],
            **({"routing_strategy": "REQUEST_BASED_TRAFFIC_SPLIT"} if len(first) > 1 else {}),
            **({"fallback_config": strategy} if after else {}),
        }

    def found(self, item: Mapping[str, Any]) -> Found:
        mappings = item.get("model_mappings", [])
        first = [mapping for mapping in mappings if mapping.get("linkage_type", "PRIMARY") == "PRIMARY"]
        after = [mapping for mapping in mappings if mapping.get("linkage_type") == "FALLBACK"]
        inputs = {
            "name": item["name"],
            "models": sorted(
                ({"id": each["model_definition_id"], "weight": each.get("weight", 1)} for each in first),
                key=lambda each: str(each["id"]),
            ),
            "fallbacks": [
                each["model_definition_id"] for each in sorted(after, key=lambda each: each.get("fallback_order", 0))
            ],
            "usageTracking": bool(item.get("usage_tracking", False)),
        }
        return Found(item["endpoint_id"], said(inputs))


class BudgetPolicy(_Named):
    """Inputs: amountUsd, every, unit, action, scope, target (an endpoint's id or a user). MLflow gives a budget no name."""

    name = "BudgetPolicy"
    path, one, many, key = "budgets", "budget_policy", "budget_policies", "budget_policy_id"

    def same(self, there: Props, inputs: Props) -> bool:
        return said(there) == said(inputs)

    def body(self, inputs: Props, secret: str) -> dict[str, Any]:
        return {
            "budget_unit": "USD",
            "budget_amount": inputs["amountUsd"],
            "duration": {"unit": inputs["unit"], "value": inputs["every"]},
            "target_scope": inputs["scope"],
            "budget_action": inputs["action"],
            **({"target_value": inputs["target"]} if inputs.get("target") else {}),
        }

    def found(self, item: Mapping[str, Any]) -> Found:
        inputs = {
            "amountUsd": item["budget_amount"],
            "every": int(item["duration"]["value"]),
            "unit": item["duration"]["unit"],
            "action": item["budget_action"],
            "scope": item["target_scope"],
            "target": item.get("target_value"),
        }
        return Found(item["budget_policy_id"], said(inputs))
