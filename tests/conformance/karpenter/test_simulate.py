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


def processes() -> list[tuple[str, str, str]]:
    """Process id, parent's process id and command line of everything that runs."""
    found = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    return [(pid, parent, args) for pid, parent, args in (line.split(maxsplit=2) for line in found.splitlines())]


def running_tools(folder: Path) -> set[str]:
    """The sandbox's own programs that run for the simulation in `folder`, by process id."""
    tools = str(ROOT / ".sandbox" / "tools")
    return {pid for pid, _, args in processes() if args.startswith(tools) and f"{folder}/" in args}


def folder_of(simulation: int) -> Path:
    """The folder of one simulation, which the programs that it has started name; others may simulate beside it."""
    started = [args for _, parent, args in processes() if parent == str(simulation)]
    (folder,) = {each for each in (ROOT / ".sandbox").glob("simulate-*") if any(f"{each}/" in args for args in started)}
    return folder


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
    folder = folder_of(running.pid)
    assert len(running_tools(folder)) == 6, "etcd, three of Kubernetes, KWOK and Karpenter"
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=300)
    assert running.returncode == ExitCode.INTERRUPTED, said
    ends = time.monotonic() + 300
    while (left := running_tools(folder)) and time.monotonic() < ends:
        time.sleep(0.5)
    assert not left
    assert not folder.exists()
