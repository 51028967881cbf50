"""What a stack's registry holds and how its server is reached: the program takes it from here, and the command line does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components.registry import pods as registry_pods
from components.registry.component import Keeping, RegistrySpec
from components.registry.content.component import RegistryContentArgs
from infra.stack.stack import Stack


def content_args(
    stack: Stack, spec: RegistrySpec, way: Mapping[str, pulumi.Input[str]], needs: Sequence[pulumi.Resource] = ()
) -> RegistryContentArgs:
    """The content's arguments; `way` says which cluster is forwarded to, by its kubeconfig or by its context."""
    where = {"namespace": registry_pods.NAMESPACE, "service": registry_pods.NAME, "port": registry_pods.PORT}
    content, keeper = spec.content(), dict[str, str]()
    if spec.keeping is Keeping.AWS:
        kept = f"awssm:{stack.settings.full_name}/registry#adminPassword"
        content = content.model_copy(update={"admin_password": spec.admin_password or kept})
    else:
        keeper = {"secret": registry_pods.KEYS, "secretKey": "adminPassword"}
    return RegistryContentArgs(
        spec=content,
        contents=stack.prompts,
        port_forward={**where, **keeper, **way},
        region=stack.region or None,
        needs=needs,
    )


def context(stack: Stack) -> dict[str, str]:
    """The way to a cluster outside AWS: the context of the deployer's own kubeconfig that the stack names."""
    spec = stack.settings.kubernetes
    return {"context": spec.context} if spec else {}
