"""Starting a cluster: which of the three it is to be, and until when that takes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.problem import ExitCode, Problem, Refused
from ops.cluster.kubeconfig import context_of, narrow, reached
from ops.cluster.running import Cluster, Say, Using, absolute, kind, load
from sandbox.environment import of_this_process
from sandbox.node import control
from sandbox.node.layout import Layout


def choose(using: Using, say: Say) -> Using:
    """What to start where nothing is said. Raises `Refused` (`UNAVAILABLE`) when kind is asked for and cannot be fetched."""
    if using is Using.NODE:
        return using
    docker = shutil.which("docker") is not None and _quiet(["docker", "info"])
    installed = shutil.which("kind") is not None
    if docker and installed:
        return Using.KIND
    lacking = "Docker does not answer" if not docker else "there is no `kind` on PATH"
    if using is Using.KIND:
        fix = "start Docker and install kind, or leave --using out"
        raise Refused(Problem(summary="kind cannot be used", found=lacking, fix=fix), ExitCode.UNAVAILABLE)
    say(f"cluster: {lacking}; this is a node of our own")
    return Using.NODE


def start_node(cluster: Cluster, images: Sequence[str], say: Say) -> None:
    """Starts an owner that outlives this command, and waits until its cluster is ready.

    Raises `Refused` with what the owner said when it ends before that.
    """
    layout = cluster.layout
    cluster.remember(Using.NODE)
    layout.refused.unlink(missing_ok=True)
    command = [sys.executable, "-m", "sandbox.node.owner", str(layout.folder), cluster.name]
    command += [str(absolute(image)) for image in images]
    with layout.owner_log.open("wb") as log:
        owner = subprocess.Popen(
            command,
            cwd=cluster.root,
            env=of_this_process(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    heard: list[str] = []
    try:
        with layout.owner_log.open(encoding="utf-8", errors="replace") as told:
            while (code := owner.poll()) is None and not _answers(layout):
                _hear(told.readlines(), heard, say)
                time.sleep(0.2)
            _hear(told.readlines(), heard, say)
    except BaseException:
        owner.send_signal(signal.SIGTERM)
        owner.wait()
        cluster.forget()
        raise
    if code is not None:
        cluster.forget()
        raise Refused(_problems(heard, layout), ExitCode(code) if code in list(ExitCode) else ExitCode.FAILED)


def _hear(lines: list[str], heard: list[str], say: Say) -> None:
    for line in lines:
        heard.append(line.rstrip())
        if line.startswith(("node: ", "image", *(f"{name}: " for name in ("etcd", "kube", "coredns", "pause")))):
            say(line.rstrip())


def _problems(heard: Sequence[str], layout: Layout) -> list[Problem]:
    """What the owner refused, or the last line that it said when it refused nothing."""
    try:
        told = [Problem(**load) for load in json.loads(layout.refused.read_text())]
    except (OSError, ValueError, TypeError):
        last = next((line.strip() for line in reversed(heard) if line.strip()), "it said nothing")
        told = [Problem(summary=last, fix=f"read {layout.owner_log}")]
    return [replace(problem, summary=f"the cluster did not come up: {problem.summary}") for problem in told]


def _answers(layout: Layout) -> bool:
    return layout.control.exists() and control.ask(layout.control, {"do": "status"}, within=30) is not None


def start_kind(cluster: Cluster, images: Sequence[str], say: Say) -> None:
    """Makes a kind cluster; its context gets the cluster's own name, as a node of our own has it."""
    cluster.remember(Using.KIND)
    kubeconfig = cluster.layout.kubeconfig
    say(f"cluster: kind makes {cluster.name} in Docker")
    try:
        kind("create", "cluster", "--name", cluster.name, "--kubeconfig", str(kubeconfig), "--wait", "180s")
    except BaseException:
        cluster.forget()
        raise
    narrow([kubeconfig], context_of(kubeconfig), kubeconfig, name=cluster.name)
    for image in images:
        say(load(cluster, image, say))


def start_context(cluster: Cluster, kubeconfigs: Sequence[Path], context: str) -> None:
    """Takes a cluster that is there: nothing is started, and `stop` will only forget it. Its context gets the cluster's own
    name, as that of every other one, so that a stack need not know which it is.

    Raises `Refused` when no kubeconfig has such a context, or nothing with a ready node answers there.
    """
    cluster.remember(Using.CONTEXT, context)
    try:
        narrow(kubeconfigs, context, cluster.layout.kubeconfig, name=cluster.name)
        found = reached(cluster.layout.kubeconfig)
        if not found or not found["ready"]:
            summary = "the cluster has no ready node" if found else "the cluster does not answer"
            files = os.pathsep.join(map(str, kubeconfigs))
            problem = Problem(summary=summary, where=context, file=files, fix=f"kubectl --context {context} get nodes")
            raise Refused(problem, ExitCode.UNAVAILABLE)
    except BaseException:
        cluster.forget()
        raise


def _quiet(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
