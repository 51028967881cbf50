"""Roles, images, disks and secrets of the cluster, written so that their meaning is not on their face."""

from __future__ import annotations

import base64
import gzip
from typing import Any

from pricing.items.graph import UNKNOWN, Node
from tests.attacks.attack import Attack, Harmless
from tests.attacks.kinds.meaning.judged import attack, aws, harmless, kube
from tests.attacks.rules import node

RBAC = "rbac.authorization.k8s.io/v1"
ROLES, BOUND = "roles-bounded", "no-cluster-admin-binding"
PINNED, CLEAR, DISKS = "images-pinned", "no-keys-in-clear", "disks-encrypted"
KEY = "AKIA" + "ABCDEFGHIJKLMNOP"
SCRIPT = f"export AWS_ACCESS_KEY_ID={KEY}\n"
BUCKET = "s3/bucket:Bucket"
PARTS = (
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
)


def _role(kind: str = "ClusterRole", metadata: dict[str, Any] | None = None, **rule: Any) -> Node:
    rules = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"], **rule}]
    return kube(f"{RBAC}:{kind}", metadata=metadata or {"name": "a"}, rules=rules)


def _binding(role: str, subject: str = "team-a", kind: str = "ClusterRoleBinding") -> Node:
    return kube(
        f"{RBAC}:{kind}",
        "binding",
        metadata={"name": "b", **({"namespace": "a"} if kind == "RoleBinding" else {})},
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        subjects=[{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": subject}],
    )


def _pod(**container: Any) -> Node:
    return kube(
        "core/v1:Pod", metadata={"name": "a"}, spec={"containers": [{"name": "a", "image": "a:1.2", **container}]}
    )


def _template(text: str | bytes) -> Node:
    raw = text if isinstance(text, bytes) else text.encode()
    return aws("ec2/launchTemplate:LaunchTemplate", userData=base64.b64encode(raw).decode())


def _class(**inputs: Any) -> Node:
    return kube("storage.k8s.io/v1:StorageClass", metadata={"name": "a"}, **inputs)


def _buckets(block_of: str, *, depends: bool) -> tuple[Node, ...]:
    mine, other = aws(BUCKET, "mine"), aws(BUCKET, "other")
    owner = {"mine": mine.urn, "other": other.urn}
    parts = [
        node(f"aws:{PARTS[0]}", {"bucket": UNKNOWN}, name=f"sse-{name}", references={"bucket": [urn]})
        for name, urn in owner.items()
    ]
    switches = dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
    )
    block = node(
        f"aws:{PARTS[1]}",
        {"bucket": UNKNOWN, **switches},
        name="block",
        references={"bucket": [owner[block_of]], **({"": [mine.urn]} if depends else {})},
    )
    return mine, other, *parts, block


ATTACKS: tuple[Attack, ...] = (
    attack("a role may do everything to one kind", ROLES, _role(verbs=["*"])),
    attack("a role may read every kind of an API group", ROLES, _role(resources=["*"])),
    attack("a role may read one kind of every API group", ROLES, _role(apiGroups=["*"])),
    attack("a role may use every subresource", ROLES, _role(resources=["*/exec"])),
    attack("a role may read every path that is no resource", ROLES, _role(nonResourceURLs=["/*"])),
    attack("a role may escalate", ROLES, _role(resources=["clusterroles"], verbs=["escalate"])),
    attack("a role may bind", ROLES, _role(resources=["clusterroles"], verbs=["bind"])),
    attack("a role may impersonate", ROLES, _role(resources=["users"], verbs=["impersonate"])),
    attack("a role may list the secrets of every namespace", ROLES, _role(resources=["secrets"], verbs=["list"])),
    attack("a role may write role bindings", ROLES, _role("Role", resources=["rolebindings"], verbs=["create"])),
    attack(
        "a role may make tokens of service accounts",
        ROLES,
        _role(resources=["serviceaccounts/token"], verbs=["create"]),
    ),
    attack("a role may run commands in pods", ROLES, _role("Role", resources=["pods/exec"], verbs=["get"])),
    attack("a role may make pods in every namespace", ROLES, _role(resources=["pods"], verbs=["create"])),
    attack("a role may ask the kubelets past the API server", ROLES, _role(resources=["nodes/proxy"], verbs=["get"])),
    attack(
        "a role collects what others are labelled with",
        ROLES,
        kube(f"{RBAC}:ClusterRole", metadata={"name": "a"}, aggregationRule={"clusterRoleSelectors": []}),
    ),
    attack(
        "a role labels itself into view",
        ROLES,
        _role(metadata={"name": "a", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}),
    ),
    attack("a patch of a role may do everything", ROLES, _role("ClusterRolePatch", verbs=["*"])),
    attack(
        "a list holds a role that may do everything",
        ROLES,
        kube(f"{RBAC}:ClusterRoleList", items=[{"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}]),
    ),
    attack("a binding hands out cluster-admin in one namespace", BOUND, _binding("cluster-admin", kind="RoleBinding")),
    attack("a binding hands out admin", BOUND, _binding("admin")),
    attack("a binding hands out a role of the control plane", BOUND, _binding("system:kube-controller-manager")),
    attack("a binding hands out a role that a chart brings", BOUND, _binding("prometheus-operator")),
    attack("a binding is for system:masters", BOUND, _binding("view", "system:masters")),
    attack("a binding is for whoever is not logged in", BOUND, _binding("view", "system:unauthenticated")),
    attack("a binding is for every service account", BOUND, _binding("view", "system:serviceaccounts")),
    attack("a container runs a tag that is moved each night", PINNED, _pod(image="registry.example/a:nightly-2026")),
    attack("a container runs a tag without a version", PINNED, _pod(image="registry.example:5000/a:stable")),
    attack(
        "an ephemeral container has no tag",
        PINNED,
        kube("core/v1:Pod", metadata={"name": "a"}, spec={"containers": [], "ephemeralContainers": [{"image": "a"}]}),
    ),
    attack(
        "a rollout's init container has no tag",
        PINNED,
        kube(
            "argoproj.io/v1alpha1:Rollout",
            spec={"template": {"spec": {"initContainers": [{"image": "a"}], "containers": UNKNOWN}}},
        ),
    ),
    attack(
        "a step of a workflow has no tag",
        PINNED,
        kube("argoproj.io/v1alpha1:Workflow", spec={"templates": [{"script": {"image": "a", "source": "true"}}]}),
    ),
    attack(
        "a volume holds an image that moves",
        PINNED,
        kube(
            "core/v1:Pod",
            metadata={"name": "a"},
            spec={"containers": [], "volumes": [{"name": "m", "image": {"reference": "a:latest"}}]},
        ),
    ),
    attack(
        "a chart's values name latest",
        PINNED,
        kube("helm.sh/v3:Release", chart="a", version="1.0.0", values={"server": {"image": {"tag": "latest"}}}),
    ),
    attack(
        "a class of the driver inside Kubernetes says nothing of encryption",
        DISKS,
        _class(provisioner="kubernetes.io/aws-ebs", parameters={"type": "gp2"}),
    ),
    attack("a class names a driver that nobody knows", DISKS, _class(provisioner="disks.example.com")),
    attack(
        "a volume of the driver inside Kubernetes is brought in",
        "volumes-claimed",
        kube("core/v1:PersistentVolume", metadata={"name": "a"}, spec={"awsElasticBlockStore": {"volumeID": "vol-1"}}),
    ),
    attack(
        "a volume of the CSI driver is brought in",
        "volumes-claimed",
        kube(
            "core/v1:PersistentVolume",
            metadata={"name": "a"},
            spec={"csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"}},
        ),
    ),
    attack(
        "a bucket's block of public access is another's",
        "buckets-complete",
        *_buckets("other", depends=False),
        whole=True,
    ),
    attack(
        "another bucket's block waits for this one", "buckets-complete", *_buckets("other", depends=True), whole=True
    ),
    attack(
        "a Secret stands in the program",
        "secrets-marked",
        kube("core/v1:Secret", metadata={"name": "a"}, stringData={"password": "hunter2"}),
    ),
    attack(
        "a patch of a Secret stands in the program",
        "secrets-marked",
        kube("core/v1:SecretPatch", metadata={"name": "a"}, data={"password": "aHVudGVyMg=="}),
    ),
    attack("user data holds a key", CLEAR, _template(SCRIPT)),
    attack("zipped user data holds a key", CLEAR, _template(gzip.compress(SCRIPT.encode()))),
    attack(
        "user data of a class of nodes holds a key",
        CLEAR,
        kube("karpenter.k8s.aws/v1:EC2NodeClass", metadata={"name": "a"}, spec={"userData": SCRIPT}),
    ),
    attack("a variable holds a key under a harmless name", CLEAR, _pod(env=[{"name": "HELLO", "value": KEY}])),
    attack("a variable holds a password of no shape", CLEAR, _pod(env=[{"name": "DB_PASSWORD", "value": "hunter2"}])),
    attack(
        "a variable holds a login in an address",
        CLEAR,
        _pod(env=[{"name": "URL", "value": "postgres://app:hunter2@db/app"}]),
    ),
    attack("an argument holds a token", CLEAR, _pod(args=["--api-key=hunter2"])),
    attack("an argument follows the flag of a password", CLEAR, _pod(args=["--password", "hunter2"])),
    attack(
        "a chart is given a password",
        CLEAR,
        kube("helm.sh/v3:Release", chart="a", version="1.0.0", values={"grafana": {"adminPassword": "hunter2"}}),
    ),
    attack(
        "an init container's variable holds a key",
        CLEAR,
        kube(
            "apps/v1:Deployment",
            spec={"template": {"spec": {"initContainers": [{"env": [{"name": "A", "value": KEY}]}], "containers": []}}},
        ),
    ),
)
HARMLESS: tuple[Harmless, ...] = (
    harmless("a role reads nodes", _role()),
    harmless(
        "a role reads one secret of its namespace",
        _role("Role", metadata={"name": "a", "namespace": "a"}, resources=["secrets"], resourceNames=["one"]),
    ),
    harmless("a binding hands out a role of its own stack", _role(), _binding("a")),
    harmless("a binding lets a team view", _binding("view")),
    harmless(
        "a class makes encrypted disks",
        _class(provisioner="ebs.csi.aws.com", parameters={"type": "gp3", "encrypted": "true"}),
    ),
    harmless(
        "a Secret is not known yet",
        kube("core/v1:Secret", metadata={"name": "a", "namespace": "a"}, stringData={"password": UNKNOWN}),
    ),
)
