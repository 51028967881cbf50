"""The system nodes: a small on-demand group of fixed size, for what must run before Karpenter can make any other node."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pydantic import Field, field_validator

from components.iam import trust
from components.kinds.aws import InstanceType
from components.spec import Invalid, Spec

NODE_POLICIES = (
    "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
    "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
    "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
)
"""What a node's own role may do; the network add-on has a role of its own, so the CNI policy is not among them."""


class SystemNodesSpec(Spec):
    """How many system nodes there are and of which types; all types are of one architecture."""

    instance_types: list[InstanceType] = Field(default_factory=lambda: ["m7g.large"], min_length=1)
    """EC2 types, on demand; without GPUs, all arm64 or all amd64."""
    size: int = Field(default=2, ge=2, le=9)
    """Number of nodes: Karpenter alone wants two."""
    disk_gb: int = Field(default=50, ge=20, le=1000)
    """Root volume of each node (GiB, gp3, encrypted)."""

    @field_validator("instance_types")
    @classmethod
    def _one_architecture(cls, value: list[str]) -> list[str]:
        if gpus := [each for each in value if each.partition(".")[0][:1] in {"g", "p"}]:
            raise Invalid(
                "system nodes have no GPUs", found=", ".join(gpus), fix="put GPU types under gpuPools instead"
            )
        if len({architecture(each) for each in value}) != 1:
            raise Invalid(
                "the types are of two architectures",
                found=", ".join(f"{each} ({architecture(each)})" for each in value),
                allowed="all arm64 or all amd64",
            )
        return value


def architecture(instance_type: str) -> str:
    """`arm64` or `amd64`, by AWS's naming: a `g` after the family's generation digit means Graviton."""
    family = instance_type.partition(".")[0]
    after = family.lstrip("abcdefghijklmnopqrstuvwxyz").lstrip("0123456789")
    return "arm64" if "g" in after else "amd64"


@dataclass(frozen=True, kw_only=True)
class SystemNodesArgs:
    """What the group is made from: its spec, the cluster, and the subnets that nodes live in."""

    spec: SystemNodesSpec
    name: str
    version: str
    cluster_name: pulumi.Input[str]
    subnet_ids: list[pulumi.Output[str]]
    tags: dict[str, str]
    needs: list[pulumi.Resource]


@pulumi.type_token("modelyard:index:SystemNodes")
class SystemNodes(pulumi.ComponentResource):
    """A managed node group of fixed size, tainted for critical add-ons, with IMDSv2 and encrypted disks."""

    group: aws.eks.NodeGroup

    def __init__(self, name: str, args: SystemNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:SystemNodes", name, {"spec": args.spec.to_inputs()}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            "system-nodes",
            name=f"{args.name}-system-nodes",
            assume_role_policy=trust("ec2.amazonaws.com"),
            opts=child,
        )
        attached = [
            aws.iam.RolePolicyAttachment(
                f"system-nodes-{policy.rpartition('/')[2]}", role=role.name, policy_arn=policy, opts=child
            )
            for policy in NODE_POLICIES
        ]
        template = aws.ec2.LaunchTemplate(
            "system-nodes",
            name=f"{args.name}-system-nodes",
            update_default_version=True,
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            block_device_mappings=[
                {
                    "device_name": "/dev/xvda",
                    "ebs": {
                        "volume_size": args.spec.disk_gb,
                        "volume_type": "gp3",
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
            ],
            tag_specifications=[
                {"resource_type": kind, "tags": {**args.tags, "Name": f"{args.name}-system"}}
                for kind in ("instance", "volume")
            ],
            opts=child,
        )
        arm = architecture(args.spec.instance_types[0]) == "arm64"
        self.group = aws.eks.NodeGroup(
            "system",
            cluster_name=args.cluster_name,
            node_group_name=f"{args.name}-system",
            node_role_arn=role.arn,
            version=args.version,
            ami_type="AL2023_ARM_64_STANDARD" if arm else "AL2023_x86_64_STANDARD",
            capacity_type="ON_DEMAND",
            instance_types=args.spec.instance_types,
            subnet_ids=args.subnet_ids,
            scaling_config={"min_size": args.spec.size, "desired_size": args.spec.size, "max_size": args.spec.size},
            update_config={"max_unavailable": 1},
            node_repair_config={"enabled": True},
            # By name, which a rule on one resource can follow before the template has an id.
            launch_template={"name": template.name, "version": template.latest_version.apply(str)},
            labels={"modelyard.dev/role": "system"},
            taints=[{"key": "CriticalAddonsOnly", "value": "true", "effect": "NO_SCHEDULE"}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*attached, *args.needs]),
        )
        self.register_outputs({})
