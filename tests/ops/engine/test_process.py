"""The engine's process: exactly its environment, and an interrupt that it may answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pulumi.automation import CommandError

from ops.engine.process import EngineCommand, replaced_environment
from tests.roots import ROOT


def script(folder: Path, text: str) -> Path:
    file = folder / "pulumi"
    file.write_text("#!/bin/sh\n" + text)
    file.chmod(0o755)
    return file


def command(binary: Path, env: dict[str, str]) -> EngineCommand:
    return EngineCommand(binary, "v3.259.0", env, lambda _: None)


def test_the_engine_sees_what_it_is_given_and_nothing_of_the_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    binary = script(tmp_path, "/usr/bin/env\n")
    said = command(binary, {"PULUMI_HOME": "home"}).run(["up"], str(tmp_path), {"MORE": "yes"}).stdout
    names = {line.partition("=")[0] for line in said.splitlines()} - {"PWD", "SHLVL", "_"}
    assert names == {"PULUMI_HOME", "MORE", "PULUMI_AUTOMATION_API"}


def test_the_program_sees_the_same_environment_and_the_caller_gets_its_own_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_REGION", "planted")
    with replaced_environment({"ONLY": "this"}):
        assert dict(os.environ) == {"ONLY": "this"}
    assert os.environ["AWS_REGION"] == "planted"


def test_a_failure_carries_the_engines_own_words(tmp_path: Path) -> None:
    binary = script(tmp_path, "echo 'no such stack' >&2; exit 255\n")
    with pytest.raises(CommandError, match="no such stack"):
        command(binary, {}).run(["up"], str(tmp_path), {})


WAITS = """
from pathlib import Path
from ops.engine.process import EngineCommand
import signal, sys
# Whoever started the tests may have had interrupts ignored, as a shell does for what runs in its background.
signal.signal(signal.SIGINT, signal.default_int_handler)
say = lambda line: print(line, flush=True)
try:
    EngineCommand(Path(sys.argv[1]), "v3.259.0", {}, say).run(["up"], ".", {}, on_output=say)
except KeyboardInterrupt:
    say("interrupted after the engine had ended")
"""


def test_an_interrupt_is_passed_on_and_the_engines_end_is_waited_for(tmp_path: Path) -> None:
    text = "trap 'echo engine ends in order; exit 1' INT\necho started\nwhile :; do /bin/sleep 0.05; done\n"
    with subprocess.Popen(
        [sys.executable, "-c", WAITS, str(script(tmp_path, text))],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        said = process.stdout.read().splitlines()
    assert said == [
        "stopping: what is under way ends first (Ctrl-C again to kill it)",
        "engine ends in order",
        "interrupted after the engine had ended",
    ]
