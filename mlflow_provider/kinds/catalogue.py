"""Every kind of item that a registry holds, by the type token under which a program declares it."""

from __future__ import annotations

from collections.abc import Mapping

from mlflow_provider.kinds.access import Permission, User
from mlflow_provider.kinds.base import Kind
from mlflow_provider.kinds.experiments import Experiment
from mlflow_provider.kinds.gateway import BudgetPolicy, GatewayEndpoint, GatewayKey, GatewayModel
from mlflow_provider.kinds.models import Alias, RegisteredModel
from mlflow_provider.kinds.prompts import Prompt
from mlflow_provider.kinds.webhooks import Webhook

PACKAGE = "modelyard"
"""The provider's name. It is the project's too, so that it is given the stack's own configuration and no other."""

KINDS: Mapping[str, Kind] = {
    f"{PACKAGE}:registry:{kind.name}": kind
    for kind in (
        Experiment(),
        RegisteredModel(),
        Alias("ModelAlias", "model"),
        Prompt(),
        Alias("PromptAlias", "prompt"),
        Webhook(),
        User(),
        Permission(),
        GatewayKey(),
        GatewayModel(),
        GatewayEndpoint(),
        BudgetPolicy(),
    )
}
