"""Every type of resource that a stack may have: priced, free for a reason, the platform's own, or the engine's; no other passes.

The platform's components and the registry's items stand here by name, not by prefix: a new one is listed when it is added.
"""

from __future__ import annotations

from pricing.items.tokens import COMPONENT

REGISTRY = "modelyard:registry:"
"""What the token of every item of the model registry begins with."""
PROVIDER = "pulumi:providers:"

COMPONENTS = frozenset(
    f"{COMPONENT}{name}"
    for name in (
        "Addons",
        "Budget",
        "Cluster",
        "DevicePlugin",
        "EfaPlugin",
        "ExternalSecrets",
        "Gateway",
        "GeneralPool",
        "GpuPool",
        "Karpenter",
        "Monitoring",
        "Namespaces",
        "Network",
        "Platform",
        "Publication",
        "Registry",
        "RegistryArtifacts",
        "RegistryContent",
        "RegistryDatabase",
        "Release",
        "Rollouts",
        "Serving",
        "Storage",
        "SystemNodes",
    )
)
"""Every component of the platform."""
ITEMS = frozenset(
    f"{REGISTRY}{name}"
    for name in (
        "BudgetPolicy",
        "Experiment",
        "GatewayEndpoint",
        "GatewayKey",
        "GatewayModel",
        "ModelAlias",
        "Permission",
        "Prompt",
        "PromptAlias",
        "RegisteredModel",
        "User",
        "Webhook",
    )
)
"""Every kind of item in the model registry; they live in a server that is counted where it is made."""
PROVIDERS = frozenset(f"{PROVIDER}{package}" for package in ("aws", "kubernetes", "modelyard", "pulumi"))
"""The providers of the packages whose types are listed; `pulumi` is inside the engine and makes nothing."""
ENGINE = frozenset({"pulumi:pulumi:Stack", "pulumi:pulumi:StackReference"})
"""What the engine has itself: the stack, and a reader of another stack's outputs, which makes nothing."""


def why_not_in_a_cloud(token: str) -> str:
    """Why a type of the platform or of the engine costs nothing by itself; empty for one that is not listed."""
    if token in COMPONENTS or token in PROVIDERS or token in ENGINE:
        return "no resource of its own in any cloud"
    return "an item in a registry's server, which is counted where it is made" if token in ITEMS else ""
