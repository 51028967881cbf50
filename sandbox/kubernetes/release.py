"""Helm releases: checked against the chart's facts, recorded with chart, version and values, never rendered.

A release brings its chart's CRDs into the simulated cluster; for Karpenter it also needs what its controller needs to
start. Messages are Helm's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from core.problem import Problem
from kube import charts
from kube.pods import mapping
from kube.shape import is_unknown, nearest, under
from sandbox.faults import CloudError
from sandbox.items import ItemStore
from sandbox.kubernetes.cluster import Cluster

KARPENTER = "karpenter"
_INPUTS = frozenset(
    (
        *("allowNullValues", "atomic", "chart", "cleanupOnFail", "compat", "createNamespace", "dependencyUpdate"),
        *("description", "devel", "disableCRDHooks", "disableOpenapiValidation", "disableWebhooks", "forceUpdate"),
        *("keyring", "lint", "maxHistory", "name", "namespace", "recreatePods", "renderSubchartNotes", "replace"),
        *("repositoryOpts", "resetValues", "reuseValues", "skipAwait", "skipCrds", "takeOwnership", "timeout"),
        *("values", "verify", "version", "waitForJobs"),
    )
)
_REPOSITORY = frozenset(("caFile", "certFile", "keyFile", "password", "repo", "username"))


def chart_of(inputs: Mapping[str, Any]) -> str:
    """The plain name of a release's chart."""
    return charts.name_of(inputs.get("chart"))


def facts_of(inputs: Mapping[str, Any]) -> charts.Chart | None:
    """The facts of a release's chart at its version."""
    chart = charts.find(chart_of(inputs), str(inputs.get("version") or ""))
    return chart if isinstance(chart, charts.Chart) else None


def check(inputs: Mapping[str, Any]) -> list[Problem]:
    """What Helm or the chart would refuse of a release's inputs, or silently ignore."""
    problems = []
    places = ((inputs, _INPUTS, ""), (mapping(inputs.get("repositoryOpts")), _REPOSITORY, "repositoryOpts"))
    for place, known, path in places:
        for key in place.keys() - known:
            guess = nearest(key, known)
            fix = f'did you mean "{guess}"?' if guess else "leave it out"
            summary = "not an input of a release that is simulated"
            problems.append(Problem(summary=summary, where=under(path, key), allowed=", ".join(sorted(known)), fix=fix))
    if is_unknown(inputs.get("chart")) or is_unknown(inputs.get("version")):
        return problems
    if not inputs.get("chart"):
        return [*problems, Problem(summary="Required value", where="chart", fix="name the chart")]
    found = charts.check_values(chart_of(inputs), str(inputs.get("version") or ""), mapping(inputs.get("values")))
    inside = "values." if facts_of(inputs) else ""
    return [*problems, *(replace(problem, where=f"{inside}{problem.where}") for problem in found)]


def ready(store: ItemStore, cluster: Cluster, inputs: Mapping[str, Any]) -> None:
    """Wait for the release's pods; CloudError in Helm's words when they would never be ready."""
    facts = facts_of(inputs)
    if inputs.get("skipAwait") or facts is None or not facts.runs_pods:
        return
    timed_out = f"release {inputs['name']} failed: context deadline exceeded"
    if cluster.lacks_nodes():
        raise CloudError("Timeout", f"{timed_out}: no nodes available to schedule pods: the cluster has no node group")
    if facts.name == KARPENTER:
        for reason in _karpenter(store, cluster, inputs):
            raise CloudError("Timeout", f"{timed_out}: pods of deployment {inputs['name']} are not ready: {reason}")


def _karpenter(store: ItemStore, cluster: Cluster, inputs: Mapping[str, Any]) -> Iterator[str]:
    eks, values = cluster.eks(), mapping(inputs.get("values"))
    if eks is None:
        return
    settings, account = mapping(values.get("settings")), mapping(values.get("serviceAccount"))
    name, queue = settings.get("clusterName"), settings.get("interruptionQueue")
    if name != eks.inputs.get("name", eks.id):
        yield f'settings.clusterName is "{name}", and this cluster is "{eks.inputs.get("name", eks.id)}"'
    if queue and not any(
        queue in (i.inputs.get("name"), i.state.get("name")) for i in store.all("aws", "aws:sqs/queue:Queue")
    ):
        yield f'AWS.SimpleQueueService.NonExistentQueue: settings.interruptionQueue names "{queue}"'
    user = str(account.get("name") or inputs["name"])
    by_annotation = "eks.amazonaws.com/role-arn" in mapping(account.get("annotations"))
    if not by_annotation and not cluster.identity_of(str(inputs["namespace"]), user):
        yield f"no EC2 IMDS role found: no EKS Pod Identity association for {inputs['namespace']}/{user}"


def outputs(inputs: Mapping[str, Any], revision: int) -> dict[str, Any]:
    """What Helm reports of a deployed release."""
    facts = facts_of(inputs)
    names = list(facts.crds) if facts else []
    status = {
        "status": "deployed",
        "revision": revision,
        "name": inputs["name"],
        "namespace": inputs["namespace"],
        "chart": chart_of(inputs),
        "version": inputs.get("version"),
        "appVersion": facts.app_version if facts else "",
    }
    resources = {"CustomResourceDefinition.apiextensions.k8s.io/apiextensions.k8s.io/v1": names} if names else {}
    return {"status": status, "resourceNames": resources}
