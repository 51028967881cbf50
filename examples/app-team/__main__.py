"""An app team's own stack: a batch job that asks for one GPU of a pool that the platform promises.

It reads the platform's outputs and nothing else of it. The cluster's credentials are the team's own: `kubernetes:context`
in this stack's configuration names a context of their kubeconfig.
"""

import pulumi
import pulumi_kubernetes as k8s
from modelyard_contract import PlatformOutputs

config = pulumi.Config()
platform = PlatformOutputs.of(pulumi.StackReference(config.require("platform")))
pool = platform.apply(lambda promised: promised.gpu_pools[config.require("pool")])

job = k8s.batch.v1.Job(
    "nightly-embeddings",
    metadata={"namespace": "modelyard-training"},
    spec={
        "backoff_limit": 3,
        "template": {
            "spec": {
                "restart_policy": "Never",
                "automount_service_account_token": False,
                "node_selector": pool.apply(lambda promised: promised.node_selector),
                "tolerations": pool.apply(lambda promised: [each.model_dump() for each in promised.tolerations]),
                "security_context": {
                    "run_as_non_root": True,
                    "run_as_user": 10001,
                    "seccomp_profile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "embed",
                        "image": config.require("image"),
                        "resources": {"limits": {"nvidia.com/gpu": "1"}},
                        "security_context": {
                            "allow_privilege_escalation": False,
                            "read_only_root_filesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            }
        },
    },
)

pulumi.export("job", job.metadata["name"])
pulumi.export("cluster", platform.apply(lambda promised: promised.cluster.name))
