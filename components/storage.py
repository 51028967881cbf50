"""The storage class of the platform: encrypted gp3 volumes, made in the zone where the pod runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.spec import Spec

STORAGE_CLASS = "gp3"


class StorageSpec(Spec):
    """How volumes are made."""

    retain: bool = False
    """Whether a volume outlives its claim."""


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """What the class is made from; `labels` go on it."""

    spec: StorageSpec
    provider: k8s.Provider
    labels: Mapping[str, str]


@pulumi.type_token("modelyard:index:Storage")
class Storage(pulumi.ComponentResource):
    """The default storage class, which only the EBS CSI driver serves."""

    storage_class: k8s.storage.v1.StorageClass

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Storage", name, {"spec": args.spec.to_inputs()}, opts)
        self.storage_class = k8s.storage.v1.StorageClass(
            STORAGE_CLASS,
            metadata={
                "name": STORAGE_CLASS,
                "labels": args.labels,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            provisioner="ebs.csi.aws.com",
            parameters={"type": "gp3", "encrypted": "true"},
            reclaim_policy="Retain" if args.spec.retain else "Delete",
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
        )
        self.register_outputs({})
