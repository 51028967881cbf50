"""`modelyard simulate` from outside: its answer as JSON, its exit codes, and nothing left behind by Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.problem import ExitCode
from tests.roots import ROOT

pytestmark = pytest.mark.conformance


def command(file: Path, *more: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "ops.cli", "simulate", "--stack", "dev", "--pods", str(file), *more]
    return subprocess.Popen(
        arguments,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and so does everything that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def running_tools(tools: set[str]) -> set[str]:
    """Those of the process ids `tools` that still run."""
    return {pid for pid in tools if Path("/proc", pid).exists()}


def tools_of(simulation: int) -> set[tuple[str, str]]:
    """Process id and command line of the sandbox's own programs below `simulation`; others may simulate beside it."""
    found = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    lines = [line.split(maxsplit=2) for line in found.splitlines()]
    guards = {pid for pid, parent, _ in lines if parent == str(simulation)}
    tools = str(ROOT / ".sandbox" / "tools")
    return {(pid, args) for pid, parent, args in lines if parent in guards and args.startswith(tools)}


@pytest.fixture
def pods(tmp_path: Path) -> Path:
    file = tmp_path / "pods.yaml"
    file.write_text("- { name: chat, pool: chat, replicas: 3, gpus: 1 }\n- { name: web, replicas: 2 }\n")
    return file


def test_the_answer_is_one_json_value_and_the_exit_code_says_that_a_pod_stays_pending(pods: Path) -> None:
    running = command(pods, "--format", "json")
    out, _ = running.communicate(timeout=900)
    assert running.returncode == ExitCode.PENDING
    found = json.loads(out)
    assert found["fits"] is False and "KWOK" in found["simulatedBy"]
    chat, web = found["loads"]
    assert (chat["placed"], chat["pending"], web["pending"]) == (2, 1, 0)
    assert [line.partition(":")[0] for line in chat["reasons"]] == ["chat-spot", "chat-on-demand"]
    assert {node["nodePool"] for node in found["nodes"]} == {"chat-spot", "chat-on-demand", "general"}


def test_an_interrupted_simulation_leaves_no_process_and_no_folder(pods: Path) -> None:
    running = command(pods)
    assert running.stderr is not None
    for line in running.stderr:
        if "Karpenter decides" in line:
            break
    started = tools_of(running.pid)
    assert len(started) == 6, "etcd, three of Kubernetes, KWOK and Karpenter"
    named = " ".join(args for _, args in started)
    (folder,) = {each for each in (ROOT / ".sandbox").glob("simulate-*") if str(each) in named}
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=300)
    assert running.returncode == ExitCode.INTERRUPTED, said
    ends = time.monotonic() + 300
    while (left := running_tools({pid for pid, _ in started})) and time.monotonic() < ends:
        time.sleep(0.5)
    assert not left
    assert not folder.exists()
