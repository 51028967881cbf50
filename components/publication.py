"""The outputs contract where app teams can read it without the state: an SSM parameter and a ConfigMap."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

NAMESPACE, CONFIG_MAP, KEY = "kube-public", "modelyard-platform", "outputs.json"
"""Any authenticated account of the cluster may read `kube-public`; nothing in the contract is a secret."""


@dataclass(frozen=True, kw_only=True)
class PublicationArgs:
    """The document that the stack exports, and where to put it."""

    document: pulumi.Output[dict[str, Any]]
    name: str
    labels: Mapping[str, str]
    provider: k8s.Provider


@pulumi.type_token("modelyard:index:Publication")
class Publication(pulumi.ComponentResource):
    """The contract as `/modelyard/<name>/outputs` in SSM and as a ConfigMap in `kube-public`."""

    def __init__(self, name: str, args: PublicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Publication", name, {"name": args.name}, opts)
        text = args.document.apply(lambda known: json.dumps(known, sort_keys=True))
        aws.ssm.Parameter(
            "outputs",
            name=f"/modelyard/{args.name}/outputs",
            type="String",
            tier="Intelligent-Tiering",
            description=f"What the platform {args.name} promises to app teams",
            insecure_value=text,
            opts=pulumi.ResourceOptions(parent=self),
        )
        k8s.core.v1.ConfigMap(
            "outputs",
            metadata={"name": CONFIG_MAP, "namespace": NAMESPACE, "labels": args.labels},
            data={KEY: text},
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
        )
        self.register_outputs({})
