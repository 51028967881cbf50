"""A cluster for a lab: the real node with the controllers of releases and the gateway, for as long as a block runs.

with lab.started(root, folder, say=print, images=["model-server"]) as cluster:
    cluster.apply(*objects)
    requests.get(f"{cluster.url}/my-release/v1/models")
"""

from __future__ import annotations

import contextlib
import functools
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from sandbox.environment import of_this_process
from sandbox.faults import CloudError
from sandbox.kubernetes.real.controlplane import install
from sandbox.node.giving import give
from sandbox.node.node import CONTEXT, Node, condition
from sandbox.node.node import started as node_started
from sandbox.releases import gateway
from sandbox.releases.install import STAND_INS, Values, releases

Say = Callable[[str], None]
KINDS = {
    "deployment": ("apps/v1", "Deployment"),
    "service": ("v1", "Service"),
    "rollout": ("argoproj.io/v1alpha1", "Rollout"),
    "httproute": ("gateway.networking.k8s.io/v1", "HTTPRoute"),
}
"""What `Lab.get` is asked for, as kubectl names it. kubectl itself is installed for tests alone."""
_WITHIN = 300.0


@dataclass(kw_only=True)
class Lab:
    """A running cluster; `stands_in` has a line for each release and image that stands in for an upstream's."""

    root: Path
    node: Node
    say: Say = field(repr=False)
    stands_in: list[str] = field(default_factory=list)

    def load(self, image: str) -> str:
        """Gives the node an image, a name of the catalogue or the file of an OCI archive; gives the line that says so."""
        line = give(self.root, self.node, image, self.say)
        self.stands_in.append(line)
        return line

    def install(self, *charts: str, values: Values | None = None) -> None:
        """Installs the stand-ins for releases, or what has changed of them; PodMonitors that came since are scraped then."""
        with _asking(", ".join(charts)):
            lines = releases(self.root, self.node, charts, values=values, say=self.say)
        self.stands_in += [line for line in lines if line not in self.stands_in]

    def apply(self, *objects: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Server-side apply of objects; CRDs among them are served when this returns. Gives them as the server has them."""
        with _asking(", ".join(f"{each.get('kind')} {each['metadata']['name']}" for each in objects)):
            return install(self.node.api, objects)

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """An object of one of KINDS, or None. Raises `Refused` (`FAILED`) with the server's words."""
        api_version, named = KINDS[kind]
        meta = {"namespace": namespace, "name": name}
        with _asking(f"{kind} {namespace}/{name}"):
            return self.node.api.get({"apiVersion": api_version, "kind": named, "metadata": meta})

    def kubectl(self, *arguments: str, namespace: str = "default", text: str = "") -> str:
        """What kubectl says, `text` its input; it has to be on PATH. Raises `Refused` (`FAILED`) with its words when it fails."""
        command = ["kubectl", f"--kubeconfig={self.node.kubeconfig}", f"--namespace={namespace}", *arguments]
        done = subprocess.run(command, env=of_this_process(), input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            said = " | ".join(done.stderr.strip().splitlines()[-3:])
            raise Refused(Problem(summary=f"`kubectl {' '.join(arguments)}` failed", found=said), ExitCode.FAILED)
        return done.stdout

    def publish(self, namespace: str, service: str, port: int) -> str:
        """The URL on 127.0.0.1 of a port of a Service."""
        return f"http://127.0.0.1:{self.node.publish(namespace, service, port)}"

    @functools.cached_property
    def url(self) -> str:
        """The URL of the gateway on 127.0.0.1; a release answers below `/<release>`."""
        return self.publish(gateway.NAMESPACE, gateway.NAME, gateway.PORT)

    def until(self, what: str, true: Callable[[], bool], *, within: float = _WITHIN, every: float = 0.1) -> float:
        """Waits until something holds, and gives how long that took (seconds). Raises `Refused` (`FAILED`) when it does not."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > within or not self.node.running:
                fix = f"kubectl --kubeconfig {self.node.kubeconfig} get pods,rollouts,httproutes -A"
                problem = Problem(summary=f"{what}: not after {within:.0f} s", fix=fix)
                raise Refused(problem, ExitCode.FAILED)
            time.sleep(every)
        return time.monotonic() - began


@contextlib.contextmanager
def started(
    root: Path,
    folder: Path,
    *,
    say: Say = lambda _: None,
    images: Sequence[str] = (),
    charts: Sequence[str] = tuple(STAND_INS),
    values: Values | None = None,
    with_gateway: bool = True,
    context: str = CONTEXT,
) -> Iterator[Lab]:
    """A cluster for the block, its files in `folder`: node, stand-ins for the releases `charts`, `images`, the gateway.

    `values` are the releases' own, by chart. Without `with_gateway` the Gateway `models` is left to a stack, which declares it.
    Raises `Refused` as the node does, and when a controller or the gateway does not become ready.
    """
    with node_started(root, folder, say=say, context=context) as node:
        lab = Lab(root=root, node=node, say=say)
        for image in images:
            lab.load(image)
        lab.install(*charts, values=values)
        if with_gateway:
            lab.apply(*gateway.objects())
            with _asking("the Gateway"):
                taken = lab.until("the Gateway is not programmed", lambda: programmed(node))
            say(f"gateway: {gateway.NAMESPACE}/{gateway.NAME} is programmed ({taken:.1f} s)")
        yield lab


@contextlib.contextmanager
def _asking(what: str) -> Iterator[None]:
    """What the API server says against it is a `Refused` (`FAILED`)."""
    try:
        yield
    except CloudError as error:
        problem = Problem(summary="the cluster failed", where=what, found=str(error))
        raise Refused(problem, ExitCode.FAILED) from None


def programmed(node: Node) -> bool:
    """Whether the Gateway `models` says that Envoy serves it, and its Envoy is ready."""
    found = node.api.get(gateway.GATEWAY) or {}
    return condition(found, "Programmed") and bool(found["status"].get("addresses"))
