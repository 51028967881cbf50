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
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from semver import VersionInfo

_OWN = ("grpc.use_local_subchannel_pool", 1)


def own_connections() -> None:
    """Makes each operation of this process open a connection of its own to its engine.

    gRPC shares a connection between all channels of a process to one address, and with it a refusal: an engine that
    listens where an earlier one has just ended would count as gone for a second. Source: gRPC core, channel arguments.
    """
    if _OWN not in _GRPC_CHANNEL_OPTIONS:
        _GRPC_CHANNEL_OPTIONS.append(_OWN)


class EngineCommand(PulumiCommand):
    """The engine's process: the environment is `env` and nothing else; an interrupt is passed on and waited for."""

    def __init__(self, binary: Path, version: str, env: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.command = str(binary)
        self.version = VersionInfo.parse(version.removeprefix("v"))
        self._env, self._say = dict(env), say

    def tell(self, variables: Mapping[str, str], *, instead_of: Sequence[str] = ()) -> None:
        """Adds variables to the environment of every engine started from here on; those in `instead_of` are taken out first."""
        self._env = {**{key: value for key, value in self._env.items() if key not in instead_of}, **variables}

    def read(self, args: Sequence[str], folder: Path) -> str:
        """The standard output of a command that only reads, for any thread. Raises `CommandError` when it fails."""
        done = subprocess.run(
            [self.command, "--non-interactive", *args],
            cwd=folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise create_command_error(CommandResult(stdout=done.stdout, stderr=done.stderr, code=done.returncode))
        return done.stdout

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
        with _Interrupts(self._say) as interrupts:
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
            interrupts.pass_to(process)
            out, err = _Reader(process.stdout, on_output), _Reader(process.stderr, on_error)
            process.wait()
        result = CommandResult(stdout=out.text(), stderr=err.text(), code=process.returncode)
        if interrupts.count:
            raise KeyboardInterrupt
        if process.returncode != 0:
            raise create_command_error(result)
        return result


class _Interrupts:
    """Passes Ctrl-C on to an engine from the moment that it is started: the first ends it in order, the second kills it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.count = 0
        self._say = say
        self._process: subprocess.Popen[str] | None = None
        self._before: Any = None

    def __enter__(self) -> _Interrupts:
        heard = threading.current_thread() is threading.main_thread()
        if heard and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self._before = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def pass_to(self, process: subprocess.Popen[str]) -> None:
        """The engine that has just started; an interrupt that came before it is passed on now."""
        self._process = process
        if self.count:
            self._pass_on(process)

    def _interrupted(self, *_: object) -> None:
        self.count += 1
        if self._process is not None:
            self._pass_on(self._process)

    def _pass_on(self, process: subprocess.Popen[str]) -> None:
        if self.count == 1:
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
