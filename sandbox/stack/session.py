"""One stack in the sandbox: its own project, state, secrets and simulated clouds, and nothing of the user's.

Everything stands in `.sandbox/<stack>/`, which only its owner may read. The environment that an engine gets here has no
variable of the caller's but those that `sandbox/environment.py` lists.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from core.problem import ExitCode, Problem, Refused
from sandbox import lock
from sandbox.kubernetes.cluster import current
from sandbox.programs.toolchain import Toolchain, ensure
from sandbox.stack import mlflow_server as registry
from sandbox.stack import stackfile, workdir

HOST = (sys.executable, "-m", "sandbox.host")
"""The command that serves the simulated clouds."""

_HOST_READY_WITHIN = 120.0


@dataclass(kw_only=True)
class Session:
    """A sandbox stack with its clouds running; use it as a context manager, or `close` it.

    `workdir` is the derived project, `env` the whole environment (not an addition to the caller's) for an engine,
    `world` the folder of the simulated clouds' world.
    """

    root: Path
    stack_file: Path
    workdir: Path
    world: Path
    project: str
    stack_name: str
    env: dict[str, str]
    toolchain: Toolchain
    ports: Mapping[str, int]
    _host: subprocess.Popen[str] = field(repr=False)
    _lock: IO[str] = field(repr=False)
    registry: registry.MlflowServer | None = None

    @classmethod
    def open(
        cls,
        root: Path,
        stack_file: Path,
        name: str,
        faults: Path | None = None,
        calls: Path | None = None,
        *,
        toolchain: Toolchain | None = None,
        kubeconfig: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
        users: bool | None = None,
        account: str = "member",
    ) -> Session:
        """Derives `.sandbox/<name>/` from `stack_file`, which is only read, and starts the simulated clouds.

        `faults` is a file of faults for the host to play, `calls` a file in which it records each call. With `users` given
        a model registry listens too, and asks for a password when it is true. With `kubeconfig` Kubernetes is the cluster
        of that file, and the stack has a folder for that cluster. `account` is how the simulated account stands in AWS
        Organizations: `member`, `management` or `standalone`. Raises `Refused` for a stack file the sandbox cannot
        take, or when another command is using this stack.
        """
        toolchain = toolchain or ensure(root, say=say)
        original = workdir.load_project(root / "Pulumi.yaml")
        project = str(original.get("name") or "modelyard")
        derived = stackfile.derive(stack_file, project)
        folder = _folder(root, name, kubeconfig)
        workdir.make(folder)
        held = lock.take(folder / "lock")
        try:
            env = workdir.environment(os.environ, folder, toolchain)
            workdir.write_project(root, folder, project, original)
            workdir.write_stack(folder, name, project, stack_file, derived, toolchain, env)
            asked = _arguments(folder, root / ".sandbox" / "cache", faults, calls, kubeconfig, account)
            host, ports = _start(asked, folder / "host.log", os.environ if kubeconfig else env)
            models = (
                None
                if users is None
                else registry.start(folder / "mlflow", root / ".sandbox" / "cache", env, users=users)
            )
        except BaseException:
            held.close()
            raise
        env["PULUMI_DEBUG_PROVIDERS"] = ",".join(f"{provider}:{port}" for provider, port in sorted(ports.items()))
        env.update(models.variables() if models else {})
        if kubeconfig:
            # For kubectl, through which the registry in the cluster is reached.
            env["KUBECONFIG"] = str(kubeconfig.resolve())
        workdir.write_exports(folder, env)
        return cls(
            root=root,
            stack_file=stack_file,
            workdir=folder,
            world=folder / "world",
            project=project,
            stack_name=name,
            env=env,
            toolchain=toolchain,
            ports=ports,
            _host=host,
            _lock=held,
            registry=models,
        )

    def close(self) -> None:
        """Stops the simulated clouds, which have written their world already, and lets the stack go."""
        if self.registry is not None:
            self.registry.close()
        _stop(self._host)
        self._lock.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def _folder(root: Path, name: str, kubeconfig: Path | None) -> Path:
    """Where a stack lives: one folder in the sandbox, and one for each cluster that it was brought to."""
    if kubeconfig is None:
        return root / ".sandbox" / name
    cluster = json.dumps(dict(current(kubeconfig)[1]), sort_keys=True)
    return root / ".sandbox" / "clusters" / f"{name}-{hashlib.sha256(cluster.encode()).hexdigest()[:10]}"


def _arguments(
    folder: Path, cache: Path, faults: Path | None, calls: Path | None, kubeconfig: Path | None, account: str
) -> list[str]:
    """What the host is told."""
    cache.mkdir(parents=True, exist_ok=True)
    told = ["--world", str(folder / "world"), "--cache", str(cache), "--account", account]
    told += ["--faults", str(faults)] if faults else []
    told += ["--calls", str(calls)] if calls else []
    # A kubeconfig may call a plugin that signs in with the caller's own account; nothing else there uses it.
    return [*told, *(["--kubeconfig", str(kubeconfig.resolve())] if kubeconfig else [])]


def _start(told: list[str], log: Path, env: Mapping[str, str]) -> tuple[subprocess.Popen[str], dict[str, int]]:
    """Starts the host in a session of its own, so that a Ctrl-C meant for us lets the engine end in order."""
    with log.open("w", encoding="utf-8") as errors:
        host = subprocess.Popen(
            [*HOST, *told],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert host.stdout is not None  # noqa: S101
    timer = threading.Timer(_HOST_READY_WITHIN, host.kill)
    timer.start()
    try:
        line = host.stdout.readline()
        return host, {str(provider): int(port) for provider, port in json.loads(line).items()}
    except (ValueError, AttributeError):
        raise _dead(host, log) from None
    except BaseException:
        _stop(host)
        raise
    finally:
        timer.cancel()


def _dead(host: subprocess.Popen[str], log: Path) -> Refused:
    host.kill()
    _stop(host)
    tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    problem = Problem(summary="the simulated clouds did not start", found=" | ".join(tail), fix=f"read {log}")
    return Refused(problem, ExitCode.FAILED)


def _stop(host: subprocess.Popen[str]) -> None:
    for pipe in (host.stdin, host.stdout):
        if pipe is not None:
            pipe.close()
    try:
        host.wait(10)
    except subprocess.TimeoutExpired:
        host.kill()
        host.wait()
