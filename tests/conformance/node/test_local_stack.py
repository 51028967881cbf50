"""The `local` stack on a real node: its pods run, as it declares them, are scraped, drift, are mended, and leave nothing."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow import MlflowClient

from components.registry.pods import NAMESPACE
from core.problem import ExitCode
from labs.registry import llama
from ops import commands
from ops.cluster import install as cluster_install
from ops.commands import Job
from ops.engine.automation import Outcome
from ops.recover import command as recover
from ops.release import status as release_status
from ops.worlds.kubeconfig import KubeconfigWorld
from ops.worlds.world import Place
from sandbox.images.catalogue import RECIPES
from sandbox.node.giving import give
from sandbox.node.node import Node
from sandbox.programs import toolchain
from sandbox.releases import gateway
from sandbox.releases.install import releases
from tests.conformance.node import scraper
from tests.conformance.node.conftest import say
from tests.conformance.node.kube import Space, deployment, until
from tests.conformance.stacks.test_local import PACKS, Heard
from tests.roots import ROOT

RELEASES = {"argo-rollouts", "dcgm-exporter", "envoy-gateway", "external-secrets", "kube-prometheus-stack"}
"""What the stack declares as charts."""
QUESTION = "What is the capital of France? Answer in one sentence."

pytestmark = pytest.mark.conformance


@pytest.fixture
def place(node: Node, tmp_path: Path) -> Place:
    """A scratch project with the local stack's own file: the node's context is the one that it names."""
    toolchain.ensure(ROOT, say=print)
    (tmp_path / ".sandbox").mkdir()
    (tmp_path / ".sandbox" / "toolchain").symlink_to(ROOT / ".sandbox" / "toolchain")
    for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in (".venv", "policies", "mlflow_provider", "releases"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "infra").mkdir()
    file = tmp_path / "Pulumi.local.yaml"
    (tmp_path / "guard.yaml").symlink_to(ROOT / "guard.yaml")
    return Place(root=tmp_path, stack="local", stack_file=file, world=KubeconfigWorld(node.kubeconfig))


def test_local_runs_real_pods_is_scraped_drifts_is_mended_and_leaves_nothing(
    node: Node,
    space: Space,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    for image in ("mlflow", "prometheus", "model-server"):
        give(ROOT, node, image, lambda line: print(line, file=sys.stderr))
    before = space.kubectl("get", "namespaces", "-o", "name").split()
    show = Heard()
    job = Job(place=place, program=commands.program(place), packs=PACKS, show=show, confirm=lambda _: True)

    def run(command: Callable[..., ExitCode], **more: Any) -> Outcome:
        assert command(job, **more) is ExitCode.OK, show.outcomes[-1].events
        return show.outcomes[-1]

    registry_space = Space(node, NAMESPACE)
    _killed_in_the_middle(place, registry_space)
    run(recover.recover)
    up = run(commands.up)
    resources = sum(up.events.changes.values())
    assert up.events.changes.keys() <= {"create", "same"} and up.events.changes["create"] < resources
    assert {line.split()[5] for line in show.lines if line.startswith("recorded, not installed: ")} == RELEASES

    registry_space.kubectl("wait", "job", "--all", "--for=condition=complete", "--timeout=600s")
    seconds = registry_space.available("registry")
    assert registry_space.kubectl("get", "pvc", "-o", "jsonpath={.items[*].status.phase}") == "Bound"
    pods = json.loads(registry_space.kubectl("get", "pods", "-o", "json"))["items"]
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {RECIPES["mlflow"].image.name}
    assert {pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods} == {0}, (
        "the Job ran before the server"
    )
    keys = {key: base64.b64decode(value).decode() for key, value in _keys(registry_space).items()}

    url = f"http://127.0.0.1:{node.publish(NAMESPACE, 'registry', 5000)}"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", keys["adminPassword"])
    search = f"{url}/api/2.0/mlflow/experiments/search?max_results=10"
    assert requests.get(f"{url}/health", timeout=20).text == "OK"
    assert requests.get(search, timeout=20).status_code == 401
    held = requests.get(search, auth=("admin", keys["adminPassword"]), timeout=60).json()["experiments"]
    assert "support" in {each["name"] for each in held}, "the content is in this very pod"

    asked = f"http://registry.{NAMESPACE}.svc.cluster.local:5000/health"
    serving = Space(node, "modelyard-serving")
    for each in (space, serving):
        each.apply(deployment("asker"))
        each.available("asker")
    until(lambda: serving.ask("asker", asked) == "OK", 180)
    assert space.ask("asker", asked) == "", "a namespace that is no client of the registry is kept out"

    answered = _release_answers(node, job, url)

    monitor = json.loads(registry_space.kubectl("get", "servicemonitor", "registry", "-o", "json"))
    monitoring = Space(node, scraper.NAMESPACE)
    declared = scraper.objects(monitor, keys["metricsPassword"], keys["metricsUser"])
    for each in (registry_space, monitoring):
        each.apply(*(obj for obj in declared if obj["metadata"]["namespace"] == each.name))
    monitoring.available(scraper.NAME)
    prometheus = f"http://127.0.0.1:{node.publish(scraper.NAMESPACE, scraper.NAME, 9090)}/api/v1/query"
    scraped = until(lambda: _sample(prometheus, 'up{job="registry"}') == "1", 180)
    assert int(_sample(prometheus, 'sum(mlflow_http_request_total{namespace="modelyard-registry"})')) > 0

    assert run(commands.up).events.changes == {"same": resources}, "nothing to change"
    shut = json.dumps({"spec": {"ingress": []}})
    registry_space.kubectl("patch", "networkpolicy", "registry", "--type=merge", f"--patch={shut}")
    until(lambda: serving.ask("asker", asked) == "", 180)
    assert run(commands.refresh, only_look=True).events.changes == {"same": resources - 1, "update": 1}
    run(commands.refresh)
    assert run(commands.up).events.changes == {"same": resources - 1, "update": 1}
    until(lambda: serving.ask("asker", asked) == "OK", 180)

    gone = run(commands.destroy)
    assert gone.events.changes == {"delete": resources}
    assert space.kubectl("get", "namespaces", "-o", "name").split() == before
    until(lambda: space.kubectl("get", "pv", "-o", "name") == "" and not list(node.layout.volumes.glob("*")), 180)
    told = f"{resources} resources up in {up.seconds:.1f} s, MLflow ready {seconds:.1f} s later, scraped after {scraped:.1f} s, "
    told += f"its release healthy {answered:.1f} s after the right weights came"
    record_property("conformance", f"local on the real node: {told}, gone in {gone.seconds:.1f} s")


def _release_answers(node: Node, job: Job, url: str) -> float:
    """The stack's own release: not served while its digest is another; once it is right, the model answers through Envoy."""
    with job.place.world.opened(job.place, job.program, print) as engine:
        values = cluster_install.declared(engine.state()["resources"])
    assert values.keys() == {"argo-rollouts", "gateway-helm", "kube-prometheus-stack"}
    releases(ROOT, node, ["argo-rollouts", "gateway-helm"], values=values, say=say)
    space = Space(node, "modelyard-serving")
    client = MlflowClient(url, url)
    (experiment,) = client.search_experiments(filter_string="name = 'support'")
    run = client.create_run(experiment.experiment_id).info
    _log(client, run.run_id, b"GGUF of somebody else")
    client.create_model_version("assistant", f"{run.artifact_uri}/model", run.run_id)
    until(lambda: _refused(node), 180)
    _log(client, run.run_id, llama.base().read_bytes())
    space.kubectl("delete", "pods", "--selector=app.kubernetes.io/component=model-server")
    taken = until(lambda: release_status.read(node.api, "chat").healthy, 180)
    address = f"http://127.0.0.1:{node.publish(gateway.NAMESPACE, gateway.NAME, gateway.PORT)}/chat/v1"
    asked = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 24, "temperature": 0}
    until(lambda: requests.post(f"{address}/chat/completions", json=asked, timeout=60).ok, 300)
    said = requests.post(f"{address}/chat/completions", json=asked, timeout=60).json()
    assert "Paris" in said["choices"][0]["message"]["content"]
    return taken


def _log(client: MlflowClient, run: str, content: bytes) -> None:
    """Writes the one file of a model below the run, over what was there."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.gguf").write_bytes(content)
        client.log_artifact(run, str(Path(folder) / "model.gguf"), "model")


def _refused(node: Node) -> bool:
    """Whether `modelyard release status` says that the files are others than the release file's."""
    said = release_status.read(node.api, "chat")
    assert not said.healthy
    return any("the files have another digest: expected sha256:" in pod.reason for pod in said.pods)


def _killed_in_the_middle(place: Place, space: Space) -> None:
    """Kills the command that brings the stack up as soon as its registry is declared."""
    command = ["modelyard", "up", "--stack", "local", "--kubeconfig", str(space.node.kubeconfig), "--yes"]
    with subprocess.Popen(command, cwd=place.root, stdout=sys.stderr, stderr=sys.stderr) as up:
        path = f"/apis/apps/v1/namespaces/{space.name}/deployments"
        until(lambda: up.poll() is not None or space.node.api.request("GET", path, warned=False)["items"] != [], 1200)
        assert up.poll() is None, "it has not ended yet"
        up.kill()
    assert up.returncode == -signal.SIGKILL


def _keys(space: Space) -> dict[str, str]:
    found: dict[str, str] = json.loads(space.kubectl("get", "secret", "registry-keys", "-o", "json"))["data"]
    return found


def _sample(url: str, query: str) -> str:
    """The one value of a query now, or nothing."""
    found = requests.get(url, params={"query": query}, timeout=10).json()["data"]["result"]
    return str(found[0]["value"][1]) if found else ""
