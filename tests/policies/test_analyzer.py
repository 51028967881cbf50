"""The process that the engine starts: it says its port, answers in the engine's protocol, and never outlives the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator

import grpc  # type: ignore[import-untyped]
import pytest
import yaml
from pulumi.runtime.proto import analyzer_pb2 as wire
from pulumi.runtime.proto import analyzer_pb2_grpc

from policies.packs import PACKS, rules
from policies.process import VERSION
from tests.roots import ROOT

RUN = ROOT / "policies" / "run"
ENGINE = "127.0.0.1:1"
ENVIRONMENT = {**os.environ, "MODELYARD_PYTHON": sys.executable}


def _started(*command: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT)
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stdout.close()


@pytest.fixture
def stub() -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    for _, port in _started(str(RUN), ENGINE):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)


def _queue(**properties: object) -> wire.AnalyzeRequest:
    token = "aws:sqs/queue:Queue"
    request = wire.AnalyzeRequest(type=token, urn=f"urn:pulumi:dev::modelyard::{token}::jobs", name="jobs")
    tags = {"Environment": "dev", "ManagedBy": "modelyard", "Owner": "ml"}
    request.properties.update({"tags": tags, **properties})
    return request


def test_every_rule_is_published_with_its_level_and_no_configuration_is_taken(
    stub: analyzer_pb2_grpc.AnalyzerStub,
) -> None:
    from google.protobuf import empty_pb2  # type: ignore[import-untyped]

    info = stub.GetAnalyzerInfo(empty_pb2.Empty())
    assert [policy.name for policy in info.policies] == [rule.name for rule in rules()]
    assert {policy.enforcementLevel for policy in info.policies} == {wire.MANDATORY}
    assert (info.name, info.supportsConfig) == ("modelyard", False)


def test_a_refusal_is_mandatory_and_a_new_run_forgets_the_last(stub: analyzer_pb2_grpc.AnalyzerStub) -> None:
    told = stub.Analyze(_queue(sqsManagedSseEnabled=False)).diagnostics
    assert {each.policyName for each in told} == {"queue-encrypted", "resources-in-plan"}
    assert {each.enforcementLevel for each in told} == {wire.MANDATORY}
    unknown = "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"
    told = stub.Analyze(_queue(sqsManagedSseEnabled=unknown)).diagnostics
    assert {each.policyName for each in told} == {"resources-in-plan"}
    (note,) = stub.AnalyzeStack(wire.AnalyzeStackRequest()).diagnostics
    assert (note.policyName, note.enforcementLevel) == ("queue-encrypted", wire.ADVISORY)
    stub.ConfigureStack(wire.AnalyzerStackConfigureRequest())
    assert not stub.AnalyzeStack(wire.AnalyzeStackRequest()).diagnostics


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_alone_starts_as_the_official_cli_starts_it(pack: str) -> None:
    folder = str(ROOT / "policies" / pack)
    for _, port in _started(sys.executable, "-u", "-m", "pulumi.policy", ENGINE, folder):
        assert port > 0


def test_the_process_ends_when_the_engine_is_killed() -> None:
    script = f'"{RUN}" {ENGINE} & echo "$!"; wait'
    engine = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, env=ENVIRONMENT, text=True)
    assert engine.stdout is not None
    pack = int(engine.stdout.readline())
    assert int(engine.stdout.readline()) > 0
    engine.kill()
    engine.wait()
    deadline = time.monotonic() + 60
    while _alive(pack) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = _alive(pack)
    if left:
        os.kill(pack, signal.SIGKILL)
    engine.stdout.close()
    assert not left


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent to ask does not."""
    asked = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(asked.stdout.strip()) and not asked.stdout.strip().startswith("Z")


def test_the_packs_carry_the_projects_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packs = [yaml.safe_load(path.read_text()) for path in (ROOT / "policies").rglob("PulumiPolicy.yaml")]
    assert len(packs) == 1 + len(PACKS)
    assert {VERSION, *(pack["version"] for pack in packs)} == {project["version"]}
