"""Karpenter: the autoscaler's releases, its least-privilege role, its nodes' role, and the queue that warns of interruptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.cluster.addons import CRITICAL_ONLY
from components.iam import document, trust, trust_pods
from components.karpenter.policy import controller_statements
from components.nodes.system_nodes import NODE_POLICIES
from components.resources import small
from components.spec import Spec
from core.versions import CHARTS, Chart

NAMESPACE = "kube-system"
"""Where Karpenter runs; here API priority and fairness ranks its calls as the system's own."""

SERVICE_ACCOUNT = "karpenter"

INTERRUPTIONS: Mapping[str, tuple[str, str]] = {
    "health": ("aws.health", "AWS Health Event"),
    "spot": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "state-change": ("aws.ec2", "EC2 Instance State-change Notification"),
    "reservation": ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
}
"""EventBridge rule -> (source, detail-type) of the five events that Karpenter reads from its queue."""


class KarpenterSpec(Spec):
    """How the autoscaler runs."""

    replicas: int = 2
    """Controllers, one leading; each on a system node of its own."""


@dataclass(frozen=True, kw_only=True)
class KarpenterArgs:
    """What Karpenter is made from: the cluster's plain name for its policy, and as an output for what must wait for it."""

    spec: KarpenterSpec
    name: str
    region: str
    account_id: str
    cluster: str
    cluster_name: pulumi.Input[str]
    provider: k8s.Provider
    needs: list[pulumi.Resource]


@pulumi.type_token("modelyard:index:Karpenter")
class Karpenter(pulumi.ComponentResource):
    """The autoscaler, ready to serve NodePools: its releases wait for its role, its queue and its nodes' access."""

    release: k8s.helm.v3.Release
    node_role_name: pulumi.Output[str]

    def __init__(self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Karpenter", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        queue, told = self._queue()
        node_role, joins = self._node_role()
        allowed = self._controller_role(node_role, queue)
        crds = self._release("karpenter-crd", CHARTS["karpenter-crd"], {}, args.needs)
        self.release = self._release(
            "karpenter", CHARTS["karpenter"], self._values(queue), [crds, *allowed, *joins, *told]
        )
        self.node_role_name = node_role.name
        self.register_outputs({})

    def _values(self, queue: aws.sqs.Queue) -> dict[str, Any]:
        return {
            "replicas": self._args.spec.replicas,
            "priorityClassName": "system-cluster-critical",
            "serviceAccount": {"name": SERVICE_ACCOUNT},
            "settings": {
                "clusterName": self._args.cluster_name,
                "interruptionQueue": queue.name,
                "featureGates": {"nodeRepair": True},
            },
            "controller": {
                "image": {"digest": CHARTS["karpenter"].image_digest},
                "resources": small("500m", "1Gi"),
            },
            "tolerations": [CRITICAL_ONLY],
            "nodeSelector": {"modelyard.dev/role": "system"},
        }

    def _release(
        self, name: str, chart: Chart, values: dict[str, Any], needs: list[pulumi.Resource]
    ) -> k8s.helm.v3.Release:
        return k8s.helm.v3.Release(
            name,
            name=name,
            namespace=NAMESPACE,
            chart=chart.reference,
            version=chart.version,
            values=values,
            skip_crds=name == "karpenter",
            timeout=600,
            opts=pulumi.ResourceOptions(parent=self, provider=self._args.provider, depends_on=needs),
        )

    def _queue(self) -> tuple[aws.sqs.Queue, list[pulumi.Resource]]:
        child = pulumi.ResourceOptions(parent=self)
        queue = aws.sqs.Queue(
            "interruptions",
            name=f"{self._args.name}-interruptions",
            message_retention_seconds=300,
            sqs_managed_sse_enabled=True,
            opts=child,
        )
        told: list[pulumi.Resource] = [
            aws.sqs.QueuePolicy("interruptions", queue_url=queue.url, policy=queue.arn.apply(_queue_policy), opts=child)
        ]
        for role, (source, detail) in INTERRUPTIONS.items():
            rule = aws.cloudwatch.EventRule(
                f"interruption-{role}",
                name=f"{self._args.name}-{role}",
                description=f"{detail}, for Karpenter",
                event_pattern=json.dumps({"detail-type": [detail], "source": [source]}, sort_keys=True),
                opts=child,
            )
            told.append(aws.cloudwatch.EventTarget(f"interruption-{role}", rule=rule.name, arn=queue.arn, opts=child))
        return queue, told

    def _node_role(self) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            "nodes",
            name=f"{self._args.name}-nodes",
            assume_role_policy=trust("ec2.amazonaws.com"),
            opts=child,
        )
        joins: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                f"nodes-{policy.rpartition('/')[2]}", role=role.name, policy_arn=policy, opts=child
            )
            for policy in NODE_POLICIES
        ]
        joins.append(
            aws.eks.AccessEntry(
                "nodes",
                cluster_name=self._args.cluster_name,
                principal_arn=role.arn,
                type="EC2_LINUX",
                opts=child,
            )
        )
        return role, joins

    def _controller_role(self, node_role: aws.iam.Role, queue: aws.sqs.Queue) -> list[pulumi.Resource]:
        args, child = self._args, pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role("karpenter", name=karpenter_role(args.name), assume_role_policy=trust_pods(), opts=child)
        # The name is fixed above: composing the ARNs from it keeps the policy readable in a preview.
        statements = controller_statements(
            cluster=args.cluster,
            region=args.region,
            account_id=args.account_id,
            node_role=f"{args.name}-nodes",
            queue=f"{args.name}-interruptions",
        )
        policy = aws.iam.RolePolicy("karpenter", role=role.name, policy=document(statements), opts=child)
        association = aws.eks.PodIdentityAssociation(
            "karpenter",
            cluster_name=args.cluster_name,
            namespace=NAMESPACE,
            service_account=SERVICE_ACCOUNT,
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        return [policy, association, node_role, queue]


def karpenter_role(name: str) -> str:
    """The name of the controller's role for the platform `name`."""
    return f"{name}-karpenter"


def _queue_policy(arn: str) -> str:
    return document(
        [
            {
                "Sid": "EventsMaySend",
                "Effect": "Allow",
                "Principal": {"Service": ["events.amazonaws.com", "sqs.amazonaws.com"]},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            },
            {
                "Sid": "NothingInClear",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ]
    )
