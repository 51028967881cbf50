"""The same as `variations`, for what keeps something (databases, volumes, keys, secrets), and for Kubernetes and Karpenter."""

from __future__ import annotations

from typing import Any

from pricing.items.tokens import SCALER
from pricing.meters.network.balancers import BALANCER
from pricing.meters.storage.workloads import POD_SPECS
from tests.pricing.bills import DEFAULT, STORAGE_CLASS, claim, storage_class
from tests.pricing.variations import LOGS, Case, Resources

LISTS = ("replicas",)
DATABASE, VOLUME, FLOW = "aws:rds/instance:Instance", "aws:ebs/volume:Volume", "aws:ec2/flowLog:FlowLog"
KEY, SECRET, PARAMETER = "aws:kms/key:Key", "aws:secretsmanager/secret:Secret", "aws:ssm/parameter:Parameter"
CLAIM, SERVICE = "kubernetes:core/v1:PersistentVolumeClaim", "kubernetes:core/v1:Service"
DEPLOYMENT, STATEFUL = "kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet"
REPLICAS, RELEASE = "kubernetes:apps/v1:ReplicaSet", "kubernetes:helm.sh/v3:Release"
POOL, CLASS = "kubernetes:karpenter.sh/v1:NodePool", "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
FAST = storage_class("fast", iops="16000")


def database(**changed: Any) -> tuple[str, dict[str, Any]]:
    return DATABASE, {
        "engine": "postgres",
        "engineVersion": "17",
        "instanceClass": "db.m7g.large",
        "allocatedStorage": 500,
        "storageType": "gp3",
        **changed,
    }


def workload(token: str, *, volumes: Any = None, **spec: Any) -> tuple[str, dict[str, Any]]:
    """A workload of one volume that its node brings."""
    pod: dict[str, Any] = {"containers": [], "volumes": [{"name": "x"}] if volumes is None else volumes}
    for step in reversed(POD_SPECS[token][1:]):
        pod = {step: pod}
    return token, {"metadata": {"name": "app"}, "spec": {**pod, **spec}}


def balanced(**asked: str) -> dict[str, Any]:
    said = {"type": "nlb", "internal": "true", **asked}
    return {"annotations": {f"{BALANCER}{key}": value for key, value in said.items()}}


def pool() -> tuple[str, dict[str, Any]]:
    requirements = [
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g6.xlarge"]},
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
    ]
    spec = {
        "template": {"spec": {"nodeClassRef": {"name": "chat"}, "requirements": requirements}},
        "disruption": {"budgets": [{"nodes": "1"}]},
        "limits": {"nvidia.com/gpu": "8", "pods": "116"},
    }
    return POOL, {"metadata": {"name": "chat"}, "spec": spec}


def node_class(device: str = "/dev/xvda") -> tuple[str, dict[str, Any]]:
    disk = {"deviceName": device, "ebs": {"volumeSize": "200Gi", "volumeType": "gp3"}}
    spec = {"amiFamily": "AL2023", "amiSelectorTerms": [{"id": "ami-1"}], "blockDeviceMappings": [disk]}
    return CLASS, {"metadata": {"name": "chat"}, "spec": spec}


EPHEMERAL = {"volumeClaimTemplate": claim()}
PASSING = [{"name": "x", "ephemeral": EPHEMERAL}]
PLAIN: Resources = (database(),)
OLD: Resources = (database(engineVersion="12.22"),)
LOGGED: Resources = (
    (LOGS, {"name": "/aws/rds/instance/x/postgresql", "retentionInDays": 30}),
    database(identifier="x", enabledCloudwatchLogsExports=["postgresql"]),
)
TIERED: Resources = ((PARAMETER, {"tier": "Intelligent-Tiering"}),)
SHORT: Resources = ((PARAMETER, {"tier": "Intelligent-Tiering", "value": "x"}),)
FLOWING: Resources = (
    (LOGS, {"name": "flow", "retentionInDays": 30}),
    (FLOW, {"logDestination": "arn:aws:logs:us-east-1:123456789012:log-group:flow"}),
)
CLAIMED: Resources = (storage_class(), FAST, (CLAIM, claim()))
OF_ONE_CLASS: Resources = (storage_class(), (CLAIM, claim()))
BALANCED: Resources = ((SERVICE, {"metadata": balanced(), "spec": {"type": "LoadBalancer"}}),)
SCALED: Resources = (
    storage_class(),
    (SCALER, {"spec": {"maxReplicas": 10, "scaleTargetRef": {"kind": "Deployment", "name": "app"}}}),
    workload(DEPLOYMENT, volumes=PASSING),
)
ROLLED: Resources = (storage_class(), workload(DEPLOYMENT, volumes=PASSING, replicas=8))
RELEASED: Resources = ((RELEASE, {"chart": "keda", "version": "2.20.2", "values": {}}),)
POOLED: Resources = (node_class(), pool())

_DISK = "spec.blockDeviceMappings.ebs"
CASES: list[Case] = [
    (DATABASE, PLAIN, "instanceClass", "db.m7g.xlarge"),
    (DATABASE, PLAIN, "allocatedStorage", 600),
    (DATABASE, PLAIN, "maxAllocatedStorage", 900),
    (DATABASE, PLAIN, "backupRetentionPeriod", 7),
    (DATABASE, PLAIN, "databaseInsightsMode", "advanced"),
    (DATABASE, PLAIN, "enabledCloudwatchLogsExports", ["upgrade"]),
    (DATABASE, PLAIN, "engine", "mysql"),
    (DATABASE, OLD, "engineLifecycleSupport", "open-source-rds-extended-support-disabled"),
    (DATABASE, PLAIN, "engineVersion", "12.22"),
    (DATABASE, LOGGED, "identifier", "y"),
    (DATABASE, PLAIN, "iops", 14000),
    (DATABASE, PLAIN, "licenseModel", "bring-your-own-license"),
    (DATABASE, PLAIN, "manageMasterUserPassword", True),
    (DATABASE, PLAIN, "multiAz", True),
    (DATABASE, PLAIN, "performanceInsightsRetentionPeriod", 31),
    (DATABASE, PLAIN, "publiclyAccessible", True),
    (DATABASE, PLAIN, "storageThroughput", 600),
    (DATABASE, PLAIN, "storageType", "io2"),
    (KEY, ((KEY, {}),), "customerMasterKeySpec", "ECC_NIST_P256"),
    (KEY, ((KEY, {}),), "enableKeyRotation", True),
    (SECRET, ((SECRET, {}),), "replicas.region", "eu-west-1"),
    (PARAMETER, SHORT, "tier", "Advanced"),
    (PARAMETER, SHORT, "value", "x" * 5000),
    (PARAMETER, TIERED, "insecureValue", "x" * 5000),
    (PARAMETER, TIERED, "valueWo", "x" * 5000),
    (VOLUME, ((VOLUME, {"size": 100, "type": "gp3"}),), "size", 200),
    (VOLUME, ((VOLUME, {"size": 100, "type": "gp3"}),), "type", "gp2"),
    (VOLUME, ((VOLUME, {"size": 100, "type": "gp3"}),), "iops", 16000),
    (VOLUME, ((VOLUME, {"size": 100, "type": "gp3"}),), "throughput", 1000),
    (FLOW, FLOWING, "logDestinationType", "s3"),
    (FLOW, FLOWING, "logDestination", "arn:aws:logs:us-east-1:123456789012:log-group:theirs"),
    (CLAIM, CLAIMED, "metadata", {"annotations": {"ebs.csi.aws.com/iops": "16000"}}),
    (CLAIM, CLAIMED, "spec.resources.requests", {"storage": "200Gi"}),
    (CLAIM, CLAIMED, "spec.storageClassName", "fast"),
    (STORAGE_CLASS, OF_ONE_CLASS, "metadata", {"name": "another", "annotations": {DEFAULT: "true"}}),
    (STORAGE_CLASS, OF_ONE_CLASS, "parameters", {"type": "gp3", "iops": "16000"}),
    (STORAGE_CLASS, OF_ONE_CLASS, "provisioner", "fsx.csi.aws.com"),
    (SERVICE, BALANCED, "metadata", balanced(scheme="internet-facing")),
    (SERVICE, BALANCED, "spec.type", "ClusterIP"),
    (SERVICE, BALANCED, "spec.loadBalancerClass", "service.k8s.aws/nlb"),
    (SCALER, SCALED, "spec.maxReplicas", 20),
    (SCALER, SCALED, "spec.scaleTargetRef", {"kind": "Deployment", "name": "another"}),
    (DEPLOYMENT, ROLLED, "spec.replicas", 9),
    (DEPLOYMENT, ROLLED, "spec.strategy.type", "Recreate"),
    (DEPLOYMENT, ROLLED, "spec.strategy.rollingUpdate.maxSurge", 8),
    (STATEFUL, (storage_class(), workload(STATEFUL, volumeClaimTemplates=[claim()])), "spec.replicas", 3),
    (STATEFUL, (storage_class(), workload(STATEFUL)), "spec.volumeClaimTemplates", [claim()]),
    (REPLICAS, (storage_class(), workload(REPLICAS, volumes=PASSING)), "spec.replicas", 3),
    *(
        (token, (storage_class(), workload(token)), ".".join((*path, "volumes", "ephemeral")), EPHEMERAL)
        for token, path in POD_SPECS.items()
    ),
    (RELEASE, RELEASED, "chart", "loki"),
    (RELEASE, RELEASED, "values", {"service": {"type": "LoadBalancer"}}),
    (RELEASE, RELEASED, "version", "0.0.1"),
    (POOL, POOLED, "spec.disruption.budgets", [{"nodes": "2"}]),
    (POOL, POOLED, "spec.limits", {"nvidia.com/gpu": "16"}),
    (POOL, POOLED, "spec.template.spec.nodeClassRef", {"name": "another"}),
    (
        POOL,
        POOLED,
        "spec.template.spec.requirements",
        [{"key": "karpenter.k8s.aws/instance-tenancy", "operator": "In", "values": ["dedicated"]}],
    ),
    (CLASS, POOLED, "spec.amiFamily", "Windows2022"),
    (CLASS, POOLED, "spec.amiSelectorTerms", [{"alias": "windows2022@latest"}]),
    (CLASS, POOLED, "spec.associatePublicIPAddress", True),
    (CLASS, POOLED, f"{_DISK}.iops", 16000),
    (CLASS, POOLED, f"{_DISK}.throughput", 1000),
    (CLASS, POOLED, f"{_DISK}.volumeSize", "400Gi"),
    (CLASS, POOLED, f"{_DISK}.volumeType", "gp2"),
    (CLASS, POOLED, "spec.kubelet.maxPods", 29),
    (CLASS, POOLED, "spec.kubelet.podsPerCore", 2),
    (CLASS, POOLED, "spec.blockDeviceMappings.deviceName", "/dev/xvdz"),
    (CLASS, (node_class(device="/dev/xvdz"), pool()), "spec.blockDeviceMappings.rootVolume", True),
]
