"""The outputs contract where app teams can read it without the state: a ConfigMap, and an SSM parameter on AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.spec import Spec
from core.problem import Problem

NAMESPACE, CONFIG_MAP, KEY = "kube-public", "modelyard-platform", "outputs.json"
"""Any authenticated account of the cluster may read `kube-public`; nothing in the contract is a secret."""


class PublicationSpec(Spec):
    """Where app teams read what the platform promises, beside the stack's outputs and the ConfigMap."""

    parameter: bool = True
    """Whether it is an SSM parameter too, for readers outside the cluster."""

    def needs_aws(self) -> Iterator[Problem]:
        """A parameter is in AWS."""
        if self.parameter:
            yield Problem(
                summary="an SSM parameter is in AWS",
                where="parameter",
                found="true",
                fix="publication.parameter: false",
            )


@dataclass(frozen=True, kw_only=True)
class PublicationArgs:
    """The document that the stack exports, and where to put it."""

    spec: PublicationSpec
    document: pulumi.Output[dict[str, Any]]
    name: str
    labels: Mapping[str, str]
    provider: k8s.Provider


@pulumi.type_token("modelyard:index:Publication")
class Publication(pulumi.ComponentResource):
    """The contract as a ConfigMap in `kube-public`, and as `/modelyard/<name>/outputs` in SSM when it is asked for."""

    def __init__(self, name: str, args: PublicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"name": args.name, "spec": args.spec.to_inputs()}
        super().__init__("modelyard:index:Publication", name, props, opts)
        text = args.document.apply(lambda known: json.dumps(known, sort_keys=True))
        if args.spec.parameter:
            self._parameter(args.name, text)
        k8s.core.v1.ConfigMap(
            "outputs",
            metadata={"name": CONFIG_MAP, "namespace": NAMESPACE, "labels": args.labels},
            data={KEY: text},
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
        )
        self.register_outputs({})

    def _parameter(self, name: str, text: pulumi.Output[str]) -> None:
        aws.ssm.Parameter(
            "outputs",
            name=f"/modelyard/{name}/outputs",
            type="String",
            tier="Intelligent-Tiering",
            description=f"What the platform {name} promises to app teams",
            insecure_value=text,
            opts=pulumi.ResourceOptions(parent=self),
        )
