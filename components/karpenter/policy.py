"""What Karpenter's controller may do in AWS: make, tag and end the nodes of this cluster, and nothing of anybody else's.

The set of actions and the tags that scope them are those that Karpenter's reference documentation names for v1
(read 2026-11-24); a test checks each action and condition key against an IAM linter.
"""

from __future__ import annotations

from typing import Any

from components.iam import allow


def controller_statements(
    *, cluster: str, region: str, account_id: str, node_role: str, queue: str
) -> list[dict[str, Any]]:
    """The controller's statements for one cluster: names as AWS knows them, `account_id` of twelve digits."""
    ec2 = f"arn:aws:ec2:{region}"
    owned = f"kubernetes.io/cluster/{cluster}"
    asks_for_own = {
        "StringEquals": {f"aws:RequestTag/{owned}": "owned", "aws:RequestTag/eks:eks-cluster-name": cluster},
        "StringLike": {"aws:RequestTag/karpenter.sh/nodepool": "*"},
    }
    touches_own = {
        "StringEquals": {f"aws:ResourceTag/{owned}": "owned"},
        "StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"},
    }
    made = [f"{ec2}:*:{kind}/*" for kind in ("fleet", "instance", "volume", "network-interface", "launch-template")]
    made.append(f"{ec2}:*:spot-instances-request/*")
    profiles = f"arn:aws:iam::{account_id}:instance-profile/*"
    own_profile = {
        f"aws:ResourceTag/{owned}": "owned",
        "aws:ResourceTag/topology.kubernetes.io/region": region,
    }
    new_profile = {
        f"aws:RequestTag/{owned}": "owned",
        "aws:RequestTag/eks:eks-cluster-name": cluster,
        "aws:RequestTag/topology.kubernetes.io/region": region,
    }
    has_class = {"aws:ResourceTag/karpenter.k8s.aws/ec2nodeclass": "*"}
    asks_class = {"aws:RequestTag/karpenter.k8s.aws/ec2nodeclass": "*"}
    return [
        allow(
            "LaunchFromSharedParts",
            ["ec2:RunInstances", "ec2:CreateFleet"],
            [
                f"{ec2}::image/*",
                f"{ec2}::snapshot/*",
                f"{ec2}:*:security-group/*",
                f"{ec2}:*:subnet/*",
                f"{ec2}:*:capacity-reservation/*",
                f"{ec2}:*:placement-group/*",
            ],
        ),
        allow(
            "LaunchFromOwnTemplates",
            ["ec2:RunInstances", "ec2:CreateFleet"],
            [f"{ec2}:*:launch-template/*"],
            touches_own,
        ),
        allow(
            "LaunchTaggedAsOwn",
            ["ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"],
            made,
            asks_for_own,
        ),
        allow(
            "TagAtLaunch",
            ["ec2:CreateTags"],
            made,
            {
                "StringEquals": {
                    **asks_for_own["StringEquals"],
                    "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"],
                },
                "StringLike": asks_for_own["StringLike"],
            },
        ),
        allow(
            "TagOwnInstances",
            ["ec2:CreateTags"],
            [f"{ec2}:*:instance/*"],
            {
                **touches_own,
                "StringEqualsIfExists": {"aws:RequestTag/eks:eks-cluster-name": cluster},
                "ForAllValues:StringEquals": {
                    "aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]
                },
            },
        ),
        allow(
            "EndOwn",
            ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
            [f"{ec2}:*:instance/*", f"{ec2}:*:launch-template/*"],
            touches_own,
        ),
        allow(
            "ReadEc2InRegion",
            [
                "ec2:DescribeCapacityReservations",
                "ec2:DescribeImages",
                "ec2:DescribeInstances",
                "ec2:DescribeInstanceStatus",
                "ec2:DescribeInstanceTypeOfferings",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplates",
                "ec2:DescribePlacementGroups",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSpotPriceHistory",
                "ec2:DescribeSubnets",
            ],
            ["*"],
            {"StringEquals": {"aws:RequestedRegion": region}},
        ),
        allow("ReadAmiParameters", ["ssm:GetParameter"], [f"arn:aws:ssm:{region}::parameter/aws/service/*"]),
        allow("ReadPrices", ["pricing:GetProducts"], ["*"]),
        allow(
            "ReadInterruptions",
            ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
            [f"arn:aws:sqs:{region}:{account_id}:{queue}"],
        ),
        allow(
            "HandNodesTheirRole",
            ["iam:PassRole"],
            [f"arn:aws:iam::{account_id}:role/{node_role}"],
            {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
        allow(
            "MakeOwnProfiles",
            ["iam:CreateInstanceProfile"],
            [profiles],
            {"StringEquals": new_profile, "StringLike": asks_class},
        ),
        allow(
            "TagOwnProfiles",
            ["iam:TagInstanceProfile"],
            [profiles],
            {"StringEquals": {**own_profile, **new_profile}, "StringLike": {**has_class, **asks_class}},
        ),
        allow(
            "ManageOwnProfiles",
            ["iam:AddRoleToInstanceProfile", "iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile"],
            [profiles],
            {"StringEquals": own_profile, "StringLike": has_class},
        ),
        allow("ReadProfiles", ["iam:GetInstanceProfile"], [profiles]),
        allow("ListProfiles", ["iam:ListInstanceProfiles"], ["*"]),
        allow(
            "FindTheCluster",
            ["eks:DescribeCluster"],
            [f"arn:aws:eks:{region}:{account_id}:cluster/{cluster}"],
        ),
    ]
