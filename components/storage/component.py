"""The storage class of the platform: encrypted gp3 volumes, made in the zone where the pod runs; or one that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pydantic import model_validator

from components.kinds.kubernetes import StorageClass
from components.spec import Invalid, Spec
from core.problem import Problem

STORAGE_CLASS = "gp3"


class StorageSpec(Spec):
    """How volumes are made."""

    retain: bool = False
    """Whether a volume outlives its claim."""
    existing: StorageClass | None = None
    """Use this storage class of the cluster instead of making one."""

    @model_validator(mode="after")
    def _agrees(self) -> StorageSpec:
        if self.existing is not None and self.retain:
            raise Invalid(
                "a class that is there already decides for itself what becomes of a volume",
                where="retain",
                found="true",
                allowed="false with storage.existing",
            )
        return self

    @property
    def class_name(self) -> str:
        """The class that a claim names."""
        return self.existing or STORAGE_CLASS

    def needs_aws(self) -> Iterator[Problem]:
        """The platform's own class is one of EBS volumes."""
        if self.existing is None:
            yield Problem(
                summary="the platform's own storage class creates EBS volumes (pasted in docs/local.md)",
                where="existing",
                found="nothing",
                allowed="a storage class of the cluster",
                fix="storage: { existing: standard } on kind, local-path on k3d; `kubectl get storageclass` lists them",
            )


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """What the class is made from; `labels` go on it, `tags` on each volume in AWS that it makes."""

    spec: StorageSpec
    tags: Mapping[str, str]
    provider: k8s.Provider
    labels: Mapping[str, str]


@pulumi.type_token("modelyard:index:Storage")
class Storage(pulumi.ComponentResource):
    """The default storage class, which only the EBS CSI driver serves; nothing when one of the cluster's is taken."""

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Storage", name, {"spec": args.spec.to_inputs()}, opts)
        if args.spec.existing is None:
            self._make(args)
        self.register_outputs({})

    def _make(self, args: StorageArgs) -> None:
        k8s.storage.v1.StorageClass(
            STORAGE_CLASS,
            metadata={
                "name": STORAGE_CLASS,
                "labels": args.labels,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            provisioner="ebs.csi.aws.com",
            parameters={"type": "gp3", "encrypted": "true", **volume_tags(args.tags)},
            reclaim_policy="Retain" if args.spec.retain else "Delete",
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
        )


def volume_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The class's parameters with which the EBS CSI driver tags a volume (its documentation, "Tagging", read 2026-11-30).

    Neither the provider's default tags nor the add-on's own reach a volume that the driver makes.
    """
    return {f"tagSpecification_{place}": f"{key}={tags[key]}" for place, key in enumerate(sorted(tags), start=1)}
