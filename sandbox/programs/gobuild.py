"""Builds the engine, its Python language host and other tools from pinned Go modules: a module proxy is enough.

The modules in `sandbox/go/` pin every dependency by hash (`go.sum`); the build never changes them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from core.versions import PULUMI, PULUMI_LANGUAGE_PYTHON
from sandbox.environment import for_fetching

Say = Callable[[str], None]

_SDK = "github.com/pulumi/pulumi/sdk/v3"
_TELL_EVERY = 10.0


class BuildError(Exception):
    """The build cannot be done here; the text says why, for a person."""


def engine(modules: Path, version: str, target: Path, say: Say) -> None:
    """Builds `pulumi` into `target` from `modules` (`sandbox/go`); raises `BuildError` without `go` or on failure."""
    stamp = f"-s -w -X {_SDK}/go/common/version.Version=v{version}"
    say(f"toolchain: building pulumi v{version} with Go (about 4 minutes on two cores, once)")
    build(modules / "pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", target / "pulumi", stamp, say)


def language_host(modules: Path, target: Path, say: Say) -> None:
    """Builds `pulumi-language-python` and puts the two scripts that it starts beside it, all or nothing."""
    say(f"toolchain: building the Python language host v{PULUMI_LANGUAGE_PYTHON} with Go (about half a minute, once)")
    staged = target.with_name(f"{target.name}-{os.getpid()}")
    shutil.rmtree(staged, ignore_errors=True)
    package = f"{_SDK}/python/cmd/pulumi-language-python"
    stamp = f"-s -w -X {_SDK}/go/common/version.Version=v{PULUMI_LANGUAGE_PYTHON}"
    try:
        build(modules / "language-python", package, staged / "pulumi-language-python", stamp, say)
        older = _module(modules / "language-python", PULUMI_LANGUAGE_PYTHON)
        newer = _module(modules / "pulumi", PULUMI)
        for script in (
            newer / "python" / "cmd" / "pulumi-language-python-exec",
            older / "python" / "dist" / "pulumi-resource-pulumi-python",
        ):
            shutil.copyfile(script, staged / script.name)
            (staged / script.name).chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _go() -> str:
    go = shutil.which("go")
    if go is None:
        raise BuildError("no `go` on PATH")
    return go


def _module(folder: Path, version: str) -> Path:
    """The folder in the module cache that holds the SDK at `version`."""
    command = [_go(), "mod", "download", "-json", f"{_SDK}@v{version}"]
    done = subprocess.run(command, cwd=folder, env=for_fetching(), capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        key, _, value = line.strip().partition(":")
        if key == '"Dir"':
            return Path(value.strip().strip('",'))
    raise BuildError(f"Go does not find {_SDK}@v{version}: {done.stderr.strip() or done.stdout.strip()}")


def build(
    folder: Path,
    package: str,
    output: Path,
    ldflags: str,
    say: Say,
    *,
    go_version: str = "",
    static: bool = False,
) -> None:
    """Builds `package` of the module in `folder` into `output`; `go_version` (`go1.27.3`) is the compiler it needs.

    A `static` program needs no shared library where it runs. `say` hears every ten seconds how far it is. Raises `BuildError`
    without `go` or on failure.
    """
    command = [_go(), "build", "-v", "-trimpath", "-mod=readonly", "-ldflags", ldflags, "-o", str(output), package]
    env = {
        **for_fetching(),
        **({"GOTOOLCHAIN": go_version} if go_version else {}),
        **({"CGO_ENABLED": "0"} if static else {}),
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        lines: list[str] = []
        reader = threading.Thread(target=_collect, args=(process, lines), daemon=True)
        reader.start()
        try:
            while reader.is_alive():
                reader.join(_TELL_EVERY)
                if reader.is_alive():
                    say(f"{output.name}: {_progress(lines)}, {time.monotonic() - started:.0f} s")
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0 or not output.is_file():
        raise BuildError(f"go build failed: {' | '.join(lines[-4:])}")


def _collect(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stderr is not None  # noqa: S101
    for line in process.stderr:
        lines.append(line.rstrip())


def _progress(lines: list[str]) -> str:
    fetched = sum(line.startswith("go: downloading") for line in lines)
    compiled = sum(not line.startswith("go: ") for line in lines)
    return f"{fetched} modules fetched, {compiled} packages compiled"
