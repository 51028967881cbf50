"""Waits for a Job to complete, as Pulumi's provider does, on a cluster that runs pods: what depends on it starts after it.

Nothing else is waited for. Where no pod can run, a Job that was taken counts as done.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from kube.pods import mapping
from sandbox.faults import CloudError
from sandbox.kubernetes.real.api import Api

KWOK_NODE = "kwok.x-k8s.io/node"
"""The annotation of a node that KWOK simulates: https://kwok.sigs.k8s.io/docs/user/kwok-manage-nodes-and-pods/."""
SKIP = "pulumi.com/skipAwait"
_WITHIN, _EVERY = 600.0, 0.5


def runs_pods(api: Api) -> bool:
    """Whether the cluster has a node that is no simulation of one."""
    nodes = api.request("GET", "/api/v1/nodes", warned=False).get("items") or ()
    return any(KWOK_NODE not in mapping(node["metadata"].get("annotations")) for node in nodes)


def settled(api: Api, obj: Mapping[str, Any], *, within: float = _WITHIN) -> None:
    """Returns when a Job is complete. CloudError when it has failed, or is not complete after `within` (seconds)."""
    metadata = mapping(obj.get("metadata"))
    if obj.get("kind") != "Job" or mapping(metadata.get("annotations")).get(SKIP) == "true" or not runs_pods(api):
        return
    ends, named = time.monotonic() + within, f"Job {metadata.get('namespace', 'default')}/{metadata.get('name')}"
    look = f"kubectl logs --namespace {metadata.get('namespace', 'default')} job/{metadata.get('name')}"
    while True:
        status = mapping(mapping(api.get(obj)).get("status"))
        met = {
            condition["type"]: condition
            for condition in status.get("conditions") or ()
            if condition["status"] == "True"
        }
        if "Complete" in met:
            return
        if "Failed" in met:
            raise CloudError("JobFailed", f"{named} has failed: {met['Failed'].get('message', '')}; {look}")
        if time.monotonic() > ends:
            raise CloudError("Timeout", f"{named} is not complete after {within:.0f} s; {look}")
        time.sleep(_EVERY)
