"""The lab from end to end: the cluster, a first version, a change that goes out, and a bad one that comes back."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import requests

from core.problem import ExitCode, Problem, Refused
from labs.deploy import changes, image, objects, page, release, store, watch
from labs.deploy.changes import Change
from labs.deploy.report import Delivery, Report, Timed
from sandbox import lab, lock, traffic
from sandbox.lab import Lab
from sandbox.releases import gateway

Say = Callable[[str], None]
IMAGES = ("model-server", "mlflow")
ASKERS, SHORT_ASKERS = 4, 3
SHORT_PAUSE_SECONDS = 15
_TESTS = "tests/app"


@dataclass(kw_only=True)
class Clock:
    """Tells how long each step of the lab takes, and keeps it."""

    say: Say
    began: float = field(default_factory=time.monotonic)
    steps: list[Timed] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times the block."""
        began = time.monotonic()
        yield
        taken = time.monotonic() - began
        self.steps.append(Timed(name, taken))
        self.say(f"{name}: {taken:.1f} s ({time.monotonic() - self.began:.0f} s since the start)")


def run(root: Path, say: Say, *, short: bool = False, cluster: Lab | None = None) -> Report:
    """Runs the lab; files are below `.sandbox/labs/deploy`. `cluster` is one that runs already, else the lab starts its own.

    Raises `Refused` when something that it needs is not there, or a step fails.
    """
    folder, clock = root / ".sandbox" / "labs" / "deploy", Clock(say=say)
    with lock.waiting(folder / "lock", "the lab's folder", say), contextlib.ExitStack() as stack:
        (folder / "release.yaml").unlink(missing_ok=True)
        with clock.step("cluster with Argo Rollouts, Envoy Gateway and Prometheus"):
            if cluster is None:
                cluster = stack.enter_context(lab.started(root, folder / "node", say=say, images=IMAGES))
            cluster.apply(*objects.neighbours())
        registry = stack.enter_context(store.serving(cluster, say))
        deliver = _Delivering(root, folder, cluster, registry, clock, short)
        first = deliver.build(None)
        with clock.step("first version healthy, behind Envoy"):
            deliver.first(first)
        url = f"{cluster.url}/{objects.NAME}/v1"
        asks = [asked_by(url) for _ in range(SHORT_ASKERS if short else ASKERS)]
        with traffic.stream(asks) as flowing:
            flowing.count(20)
            good = deliver.roll(changes.GOOD, flowing)
            greeted = changes.GREETING in requests.get(f"{cluster.url}/{objects.NAME}/", timeout=30).text
            bad = deliver.roll(changes.BAD, flowing)
            flowing.count(20)
            total, lost = len(flowing.answers), len(flowing.lost())
        report = Report(
            first=replace(first, change=""),
            good=good,
            bad=bad,
            greeted=greeted,
            weights=tuple(step.weight for step in deliver.release().rollout.steps),
            steps=tuple(clock.steps),
            asked=total,
            failed=lost,
            behind=tuple(cluster.stands_in),
            total_seconds=time.monotonic() - clock.began,
            load=os.getloadavg()[1],
            short=short,
        )
    (folder / "report.json").write_text(json.dumps(report.as_dict(), indent=2) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(page.page(report), encoding="utf-8")
    return report


@dataclass
class _Delivering:
    """The steps of the workflow, on this machine."""

    root: Path
    folder: Path
    cluster: Lab
    registry: store.Store
    clock: Clock
    short: bool

    def build(self, change: Change | None) -> Delivery:
        """A working copy with a change: tested, built, pushed, and its release raised."""
        where = self.folder / "copy"
        changes.copy(self.root, where)
        version, shown = (change.version, changes.make(where, change)) if change else ("1", "")
        with self.clock.step(f"version {version}: tests"):
            passed = tests(self.root, where)
        target = self.folder / "images" / f"{objects.NAME}.tar"
        with self.clock.step(f"version {version}: image"):
            built = image.build(self.root, where, target, f"{store.HOST}/{objects.NAME}:{version}", self.clock.say)
        with self.clock.step(f"version {version}: push"):
            reference = self.registry.push(objects.NAME, version, built.archive)
        self.clock.say(f"image: {reference} ({built.size / 1e6:.1f} MB)")
        before = self._released(where)
        after = release.raised(before, version, reference)
        raised = release.diff(before, after)
        changes.release_of(where).write_text(after, encoding="utf-8")
        (self.folder / "release.yaml").write_text(after, encoding="utf-8")
        if change:
            self.clock.say(shown)
            self.clock.say(raised)
        return Delivery(version, change.title if change else "", shown, passed, built.digest, built.size, raised, None)

    def first(self, made: Delivery) -> None:
        """Brings the first version up, with a prompt for it, and Prometheus that scrapes it."""
        cluster = self.cluster
        cluster.until("MLflow does not answer", lambda: ready(cluster, objects.REGISTRY), within=300)
        _prompt(cluster)
        cluster.until("the model does not answer", lambda: ready(cluster, objects.MODEL), within=300)
        cluster.apply(*objects.app(self.release()))
        cluster.install("kube-prometheus-stack")

        def answers() -> bool:
            with contextlib.suppress(requests.RequestException):
                url = f"{cluster.url}/{objects.NAME}/v1/chat/completions"
                return bool(requests.post(url, json=traffic.QUESTION, timeout=30).ok)
            return False

        def healthy() -> bool:
            seen = watch.current(cluster)
            return seen is not None and seen.phase == "Healthy"

        cluster.until(f"version {made.version} is not healthy", healthy, within=300)
        cluster.until("the app does not answer through Envoy", answers)

    def roll(self, change: Change, flowing: traffic.Stream) -> Delivery:
        """A change from its tests to the end of its rollout."""
        made = self.build(change)
        with self.clock.step(f"version {change.version}: rollout"):
            began = time.monotonic()
            self.cluster.apply(objects.rollout(self.release()))
            course = watch.follow(self.cluster, flowing, change.version, began, self.clock.say)
        return replace(made, course=course)

    def _released(self, where: Path) -> str:
        """The release file as main has it: the repository's at first, then as it was raised last."""
        own = self.folder / "release.yaml"
        return (own if own.is_file() else changes.release_of(where)).read_text(encoding="utf-8")

    def release(self) -> release.Release:
        """The release as it was raised last, its steps shorter in the short form."""
        found = release.read((self.folder / "release.yaml").read_text(encoding="utf-8"))
        if not self.short:
            return found
        steps = [
            step.model_copy(update={"pause_seconds": min(step.pause_seconds, SHORT_PAUSE_SECONDS)})
            for step in found.rollout.steps
        ]
        return found.model_copy(update={"rollout": found.rollout.model_copy(update={"steps": steps})})


def tests(root: Path, where: Path) -> str:
    """Runs the app's tests in a working copy and gives pytest's last line. Raises `Refused` (`FAILED`) when one fails."""
    command = [sys.executable, "-m", "pytest", _TESTS, "-q", "-n", "0", "-p", "no:cacheprovider", "--color=no"]
    done = subprocess.run(command, cwd=where, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode:
        found = " | ".join((lines or done.stderr.strip().splitlines())[-3:])
        fix = f"cd {where.relative_to(root)} && python -m pytest {_TESTS}"
        raise Refused(
            Problem(summary="the change does not pass the app's tests", found=found, fix=fix), ExitCode.FAILED
        )
    return lines[-1]


def asked_by(url: str) -> traffic.Ask:
    """A user who asks the app over one connection; what answers is told by its version."""
    parts, data = urlsplit(url), json.dumps(traffic.QUESTION)
    open_one: list[http.client.HTTPConnection] = []

    def ask() -> tuple[int, str]:
        if not open_one:
            open_one.append(http.client.HTTPConnection(parts.netloc, timeout=60))
        try:
            open_one[0].request("POST", f"{parts.path}/chat/completions", data, {"Content-Type": "application/json"})
            answer = open_one[0].getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            open_one.pop().close()
            raise
        return answer.status, answer.getheader("X-App-Version", "")

    return ask


def ready(cluster: Lab, name: str) -> bool:
    """Whether a Deployment of a neighbour has a ready pod."""
    found = cluster.node.api.get(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": gateway.SERVING}}
    )
    return bool((found or {}).get("status", {}).get("readyReplicas"))


def _prompt(cluster: Lab) -> None:
    """Registers the app's system prompt as version 1; on a cluster that runs already it may be there."""
    from mlflow import MlflowClient

    url = cluster.publish(objects.SPACE, objects.REGISTRY, objects.REGISTRY_PORT)
    client = MlflowClient(url, url)
    if not client.search_prompts(f"name='{objects.PROMPT}'"):
        client.register_prompt(objects.PROMPT, "You answer in one short sentence.")
