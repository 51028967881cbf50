"""Installs stand-ins for Helm releases on a running node, and says of each what it stands in for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from core.versions import CHART_IMAGES, GO_MODULES
from sandbox.faults import CloudError
from sandbox.kubernetes.real import crds
from sandbox.kubernetes.real.controlplane import install
from sandbox.node.giving import give
from sandbox.node.node import Node, condition
from sandbox.releases import argo_rollouts, envoy_gateway, prometheus
from sandbox.releases.manifests import Object

Say = Callable[[str], None]
Values = Mapping[str, Mapping[str, Any]]
_READY_WITHIN = 300.0


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """One release: the charts whose CRDs it brings, its images, and its objects in stages that wait for one another."""

    name: str
    chart: str
    images: tuple[str, ...]
    crds: tuple[str, ...] = ()
    stages: tuple[Callable[[Node, Mapping[str, Any]], list[Object]], ...] = field(repr=False)

    @property
    def line(self) -> str:
        """What a report says of it."""
        version = GO_MODULES[self.name]
        theirs = next(image.tag for image in CHART_IMAGES[self.chart] if image.name == self.name)
        differs = "" if theirs == version else f" (the chart runs {theirs})"
        built = f"{self.name} {version}{differs}, built from its Go module"
        return f"release {self.chart}: stood in for by {built}; the chart is not fetched"


STAND_INS = {
    each.chart: each
    for each in (
        StandIn(
            name="argo-rollouts",
            chart="argo-rollouts",
            images=("argo-rollouts",),
            crds=("argo-rollouts",),
            stages=(lambda _, values: argo_rollouts.objects(values),),
        ),
        StandIn(
            name="envoy-gateway",
            chart="gateway-helm",
            images=("envoy-gateway", "envoy"),
            crds=("gateway-helm",),
            stages=(
                lambda _, __: envoy_gateway.certificates(),
                lambda _, values: envoy_gateway.objects(values),
            ),
        ),
        StandIn(
            name="prometheus",
            chart="kube-prometheus-stack",
            images=("prometheus",),
            crds=("kube-prometheus-stack",),
            stages=(lambda node, _: prometheus.objects(_monitors(node)),),
        ),
    )
}
"""What can be installed, by the name of the chart that it stands in for."""


def releases(
    root: Path, node: Node, charts: Iterable[str], *, values: Values | None = None, say: Say = lambda _: None
) -> list[str]:
    """Installs the named releases and waits until each is ready; gives a line for each and for each of
    their images that says what it stands in for.

    `values` are those of each release, by chart; which of them apply is said where its objects are written. Installing one
    again changes what has changed. Raises `Refused`: `USAGE` for a chart that nothing stands in for, `UNAVAILABLE` when one
    does not become ready within five minutes.
    """
    wanted = list(charts)
    if unknown := [each for each in wanted if each not in STAND_INS]:
        problem = Problem(
            summary="there is no stand-in for this release", found=", ".join(unknown), allowed=", ".join(STAND_INS)
        )
        raise Refused(problem, ExitCode.USAGE)
    # The server needs a second to serve a CRD and does many at once, so all of them go first.
    brought = {
        crd["metadata"]["name"]: crd
        for each in wanted
        for chart in STAND_INS[each].crds
        for crd in crds.of_chart(chart)
    }
    began = time.monotonic()
    install(node.api, brought.values())
    say(f"releases: {len(brought)} CRDs are served ({time.monotonic() - began:.1f} s)")
    pending: list[tuple[StandIn, list[list[Object]]]] = []
    lines: list[str] = []
    for each in wanted:
        stand_in = STAND_INS[each]
        for image in stand_in.images:
            lines.append(give(root, node, image, say))
        stages = [stage(node, (values or {}).get(each) or {}) for stage in stand_in.stages]
        install(node.api, stages[0])
        pending.append((stand_in, stages))
    for stand_in, stages in pending:
        done = stages[0]
        for stage in stages[1:]:
            _settled(node, stand_in, done)
            install(node.api, stage)
            done = stage
        _settled(node, stand_in, done)
        say(f"{stand_in.line} ({time.monotonic() - began:.1f} s)")
    return [*lines, *(stand_in.line for stand_in, _ in pending)]


def _settled(node: Node, stand_in: StandIn, objects: Iterable[Object]) -> None:
    """Waits for the Jobs and Deployments among the objects."""
    ends = time.monotonic() + _READY_WITHIN
    for obj in objects:
        kind = {"Job": "Complete", "Deployment": "Available"}.get(obj["kind"])
        while kind and not _is(node, obj, kind):
            if time.monotonic() > ends or not node.running:
                meta = obj["metadata"]
                problem = Problem(
                    summary=f"the stand-in for {stand_in.chart} is not ready after {_READY_WITHIN:.0f} s",
                    where=f"{obj['kind']} {meta['namespace']}/{meta['name']}",
                    found="; ".join(_reasons(node, meta["namespace"])),
                    fix=f"kubectl --kubeconfig {node.kubeconfig} -n {meta['namespace']} describe pods",
                )
                raise Refused(problem, ExitCode.UNAVAILABLE)
            time.sleep(0.1)


def _reasons(node: Node, namespace: str) -> Iterator[str]:
    """Why containers of a namespace do not run: the reason of the kubelet, and the last line that the program said."""
    with contextlib.suppress(CloudError):
        for pod in node.api.request("GET", f"/api/v1/namespaces/{namespace}/pods").get("items") or ():
            for status in pod.get("status", {}).get("containerStatuses") or ():
                waiting = status["state"].get("waiting") or {}
                ended = status["state"].get("terminated") or status.get("lastState", {}).get("terminated") or {}
                said = (ended.get("message") or waiting.get("message") or "").strip().splitlines()[-1:]
                if waiting or ended:
                    yield ": ".join((status["name"], waiting.get("reason") or ended.get("reason") or "ended", *said))


def _is(node: Node, obj: Object, kind: str) -> bool:
    with contextlib.suppress(CloudError):
        found = node.api.get(obj) or {}
        observed = found.get("status", {}).get("observedGeneration", found.get("metadata", {}).get("generation"))
        return observed == found.get("metadata", {}).get("generation") and condition(found, kind)
    return False


def _monitors(node: Node) -> list[Object]:
    with contextlib.suppress(CloudError):
        found = node.api.request("GET", "/apis/monitoring.coreos.com/v1/podmonitors", warned=False)
        return list(found["items"])
    return []
