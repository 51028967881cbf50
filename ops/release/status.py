"""How far a release is on its cluster, and why it does not answer when it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from components.serving import pods
from components.serving.component import ROLLOUTS, ROUTES
from core.problem import ExitCode, Problem, Refused
from kube.pods import items, mapping
from sandbox.faults import CloudError
from sandbox.kubernetes.real.api import Api

HASH = "rollouts-pod-template-hash"
"""The label by which Argo Rollouts tells the pods of two versions apart."""
HEALTHY = "Healthy"


@dataclass(frozen=True)
class Pod:
    """One pod of a release: which model version it serves, whether it is ready, and if not, why."""

    name: str
    model: str
    role: str
    ready: bool
    reason: str


@dataclass(frozen=True)
class Status:
    """What Argo says of a release, the weight in percent that the canary has, and the pods."""

    release: str
    phase: str
    message: str
    step: str
    weight: int
    pods: tuple[Pod, ...]

    @property
    def healthy(self) -> bool:
        """Whether the version that was asked for answers everybody."""
        return self.phase == HEALTHY

    def values(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "release": self.release,
            "phase": self.phase,
            "message": self.message,
            "step": self.step,
            "canaryWeight": self.weight,
            "pods": [asdict(pod) for pod in self.pods],
        }

    def lines(self) -> Iterator[str]:
        """For a person."""
        said = ", ".join(filter(None, (self.message, f"step {self.step}", f"canary weight {self.weight} %")))
        yield f"release {self.release}: {self.phase} ({said})"
        if not self.pods:
            yield "  no pods yet"
        for pod in self.pods:
            yield f"  {pod.name}  {pod.role}  {pod.model or 'model unknown'}  {'ready' if pod.ready else 'NOT READY'}"
            if pod.reason:
                yield f"    {pod.reason}"


def read(api: Api, release: str) -> Status:
    """The release as its cluster has it now. Raises `Refused`: `USAGE` when there is none, `UNAVAILABLE` without an answer."""
    space = f"namespaces/{pods.NAMESPACE}"
    chosen = ",".join(f"{key}={value}" for key, value in pods.labels(release).items())
    try:
        rollout = api.request("GET", f"/apis/{ROLLOUTS}/{space}/rollouts/{release}", warned=False)
        route = api.request("GET", f"/apis/{ROUTES}/{space}/httproutes/{release}", warned=False)
        found = api.request("GET", f"/api/v1/{space}/pods", query={"labelSelector": chosen}, warned=False)
    except CloudError as error:
        if error.code == "NotFound":
            raise Refused(
                Problem(
                    summary="the cluster has no such release",
                    found=f"{release} in {api.context}",
                    fix="`modelyard up` makes it, and `modelyard cluster install` what it needs on a node of our own",
                ),
                ExitCode.USAGE,
            ) from None
        summary = "the cluster does not say how the release is"
        raise Refused(Problem(summary=summary, found=str(error)), ExitCode.UNAVAILABLE) from None
    return status(release, rollout, route, items(found.get("items")))


def status(
    release: str, rollout: Mapping[str, Any], route: Mapping[str, Any], found: Iterable[Mapping[str, Any]]
) -> Status:
    """What three answers of the API server say together."""
    said = mapping(rollout.get("status"))
    steps = items(mapping(mapping(mapping(rollout.get("spec")).get("strategy")).get("canary")).get("steps"))
    stable = str(said.get("stableRS") or "")
    each = sorted((_pod(pod, stable) for pod in found), key=lambda pod: (pod.role != "stable", pod.name))
    # Until the controller has seen a change, its status is that of the version before. Argo writes the generation as text.
    stale = str(said.get("observedGeneration") or "") != str(mapping(rollout.get("metadata")).get("generation") or "")
    return Status(
        release=release,
        phase="Unknown" if stale else str(said.get("phase") or "Unknown"),
        message="the controller has not seen the latest change yet" if stale else str(said.get("message") or ""),
        step=f"{said.get('currentStepIndex', 0)}/{len(steps)}",
        weight=_weight(route, f"{release}-canary"),
        pods=tuple(each),
    )


def _weight(route: Mapping[str, Any], canary: str) -> int:
    """The canary's share in percent; the weights of a route need not add up to 100."""
    backends = [
        each for rule in items(mapping(route.get("spec")).get("rules")) for each in items(rule.get("backendRefs"))
    ]
    total = sum(int(backend.get("weight", 1)) for backend in backends)
    own = sum(int(backend.get("weight", 1)) for backend in backends if backend.get("name") == canary)
    return round(100 * own / total) if total else 0


def _pod(pod: Mapping[str, Any], stable: str) -> Pod:
    meta, said = mapping(pod.get("metadata")), mapping(pod.get("status"))
    version = str(mapping(meta.get("labels")).get(HASH) or "")
    conditions = {str(item.get("type")): item for item in items(said.get("conditions"))}
    ready = mapping(conditions.get("Ready")).get("status") == "True"
    return Pod(
        name=str(meta.get("name")),
        model=str(mapping(meta.get("annotations")).get("modelyard.dev/model") or ""),
        role="stable" if version and version == stable else "canary",
        ready=ready,
        reason="" if ready else _reason(said, mapping(conditions.get("PodScheduled"))),
    )


def _reason(said: Mapping[str, Any], scheduled: Mapping[str, Any]) -> str:
    """The first cause in the order in which a pod starts: its node, its init containers, its containers."""
    if scheduled.get("status") == "False":
        return f"no node takes it: {scheduled.get('message') or scheduled.get('reason') or 'no reason given'}"
    containers = [*items(said.get("initContainerStatuses")), *items(said.get("containerStatuses"))]
    # An init container that is done may have failed before; it is not why the pod waits now.
    for container in (one for one in containers if not one.get("ready")):
        for state in ("state", "lastState"):
            ended = mapping(mapping(container.get(state)).get("terminated"))
            if ended and ended.get("exitCode") != 0:
                words = str(ended.get("message") or ended.get("reason") or "").strip()
                return f"{container.get('name')} ended with exit code {ended.get('exitCode')}: {words or 'it said nothing'}"
        waits = mapping(mapping(container.get("state")).get("waiting"))
        if waits and waits.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            return f"{container.get('name')} waits: {waits['reason']} {waits.get('message') or ''}".rstrip()
    starting = next((str(each.get("name")) for each in containers if not each.get("ready")), "")
    return f"{starting} is starting" if starting else str(said.get("message") or said.get("phase") or "")
