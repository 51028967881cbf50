"""The EC2NodeClass: how Karpenter makes a node of ours. One pure function, for GPU pools and the general pool alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from core.versions import AMI_ALIASES
from pricing.capacity.announced import AmiFamily

GROUP, VERSION = "karpenter.k8s.aws", "v1"


def node_class(
    *,
    family: AmiFamily,
    role: pulumi.Input[str],
    subnet_ids: Sequence[pulumi.Input[str]],
    security_group_id: pulumi.Input[str],
    disk_gb: int,
    tags: Mapping[str, str],
    local_disks: bool = False,
    reservation: str | None = None,
    user_data: str | None = None,
    efa_group_id: pulumi.Input[str] | None = None,
    placement_group: str | None = None,
    max_pods: int | None = None,
) -> dict[str, Any]:
    """The `spec` of an EC2NodeClass: pinned image, IMDSv2 with one hop, encrypted gp3 disks of `disk_gb` GiB.

    `local_disks` joins the type's NVMe disks into one RAID 0 for the kubelet and images. Bottlerocket keeps images on a
    second volume, so there the size is that one's and the system's volume stays small. EFA wants a security group that
    lets its members talk to each other without limits, and a cluster placement group to be worth its price. `max_pods` is
    how many pods each node may have, whatever its type.
    """
    system = "/dev/xvda"
    disks = [_disk(system, disk_gb)] if family is AmiFamily.AL2023 else [_disk(system, 10), _disk("/dev/xvdb", disk_gb)]
    spec: dict[str, Any] = {
        "amiFamily": family.value,
        "amiSelectorTerms": [{"alias": AMI_ALIASES[family.value]}],
        "role": role,
        "subnetSelectorTerms": [{"id": each} for each in subnet_ids],
        "securityGroupSelectorTerms": [{"id": each} for each in (security_group_id, efa_group_id) if each is not None],
        "blockDeviceMappings": disks,
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
        "tags": dict(tags),
    }
    if local_disks:
        spec["instanceStorePolicy"] = "RAID0"
    if reservation:
        spec["capacityReservationSelectorTerms"] = [{"id": reservation}]
    if placement_group:
        spec["placementGroupSelector"] = {"name": placement_group}
    if max_pods:
        spec["kubelet"] = {"maxPods": max_pods}
    if user_data:
        spec["userData"] = user_data
    return spec


def _disk(device: str, gib: int) -> dict[str, Any]:
    return {
        "deviceName": device,
        "ebs": {"volumeSize": f"{gib}Gi", "volumeType": "gp3", "encrypted": True, "deleteOnTermination": True},
    }
