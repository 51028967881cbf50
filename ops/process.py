"""Starts the engine's process for the Automation API, in exactly the environment it is given.

The Automation API by itself adds to the caller's environment and leaves an interrupted engine behind; both would break
what the sandbox and Ctrl-C promise.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo


class EngineCommand(PulumiCommand):
    """The engine's process: the environment is `env` and nothing else; an interrupt is passed on and waited for."""

    def __init__(self, binary: Path, version: str, env: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.command = str(binary)
        self.version = VersionInfo.parse(version.removeprefix("v"))
        self._env, self._say = dict(env), say

    def tell(self, name: str, value: str) -> None:
        """Adds a variable to the environment of every engine started from here on."""
        self._env[name] = value

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Runs one command to its end. Raises `CommandError` when it fails, `KeyboardInterrupt` when it was stopped."""
        env = {**self._env, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        process = subprocess.Popen(
            [self.command, "--non-interactive", *args],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            process_group=0,
        )
        out, err = _Reader(process.stdout, on_output), _Reader(process.stderr, on_error)
        interrupted = self._wait(process)
        result = CommandResult(stdout=out.text(), stderr=err.text(), code=process.returncode)
        if interrupted:
            raise KeyboardInterrupt
        if process.returncode != 0:
            raise create_command_error(result)
        return result

    def _wait(self, process: subprocess.Popen[str]) -> bool:
        interrupts = 0
        while True:
            try:
                process.wait()
                return interrupts > 0
            except KeyboardInterrupt:
                interrupts += 1
                if interrupts == 1:
                    self._say("stopping: what is under way ends first (Ctrl-C again to kill it)")
                    process.send_signal(signal.SIGINT)
                else:
                    process.kill()


class _Reader(threading.Thread):
    def __init__(self, stream: IO[str] | None, on_line: OnOutput | None) -> None:
        super().__init__(daemon=True)
        self._stream, self._on_line, self._lines = stream, on_line, list[str]()
        self.start()

    def run(self) -> None:
        for line in self._stream or ():
            self._lines.append(line.rstrip())
            if self._on_line is not None:
                self._on_line(line.rstrip())

    def text(self) -> str:
        self.join()
        if self._stream is not None:
            self._stream.close()
        return "\n".join(self._lines)


@contextlib.contextmanager
def replaced_environment(env: Mapping[str, str]) -> Iterator[None]:
    """This process's environment is `env` inside the block: the SDKs read defaults from it."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
