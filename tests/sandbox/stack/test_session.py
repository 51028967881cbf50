"""A sandbox stack is derived from a stack file that is only read, in an environment with nothing of the user's."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from core.problem import ExitCode, Problem, Refused
from sandbox import lock
from sandbox.programs import toolchain
from sandbox.stack import session, stackfile
from sandbox.stack.session import Session
from tests.roots import ROOT

HOST = """
import json, sys
print(json.dumps({"aws": 1234, "kubernetes": 2345}), flush=True)
sys.stdin.read()
"""
STACK = """\
secretsprovider: awskms://alias/platform
encryptedkey: QUJDREVGRw==
encryptionsalt: v1:somebody-elses
config:
  aws:region: us-east-1
  modelyard:webhook: {secure: AAABBBCCC}
  modelyard:platform:
    environment: dev
    hooks: [{url: x}, {secure: DDD}]
    "odd.key": {secure: EEE}
"""


@pytest.fixture(scope="module")
def tools() -> toolchain.Toolchain:
    return toolchain.ensure(ROOT, say=lambda _: None)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "infra").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: modelyard\nmain: infra/\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK)
    (tmp_path / "host.py").write_text(HOST)
    monkeypatch.setattr(session, "HOST", (sys.executable, str(tmp_path / "host.py")))
    return tmp_path


def opened(root: Path, tools: toolchain.Toolchain) -> Session:
    return Session.open(root, root / "Pulumi.dev.yaml", "dev", toolchain=tools)


def refused(root: Path, text: str) -> tuple[Problem, ...]:
    file = root / "Pulumi.dev.yaml"
    file.write_text(text)
    with pytest.raises(Refused) as found:
        stackfile.derive(file, "modelyard")
    return found.value.problems


@pytest.mark.engine
def test_the_stack_file_is_read_and_never_written(root: Path, tools: toolchain.Toolchain) -> None:
    before = {file: hashlib.sha256(file.read_bytes()).digest() for file in root.glob("Pulumi*")}
    with opened(root, tools) as stack:
        listed = subprocess.run(
            [tools.pulumi, "config", "--json"], cwd=stack.workdir, env=stack.env, capture_output=True, text=True
        )
        assert listed.returncode == 0, listed.stderr
    assert {file: hashlib.sha256(file.read_bytes()).digest() for file in root.glob("Pulumi*")} == before


@pytest.mark.engine
def test_keys_are_dropped_and_encrypted_values_become_marked_placeholders(
    root: Path, tools: toolchain.Toolchain
) -> None:
    with opened(root, tools) as stack:
        derived = yaml.safe_load((stack.workdir / "Pulumi.dev.yaml").read_text())
        assert {"secretsprovider", "encryptedkey"} & set(derived) == set()
        assert derived["encryptionsalt"] != "v1:somebody-elses"
        text = (stack.workdir / "Pulumi.dev.yaml").read_text()
        assert not any(cipher in text for cipher in ("AAABBBCCC", "DDD", "EEE"))
        shown = subprocess.run(
            [tools.pulumi, "config", "get", "--path", 'modelyard:platform["odd.key"]'],
            cwd=stack.workdir,
            env=stack.env,
            capture_output=True,
            text=True,
        )
        assert shown.stdout.strip() == 'SIMULATED placeholder for modelyard:platform["odd.key"]'
        secure = derived["config"]["modelyard:platform"]
        assert set(secure["hooks"][1]) == set(secure["odd.key"]) == {"secure"}


@pytest.mark.engine
def test_the_environment_holds_no_credentials_cluster_or_option_of_the_caller(
    root: Path, tools: toolchain.Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = {
        "AWS_ACCESS_KEY_ID": "planted",
        "AWS_PROFILE": "planted",
        "KUBECONFIG": "planted",
        "PULUMI_ACCESS_TOKEN": "planted",
        "PULUMI_OPTION_SKIP_PREVIEW": "planted",
        "PULUMI_OPTION_TARGET": "planted",
        "PULUMI_DEBUG_PROVIDERS": "planted:1",
        "PULUMI_BACKEND_URL": "planted",
        "ARM_CLIENT_SECRET": "planted",
        "VAULT_TOKEN": "planted",
        "A_CLOUD_OF_TOMORROW": "planted",
    }
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    with opened(root, tools) as stack:
        assert not [name for name, value in stack.env.items() if "planted" in value]
        assert stack.env["PULUMI_DEBUG_PROVIDERS"] == "aws:1234,kubernetes:2345"
        assert stack.env["PULUMI_BACKEND_URL"] == (root / ".sandbox" / "dev" / "backend").as_uri()
        exports = (stack.workdir / "env.sh").read_text()
        assert "planted" not in exports


@pytest.mark.engine
def test_the_folder_and_the_passphrase_are_for_their_owner_only(root: Path, tools: toolchain.Toolchain) -> None:
    with opened(root, tools) as stack:
        assert stat.S_IMODE(stack.workdir.stat().st_mode) == 0o700
        assert stat.S_IMODE((stack.workdir / "passphrase").stat().st_mode) == 0o600
        assert len((stack.workdir / "passphrase").read_text()) >= 32


@pytest.mark.engine
def test_a_second_session_on_the_same_stack_is_refused_and_after_the_first_it_opens(
    root: Path, tools: toolchain.Toolchain
) -> None:
    with opened(root, tools):
        with pytest.raises(Refused) as found:
            opened(root, tools)
        assert found.value.code is ExitCode.UNAVAILABLE
        assert f"process {os.getpid()}" in found.value.problems[0].found
    opened(root, tools).close()


@pytest.mark.engine
def test_clouds_that_do_not_start_are_a_clear_failure_and_the_stack_is_free_again(
    root: Path, tools: toolchain.Toolchain
) -> None:
    (root / "host.py").write_text("raise SystemExit('no port left')")
    with pytest.raises(Refused, match="no port left"):
        opened(root, tools)
    (root / "host.py").write_text(HOST)
    opened(root, tools).close()


def test_the_lock_goes_with_its_process_however_that_ends(tmp_path: Path) -> None:
    code = "import sys, os; from pathlib import Path; from sandbox import lock; "
    code += "held = lock.take(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Refused):
            lock.take(tmp_path / "lock")
        holder.kill()
    lock.take(tmp_path / "lock").close()


def test_a_provider_that_is_not_simulated_is_refused_with_its_line(root: Path) -> None:
    (problem,) = refused(root, "config:\n  aws:region: us-east-1\n  gcp:project: mine\n")
    assert (problem.where, problem.line) == ("gcp:project", 3)
    assert problem.allowed == "aws, kubernetes, modelyard, pulumi"


def test_config_from_a_pulumi_environment_is_refused(root: Path) -> None:
    (problem,) = refused(root, "environment: [base]\nconfig: {}\n")
    assert (problem.where, problem.line) == ("environment", 1)


@pytest.mark.parametrize("text", ["config: [1]", "- a", "config: {a: b", "\x00"])
def test_what_is_no_stack_file_is_refused(root: Path, text: str) -> None:
    (problem,) = refused(root, text)
    assert problem.file.endswith("Pulumi.dev.yaml")


def test_a_missing_stack_file_is_refused_with_those_that_exist(root: Path) -> None:
    with pytest.raises(Refused) as found:
        stackfile.derive(root / "Pulumi.prod.yaml", "modelyard")
    assert found.value.problems[0].allowed == "one of Pulumi.dev.yaml"


@pytest.mark.engine
def test_the_engine_keeps_its_verbose_log_for_who_debugs_and_for_nobody_else(
    root: Path, tools: toolchain.Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_DEBUG", "1")
    with opened(root, tools) as stack:
        logs = Path(stack.env["PULUMI_HOME"]) / "logs"
        ask = [str(tools.pulumi), "stack", "ls", "--json"]
        subprocess.run(ask, cwd=stack.workdir, env=stack.env, check=True, capture_output=True)
        assert list(logs.iterdir())
    monkeypatch.delenv("MODELYARD_DEBUG")
    with opened(root, tools) as stack:
        said = subprocess.run(ask, cwd=stack.workdir, env=stack.env, check=True, capture_output=True, text=True)
        assert not logs.is_dir()
        assert said.stderr == ""
