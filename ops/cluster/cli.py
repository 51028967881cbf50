"""`modelyard cluster ...`: a real Kubernetes cluster for the `local` stack, started, looked at, given images and stopped."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from core.problem import ExitCode, Problem, Refused
from ops.cluster import install as cluster_install
from ops.cluster import start as cluster_start
from ops.cluster.kubeconfig import own
from ops.cluster.running import Cluster, Using, absent
from ops.cluster.running import load as load_into
from ops.cluster.running import stop as stop_it
from ops.options import Format, Output
from ops.show import Show
from ops.worlds.kubeconfig import KubeconfigWorld
from ops.worlds.places import place_of, root
from sandbox.node import control, owner
from sandbox.releases.install import STAND_INS

app = typer.Typer(
    name="cluster",
    no_args_is_help=True,
    help="A real Kubernetes cluster for the local stack: yours, kind's, or a node of our own.",
)

Name = Annotated[str, typer.Option("--name", help="What the cluster, its folder and its context are called.")]
Images = Annotated[list[str] | None, typer.Option("--load", help="An image to load at the start; may be repeated.")]
Context = Annotated[str, typer.Option("--context", help="Use the cluster of this context; nothing is started.")]
File = Annotated[
    Path | None, typer.Option("--kubeconfig", help="Where --context is; else KUBECONFIG or ~/.kube/config.")
]
Kind = Annotated[
    Using, typer.Option("--using", help="auto takes kind if Docker and kind are there, otherwise a node of our own.")
]
Image = Annotated[
    str,
    typer.Argument(
        help="python, mlflow, prometheus, envoy, envoy-gateway, argo-rollouts, model-server, app-base, or an OCI archive's file."
    ),
]
DEFAULT = "modelyard"


@app.command(
    epilog="Examples:  modelyard cluster start   |   modelyard cluster start --load mlflow --load prometheus   |   "
    "modelyard cluster start --context k3d-mine   |   sudo modelyard cluster start --using node --foreground"
)
def start(
    name: Name = DEFAULT,
    context: Context = "",
    kubeconfig: File = None,
    using: Kind = Using.AUTO,
    load: Images = None,
    foreground: Annotated[
        bool,
        typer.Option("--foreground", help="Run in the foreground: the node ends with Ctrl-C or with this process."),
    ] = False,
    output: Output = Format.TEXT,
) -> int:
    """Start a cluster, or use the one that --context names. A running cluster is left as it is."""
    show, cluster, began = Show(as_json=output is Format.JSON), Cluster(root(), name), time.monotonic()
    if (using is Using.CONTEXT) != bool(context) and using is not Using.AUTO:
        raise _usage("--using context and --context NAME go together")
    if context and load:
        raise _usage("--load is for clusters that are made here: images of a cluster of yours are pulled by it")
    if (found := cluster.status()) is not None:
        _same(cluster, using, context)
        for image in load or ():
            show.say(load_into(cluster, image, show.say))
        return _report(show, found, "was running already")
    with cluster.alone():
        if context:
            cluster_start.start_context(cluster, [kubeconfig] if kubeconfig else own(), context)
            return _report(show, cluster.status(), "answers; nothing was started")
        chosen = cluster_start.choose(using, show.say)
        if chosen is Using.KIND:
            cluster_start.start_kind(cluster, load or (), show.say)
        elif foreground:
            return _stay(cluster, load or [], show)
        else:
            cluster_start.start_node(cluster, load or (), show.say)
    return _report(show, cluster.status(), f"is ready ({time.monotonic() - began:.1f} s)")


def _same(cluster: Cluster, using: Using, context: str) -> None:
    """Raises `Refused` (`USAGE`) when something else runs under the name than what is asked for."""
    wanted = Using.CONTEXT if context else using
    if wanted not in (Using.AUTO, cluster.using) or (context and context != cluster.taken):
        runs = f"{cluster.using.value} {cluster.taken}".strip() if cluster.using else "nothing"
        summary = f"cluster `{cluster.name}` is running already, and is another one"
        fix = f"modelyard cluster stop --name {cluster.name}, or start this one under another --name"
        asked = f"{wanted.value} {context}".strip()
        raise Refused(Problem(summary=summary, found=runs, allowed=asked, fix=fix), ExitCode.USAGE)


def _stay(cluster: Cluster, images: list[str], show: Show) -> int:
    """Owns the cluster in this very process."""
    cluster.remember(Using.NODE)
    show.say(f"{cluster.name}: ends with this command")
    try:
        return owner.own(cluster.root, cluster.layout.folder, show.say, context=cluster.name, images=images)
    finally:
        cluster.forget()


@app.command(epilog="Example:  modelyard cluster status --format json")
def status(name: Name = DEFAULT, output: Output = Format.TEXT) -> int:
    """Show what runs, since when and with which pods. Exit code 4 when nothing runs."""
    show, cluster = Show(as_json=output is Format.JSON), Cluster(root(), name)
    if (found := cluster.status()) is None:
        raise absent(cluster)
    return _report(show, found, "is running")


@app.command(epilog="Example:  modelyard cluster stop")
def stop(name: Name = DEFAULT, output: Output = Format.TEXT) -> int:
    """End what `start` started, and nothing else."""
    show = Show(as_json=output is Format.JSON)
    said = stop_it(Cluster(root(), name), show.say)
    if show.as_json:
        show.value({"name": name, "said": said})
    else:
        show.line(said)
    return ExitCode.OK


@app.command(epilog="Examples:  modelyard cluster load mlflow   |   modelyard cluster load ./app.tar")
def load(
    image: Image,
    name: Name = DEFAULT,
    output: Output = Format.TEXT,
) -> int:
    """Load an image into the cluster without a registry. An image that can be built here is built first."""
    show = Show(as_json=output is Format.JSON)
    line = load_into(Cluster(root(), name), image, show.say)
    if show.as_json:
        show.value({"name": name, "image": image, "said": line})
    else:
        show.line(f"loaded {line}")
    return ExitCode.OK


@app.command(
    epilog="Examples:  modelyard cluster install   |   modelyard cluster install --stack local   |   "
    "modelyard cluster install argo-rollouts gateway-helm"
)
def install(
    charts: Annotated[
        list[str] | None, typer.Argument(help="Charts to install (default: all that have a stand-in).")
    ] = None,
    stack: Annotated[str, typer.Option("--stack", help="Install what this stack, already up here, declares.")] = "",
    name: Name = DEFAULT,
    output: Output = Format.TEXT,
) -> int:
    """Run what Helm releases would bring (Argo Rollouts, Envoy Gateway, Prometheus) on a node that can fetch no chart."""
    show, cluster = Show(as_json=output is Format.JSON), Cluster(root(), name)
    values: cluster_install.Values = {}
    if stack:
        world = KubeconfigWorld(cluster.layout.kubeconfig)
        with world.opened(place_of(stack, None, world), lambda: None, show.say) as engine:
            values = cluster_install.declared(engine.state().get("resources") or ())
        if not values:
            fix = f"modelyard up --stack {stack} --kubeconfig {os.path.relpath(cluster.layout.kubeconfig)}"
            raise Refused(Problem(summary="the stack is not up here, or declares no release", found=stack, fix=fix))
    lines = cluster_install.install(cluster, charts or list(values or STAND_INS), values)
    if show.as_json:
        show.value({"name": name, "said": lines})
    for line in () if show.as_json else lines:
        show.line(line)
    return ExitCode.OK


@app.command(epilog="Example:  modelyard cluster publish modelyard-registry/registry 5000")
def publish(
    service: Annotated[str, typer.Argument(help="NAMESPACE/NAME of a Service.")],
    target: Annotated[int, typer.Argument(help="The Service's port.")],
    port: Annotated[int, typer.Option("--port", help="The port of 127.0.0.1; 0 takes a free one.")] = 0,
    name: Name = DEFAULT,
    output: Output = Format.TEXT,
) -> int:
    """Publish a Service on a port of 127.0.0.1, for as long as a node of our own runs."""
    show, cluster = Show(as_json=output is Format.JSON), Cluster(root(), name)
    namespace, _, named = service.partition("/")
    if not named:
        raise _usage("a Service is said as NAMESPACE/NAME")
    if cluster.using not in (Using.NODE, None):
        fix = f"kubectl --namespace {namespace} port-forward service/{named} {port or ''}:{target}"
        raise Refused(Problem(summary="only a node of our own publishes ports", found=str(cluster.using), fix=fix))
    question = {"do": "publish", "namespace": namespace, "service": named, "target": target, "port": port}
    told = control.ask(cluster.layout.control, question)
    if told is None:
        raise absent(cluster)
    if show.as_json:
        show.value(told)
    else:
        show.line(f"http://127.0.0.1:{told['port']}")
    return ExitCode.OK


def _report(show: Show, found: dict[str, Any] | None, said: str) -> int:
    if found is None:
        raise Refused(Problem(summary="the cluster has ended", fix="modelyard cluster start"), ExitCode.UNAVAILABLE)
    if show.as_json:
        show.value(found)
        return ExitCode.OK
    what = {"node": "a node of our own", "kind": "kind", "context": "yours"}[found["using"]]
    show.line(f"cluster {found['name']} ({what}, Kubernetes {found.get('kubernetes', '?')}) {said}", style="bold")
    if "pods" in found:
        show.line(
            f"  node       {'Ready' if found['ready'] else 'not ready'}, {found['running']} of {found['pods']} pods running"
        )
    for line in found.get("images", ()):
        show.line(f"  image      {line}")
    show.line(f"  kubeconfig {os.path.relpath(found['kubeconfig'])}, context {found['context']}")
    if found["using"] == "node":
        show.line("  network    none outside the node: nothing is pulled, images are loaded", style="dim")
    return ExitCode.OK


def _usage(summary: str) -> Refused:
    return Refused(Problem(summary=summary, fix=f"{Path(sys.argv[0]).name} cluster --help"), ExitCode.USAGE)
