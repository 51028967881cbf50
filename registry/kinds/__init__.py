"""Every kind of item that a registry holds, by the type token under which a program declares it."""

from __future__ import annotations

from collections.abc import Mapping

from registry.kinds.access import Permission, User
from registry.kinds.base import Kind
from registry.kinds.experiments import Experiment
from registry.kinds.gateway import BudgetPolicy, GatewayEndpoint, GatewayKey, GatewayModel
from registry.kinds.models import Alias, RegisteredModel
from registry.kinds.prompts import Prompt
from registry.kinds.webhooks import Webhook

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
