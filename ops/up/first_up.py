"""The first `up` of a cluster that only its VPC reaches: its network and cluster first, then a way in, then the rest.

The network in which a runner, or the node at the far end of a tunnel, stands is made by that very `up`. So it stops where the
cluster begins, with everything below it in place, and a second `up` from the right place goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from components.cluster.access import AccessSpec, Reach
from core.problem import Problem
from infra.stack.stack import Stack

UNREACHABLE = "configured Kubernetes cluster is unreachable"
"""How the Kubernetes provider begins when the API server does not answer."""

SUBNET, NODE_GROUP = "aws:ec2/subnet:Subnet", "aws:eks/nodeGroup:NodeGroup"


def before(stack: Stack) -> str:
    """What a first `up` will do, for somebody who has nothing yet."""
    access = stack.on_aws.cluster.access
    if access.reach is Reach.PUBLIC_CIDRS:
        return "skipped: nothing is deployed yet"
    made = (
        "network, control plane and system nodes" if stack.on_aws.network.existing is None else "cluster and its nodes"
    )
    return (
        f"nothing is deployed yet: step 1 of 2 makes {made}, and stops there unless this machine "
        f"{_stands(access)}; step 2 is the same `up` from there"
    )


def way_in(stack: Stack, resources: Iterable[Mapping[str, Any]], host: str) -> str:
    """What to do so that the API server answers; `resources` are the state's, `host` the server's name."""
    access = stack.on_aws.cluster.access
    if access.reach is Reach.PUBLIC_CIDRS:
        return (
            "add this machine's public address to cluster.access.allowedCidrs, and run `up` once from where it answers"
        )
    if access.reach is Reach.SSM_TUNNEL:
        return (
            "step 2 of 2: `aws ssm start-session --target <a system node's id> --document-name "
            "AWS-StartPortForwardingSessionToRemoteHost --parameters "
            f"host={host},portNumber=443,localPortNumber={access.tunnel_port}`, leave it open, and run `up` again"
        )
    if stack.on_aws.cluster.existing is not None:
        return "run it where the cluster's owner lets you in: a machine in the VPC that a rule of the cluster's group names"
    where = ", ".join(_private(resources)) or "a private subnet"
    return f"step 2 of 2: run the same `up` on a runner that {_stands(access)}; it can be started in {where}"


def stopped(stack: Stack, messages: Iterable[str], resources: Iterable[Mapping[str, Any]]) -> Problem | None:
    """What to say when an `up` ended because the cluster was out of reach; None when it ended for another reason."""
    found = next((message for message in messages if UNREACHABLE in message), None)
    if found is None or stack.aws is None or stack.on_aws.cluster.access.reach is Reach.PUBLIC_CIDRS:
        return None
    there = list(resources)
    if not any(each.get("type") == NODE_GROUP for each in there) and stack.on_aws.cluster.existing is None:
        return None
    return Problem(
        summary="step 1 of 2 is done: network and cluster are there, and the cluster does not answer from here",
        where="cluster.access.reach",
        found=stack.on_aws.cluster.access.reach.value,
        fix=way_in(stack, there, _host(there)),
    )


def _stands(access: AccessSpec) -> str:
    if access.reach is Reach.SSM_TUNNEL:
        return f"has a tunnel at port {access.tunnel_port}"
    named = [*access.allowed_cidrs, *access.allowed_security_group_ids]
    return f"stands in {', '.join(named)}" if named else "stands in the cluster's VPC"


def _private(resources: Iterable[Mapping[str, Any]]) -> list[str]:
    mine = (
        resource
        for resource in resources
        if resource.get("type") == SUBNET and "::private-" in str(resource.get("urn"))
    )
    return sorted(f"{each.get('id')} ({str(each.get('urn')).rpartition('::')[2]})" for each in mine)


def _host(resources: Iterable[Mapping[str, Any]]) -> str:
    clusters = (resource for resource in resources if resource.get("type") == "aws:eks/cluster:Cluster")
    url = next((str(cluster.get("outputs", {}).get("endpoint", "")) for cluster in clusters), "")
    return url.removeprefix("https://") or "<the endpoint's host>"
