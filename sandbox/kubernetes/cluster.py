"""Which cluster a kubeconfig means, whether it answers, and what it runs on: the side of Kubernetes that AWS owns.

The endpoint must be that of an EKS cluster in the simulated AWS, the caller must get to it (`door`) and be let in there, and
pods need a node group. A kubeconfig of any other cluster, and a context that a provider names, is taken to work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core import yaml_lines
from core.problem import ExitCode, Problem, Refused
from kube.pods import items, mapping
from kube.shape import is_unknown
from sandbox.faults import CloudError
from sandbox.items import Item, ItemStore
from sandbox.kubernetes import door

CLUSTER = "aws:eks/cluster:Cluster"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ACCESS_ENTRY = "aws:eks/accessEntry:AccessEntry"
ACCESS_POLICY = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
_EKS = ".eks.amazonaws.com"


def active(kubeconfig: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The cluster and the user of a kubeconfig's current context; empty when they cannot be read."""
    if not isinstance(kubeconfig, str | Mapping) or is_unknown(kubeconfig):
        return {}, {}
    try:
        config = yaml_lines.one("".join(kubeconfig), "kubeconfig") if isinstance(kubeconfig, str) else kubeconfig
    except Refused:
        return {}, {}
    config = mapping(config)

    def named(group: str, kind: str, name: Any) -> Mapping[str, Any]:
        found = (mapping(item) for item in items(config.get(group)))
        return next((mapping(item.get(kind)) for item in found if item.get("name") == name), {})

    context = named("contexts", "context", config.get("current-context"))
    return named("clusters", "cluster", context.get("cluster")), named("users", "user", context.get("user"))


def current(kubeconfig: Path) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """A kubeconfig file's current context: its name, cluster and user; `Refused` when it names no server."""
    try:
        text = kubeconfig.read_text(encoding="utf-8")
        cluster, user = active(text)
    except OSError as error:
        raise Refused(Problem(summary=f"cannot read the kubeconfig: {error}"), ExitCode.USAGE) from None
    if not str(cluster.get("server") or "").startswith("https://"):
        summary, fix = "the kubeconfig's current context names no server", "kubectl config use-context NAME"
        raise Refused(Problem(summary=summary, file=str(kubeconfig), allowed="https://...", fix=fix), ExitCode.USAGE)
    return str(yaml_lines.one(text, str(kubeconfig))["current-context"]), cluster, user


class Cluster:
    """The cluster that the provider is configured for."""

    def __init__(self, store: ItemStore, settings: Mapping[str, Any]) -> None:
        self._store = store
        cluster, self._user = active(settings.get("kubeconfig"))
        # A context without a kubeconfig means the user's own kubeconfig, which no simulated cloud opens.
        named = settings.get("context") if not settings.get("kubeconfig") else None
        server = cluster.get("server")
        # Through a tunnel: what answers at the far end is who its certificate says.
        self._tunnel = bool(cluster.get("tls-server-name"))
        if self._tunnel:
            server = f"https://{cluster['tls-server-name']}"
        self._server = str(server or (f"context {named}" if named else ""))

    def eks(self) -> Item | None:
        """The EKS cluster of the simulated AWS that answers at the kubeconfig's endpoint."""
        clusters = self._store.all("aws", CLUSTER)
        return next((item for item in clusters if item.state.get("endpoint") == self._server), None)

    def reach(self) -> None:
        """Speak to the API server; CloudError in the client's words when it does not answer or does not let in."""
        unreachable = "configured Kubernetes cluster is unreachable"
        if not self._server:
            hint = "invalid configuration: no configuration has been provided, set the provider's kubeconfig"
            raise CloudError("Unreachable", f"{unreachable}: {hint}")
        host = self._server.split("://")[-1].split("/")[0].split(":")[0]
        if not host.endswith(_EKS):
            return
        cluster = self.eks()
        if cluster is None:
            raise CloudError("Unreachable", f"{unreachable}: dial tcp: lookup {host}: no such host")
        door.knock(self._store, cluster, host, tunnel=self._tunnel)
        self._authorize(cluster)

    def _authorize(self, cluster: Item) -> None:
        inputs = mapping(cluster.inputs.get("accessConfig"))
        role = self._role()
        if role is None and inputs.get("bootstrapClusterCreatorAdminPermissions", True):
            return
        entries = list(self._of(ACCESS_ENTRY, cluster, role))
        if not entries:
            who = role or "the caller"
            words = f"the server has asked for the client to provide credentials (no EKS access entry for {who})"
            raise CloudError("Unauthorized", words)
        principals = {entry.inputs.get("principalArn") for entry in entries}
        policies = list(self._of(ACCESS_POLICY, cluster, role))
        allowed = any(item.inputs.get("principalArn") in principals for item in policies)
        if not allowed and not any(items(entry.inputs.get("kubernetesGroups")) for entry in entries):
            who = sorted(map(str, principals))[0]
            words = f'User "{who}" cannot patch resource: no access policy is associated with its access entry'
            raise CloudError("Forbidden", words)

    def _role(self) -> str | None:
        arguments = [str(part) for part in items(mapping(self._user.get("exec")).get("args"))]
        for flag in ("--role-arn", "--role", "-r", "-i"):
            if flag in arguments[:-1]:
                return arguments[arguments.index(flag) + 1]
        return None

    def _of(self, token: str, cluster: Item, role: str | None) -> Iterator[Item]:
        for item in self._store.all("aws", token):
            mine = item.inputs.get("clusterName") == cluster.inputs.get("name", cluster.id)
            if mine and (role is None or item.inputs.get("principalArn") == role):
                yield item

    def lacks_nodes(self) -> bool:
        """Whether this is an EKS cluster without a node group, in which no pod can run."""
        cluster = self.eks()
        return cluster is not None and not any(self._of(NODE_GROUP, cluster, None))

    def identity_of(self, namespace: str, account: str) -> bool:
        """Whether EKS gives pods of this service account a role; True where the cluster is not EKS."""
        cluster = self.eks()
        wanted = {"namespace": namespace, "serviceAccount": account}
        token = "aws:eks/podIdentityAssociation:PodIdentityAssociation"  # noqa: S105 - a type's name
        return cluster is None or any(wanted.items() <= item.inputs.items() for item in self._of(token, cluster, None))
