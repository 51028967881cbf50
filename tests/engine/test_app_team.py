"""The example of an app team: its own program and stack on what a deployed dev promises, and the three places of that."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from modelyard_contract import PlatformOutputs

from sandbox.programs.toolchain import ensure
from sandbox.stack.session import Session
from tests.roots import ROOT

EXAMPLE = ROOT / "examples" / "app-team"
JOB = "kubernetes:batch/v1:Job"

pytestmark = pytest.mark.engine


def test_the_example_runs_on_a_deployed_dev_and_goes_without_a_trace(
    deployed: Callable[..., Any], tmp_path: Path
) -> None:
    platform = deployed("dev")
    team = tmp_path / "team"
    shutil.copytree(EXAMPLE, team)
    before = [item.id for item in platform.made()]
    toolchain = ensure(platform.root, say=lambda _: None, language_host=True)
    with Session.open(platform.root, platform.file, "dev", toolchain=toolchain) as session:

        def pulumi(*arguments: str) -> str:
            command = [str(toolchain.pulumi), "--non-interactive", "--color", "never", *arguments]
            done = subprocess.run(command, cwd=team, env=session.env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        pulumi("stack", "init", "nightly")
        settings = {
            "platform": "organization/modelyard/dev",
            "pool": "chat",
            "image": "registry.example.com/embed:1.4.2",
        }
        for key, value in settings.items():
            pulumi("config", "set", key, value)
        pulumi("up", "--yes", "--skip-preview")
        outputs = json.loads(pulumi("stack", "output", "--json"))
        (job,) = [item for item in platform.made() if item.type == JOB and item.id not in before]
        pulumi("preview", "--expect-no-changes")
        pulumi("destroy", "--yes", "--skip-preview")

    promised = PlatformOutputs.read(platform.outputs())
    assert outputs == {"cluster": promised.on_aws().cluster.name, "job": job.inputs["metadata"]["name"]}
    pod = job.inputs["spec"]["template"]["spec"]
    pool = promised.gpu_pools["chat"]
    assert pod["nodeSelector"] == pool.node_selector
    assert pod["tolerations"] == [toleration.model_dump() for toleration in pool.tolerations]
    assert [item.id for item in platform.made()] == before


def test_outputs_config_map_and_parameter_hold_the_same_promise(deployed: Callable[..., Any]) -> None:
    platform = deployed("dev")
    exported = {each["urn"].rpartition("$")[2]: each for each in platform.export()}
    parameter = exported["aws:ssm/parameter:Parameter::outputs"]["inputs"]
    in_cluster = json.loads(exported["kubernetes:core/v1:ConfigMap::outputs"]["inputs"]["data"]["outputs.json"])
    in_parameter = json.loads(_clear(parameter.get("insecureValue") or parameter["value"]))
    outputs = platform.outputs()
    assert in_cluster == in_parameter == {key: outputs[key] for key in in_cluster}
    readers = [PlatformOutputs.read(document) for document in (outputs, in_cluster, in_parameter)]
    assert [promised.to_outputs() for promised in readers] == [in_cluster] * 3
    promised = readers[0]
    assert (promised.environment, promised.on_aws().cluster.name) == ("dev", "modelyard-dev")
    assert promised.gpu_pools["chat"].max_gpus == 2


def _clear(value: Any) -> str:
    """A text of an export that shows secrets, whether it was one or not."""
    return value if isinstance(value, str) else str(json.loads(value["plaintext"]))
