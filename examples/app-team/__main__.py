"""An app team's own stack: a batch job that asks for one GPU of a pool that the platform promises.

It reads the platform's outputs and nothing else of it, the way to its cluster included. The credentials are the team's
own: whatever the AWS CLI finds, for a role that the platform has let into the cluster.
"""

import json

import pulumi
import pulumi_kubernetes as k8s
from modelyard_contract import AwsOutputs, PlatformOutputs
from pulumi_kubernetes.core import v1 as core

config = pulumi.Config()


def kubeconfig(promised: AwsOutputs) -> str:
    """How to reach the platform's cluster; it holds no credential."""
    cluster = promised.cluster
    server = {"server": cluster.endpoint, "certificate-authority-data": cluster.certificate_authority}
    command = ["eks", "get-token", "--output", "json", "--region", promised.region, "--cluster-name", cluster.name]
    token = {"apiVersion": "client.authentication.k8s.io/v1", "command": "aws", "args": command}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "platform",
            "contexts": [{"name": "platform", "context": {"cluster": "platform", "user": "team"}}],
            "clusters": [{"name": "platform", "cluster": server}],
            "users": [{"name": "team", "user": {"exec": {**token, "interactiveMode": "Never"}}}],
        }
    )


platform = PlatformOutputs.of(pulumi.StackReference(config.require("platform")))
pool = platform.apply(lambda promised: promised.gpu_pools[config.require("pool")])
on_aws = platform.apply(lambda promised: promised.on_aws())
cluster = k8s.Provider(
    "platform",
    kubeconfig=on_aws.apply(kubeconfig),
    cluster_identifier=on_aws.apply(lambda promised: promised.cluster.arn),
)

container = core.ContainerArgs(
    name="embed",
    image=config.require("image"),
    resources=core.ResourceRequirementsArgs(limits={"nvidia.com/gpu": "1"}),
    security_context=core.SecurityContextArgs(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
    ),
)
pod = core.PodSpecArgs(
    restart_policy="Never",
    automount_service_account_token=False,
    node_selector=pool.apply(lambda promised: promised.node_selector),
    tolerations=pool.apply(
        lambda promised: [core.TolerationArgs(**dict(toleration)) for toleration in promised.tolerations]
    ),
    security_context=core.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=10001,
        seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
    ),
    containers=[container],
)
job = k8s.batch.v1.Job(
    "nightly-embeddings",
    metadata={"namespace": config.get("namespace") or "modelyard-training"},
    spec=k8s.batch.v1.JobSpecArgs(backoff_limit=3, template=core.PodTemplateSpecArgs(spec=pod)),
    opts=pulumi.ResourceOptions(provider=cluster),
)

pulumi.export("job", job.metadata["name"])
pulumi.export("cluster", on_aws.apply(lambda promised: promised.cluster.name))
