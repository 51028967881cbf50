"""`modelyard doctor`: says before an `up` what would stop it, each thing with its fix; every `up --cloud` asks it first."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core import yaml_lines
from core.engine_version import ask_version, version_tuple
from core.problem import ExitCode, Refused
from core.versions import PULUMI, PULUMI_MINIMUM
from infra import program as wiring
from infra.loaded import LoadedStack
from infra.stack.stack import Stack
from mlflow_provider.connection import URL
from ops.doctor import checks as health
from ops.doctor import network_paths
from ops.doctor.account import Account
from ops.doctor.checks import Answers, Check, Status
from ops.engine.automation import Engine
from ops.images import deployed as images
from ops.images.oci import Registries
from ops.show import Show
from ops.up import first_up
from ops.worlds.world import Place

_ROOM_GB = 1
_BUILD_GB = 4
_STYLES = {Status.OK: "", Status.WARN: "yellow", Status.FAIL: "bold red", Status.UNKNOWN: "bold red"}


def doctor(root: Path, place: Place | None, show: Show) -> ExitCode:
    """Looks at the machine, at the stack's file when `place` is given, and at the account when its world is the cloud."""
    checks = list(local(root))
    if place is not None:
        checks += _stack(place, show)
    ok = not any(check.stops for check in checks)
    if show.as_json:
        show.value({"ok": ok, "checks": [asdict(check) for check in checks]})
    else:
        if place is not None:
            show.head(place.world.title, place.stack)
        _tell(checks, show)
    return ExitCode.OK if ok else ExitCode.REFUSED


def refuse(place: Place, engine: Engine, show: Show) -> None:
    """Before an `up` in an account. Raises Refused with each check that stops it; says those that only warn."""
    loaded = place.loaded
    checks = list(cloud(place, loaded, engine.state(), Account.of(loaded.stack.on_aws.region)))
    for check in checks:
        if check.status is Status.WARN:
            show.line(f"warning {check.name}: {check.found}, {check.needed} {check.fix}".rstrip(", "), style="yellow")
    if stopping := [check.problem() for check in checks if check.stops]:
        raise Refused(stopping)
    show.line(f"doctor: {len(checks)} checks passed")


def local(root: Path) -> Iterator[Check]:
    """What this machine has: Python, packages, a way to an engine, loopback, disk and git."""
    version = ".".join(map(str, sys.version_info[:3]))
    fine = sys.version_info >= (3, 11)
    yield Check(name="python", status=Status.OK if fine else Status.FAIL, found=version, needed="3.11 or newer")
    engine = _engine(root)
    yield engine
    yield _loopback()
    gb, room = shutil.disk_usage(root).free / 2**30, _ROOM_GB if engine.status is Status.OK else _BUILD_GB
    yield Check(
        name="disk",
        status=Status.OK if gb >= room else Status.FAIL,
        found=f"{gb:.0f} GB free",
        needed=f"{room} GB",
        fix="" if gb >= room else "`make clean`, or make room otherwise",
    )
    git = shutil.which("git")
    yield Check(
        name="git",
        status=Status.OK if git else Status.WARN,
        found=git or "not on PATH",
        fix="" if git else "install git: it is needed to notice that a stack file has lost its key",
    )


def _engine(root: Path) -> Check:
    """Which of the three ways would give the engine; nothing is fetched or built to find out."""
    found = shutil.which("pulumi")
    version = ask_version(Path(found)) if found else ""
    if version_tuple(version) >= version_tuple(PULUMI_MINIMUM):
        return Check(name="engine", status=Status.OK, found=f"pulumi {version} on PATH")
    kept = root / ".sandbox" / "toolchain" / f"v{PULUMI}" / "bin" / "pulumi"
    if kept.is_file():
        return Check(name="engine", status=Status.OK, found=f"pulumi v{PULUMI}, kept from an earlier run")
    go = shutil.which("go")
    return Check(
        name="engine",
        status=Status.WARN,
        found="none yet" if not found else f"pulumi {version or 'that does not run'} on PATH is too old",
        needed=f"pulumi >= {PULUMI_MINIMUM}",
        fix=f"nothing to do: the first command fetches the release, or builds it with {go} (4 minutes)"
        if go
        else "the first command fetches the release; where that cannot be reached, put `pulumi` or Go on PATH",
    )


def _loopback() -> Check:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            return Check(name="loopback", status=Status.OK, found=f"port {server.getsockname()[1]} could be opened")
    except OSError as error:
        fix = "allow listening on 127.0.0.1: engine and simulated clouds talk there"
        return Check(name="loopback", status=Status.FAIL, found=str(error), fix=fix)


def _stack(place: Place, show: Show) -> list[Check]:
    try:
        settings = place.loaded.settings
    except Refused as refused:
        return _failed("stack file", refused)
    read = Check(name="stack file", status=Status.OK, found=f"{place.stack_file.name}: {settings.full_name}")
    return [read, *place.world.diagnosed(place, show)]


def in_account(place: Place, show: Show) -> Iterator[Check]:
    """What engine and backend say, and then all that `cloud` looks at. Raises Refused for a stack without AWS."""
    loaded, state = place.loaded, dict[str, Any]()
    region = loaded.stack.on_aws.region
    try:
        with place.world.opened(place, wiring.make(loaded), show.say) as engine:
            found = f"pulumi {engine.command.version} with the provider plugins, logged in to a backend with this stack"
            yield Check(name="engine and backend", status=Status.OK, found=found)
            state = engine.state()
    except Refused as refused:
        yield from _failed("engine and backend", refused)
    yield from cloud(place, loaded, state, Account.of(region))


def cloud(
    place: Place, loaded: LoadedStack, state: dict[str, Any], account: Answers, read: images.Read | None = None
) -> Iterator[Check]:
    """What the account, the registries, the state and the way to the cluster say; `state` is empty when there is none to read.

    `read` asks a registry for a manifest; the public ones are asked without it.
    """
    stack, found = loaded.stack, shutil.which("aws")
    fix = "" if found else "install the AWS CLI, version 2: the cluster's kubeconfig calls it for tokens"
    yield Check(name="aws", status=Status.OK if found else Status.FAIL, found=found or "no `aws` CLI on PATH", fix=fix)
    yield from _kubectl(stack)
    yield from images.checks(images.wanted(loaded), read or Registries().manifest)
    checks = list(health.judged(account, stack))
    yield from checks
    if checks[0].status is Status.UNKNOWN:
        return
    yield from health.answered("secrets key", lambda: secrets(place, state, account))
    yield from health.answered(network_paths.NAME, lambda: network_paths.checks(loaded, account))
    yield from health.answered("cluster endpoint", lambda: _reached(stack, state, account))


def _reached(stack: Stack, state: dict[str, Any], account: Answers) -> Iterator[Check]:
    """Whether the API server answers from here, and which of the two steps of a first `up` is next when it does not."""
    url = _endpoint(stack, state, account)
    fix = first_up.way_in(stack, state.get("resources") or [], url.removeprefix("https://"))
    tunnel = stack.on_aws.cluster.access.tunnel
    yield health.endpoint(url, tunnel, first=first_up.before(stack), fix=fix)


def _kubectl(stack: Stack) -> Iterator[Check]:
    """Whether a registry's content can be brought to a server that has no address outside its cluster."""
    registry = stack.settings.registry
    if registry is None or registry.empty or registry.url or os.environ.get(URL):
        return
    found = shutil.which("kubectl")
    yield Check(
        name="kubectl",
        status=Status.OK if found else Status.FAIL,
        found=found or "no `kubectl` on PATH",
        fix=""
        if found
        else "install kubectl: what the registry holds goes through its port-forward; or say registry.url",
    )


def secrets(place: Place, state: dict[str, Any], account: Answers) -> Iterator[Check]:
    """Whether the stack file still names the key that git and the state know, and whether that key can be used.

    An engine that opens a stack file against another backend drops its key; what was encrypted is then lost.
    """
    now, before = _keys(place.stack_file.read_text(encoding="utf-8")), _keys(_committed(place))
    provider = now.get("secretsprovider", "")
    used = str((state.get("secrets_providers") or {}).get("type", ""))
    lost = [key for key in before if key not in now]
    if lost or (used == "cloud" and not provider):
        found = (
            f"{', '.join(lost)} is gone from {place.stack_file.name}" if lost else "the state has a key, the file none"
        )
        fix = f"`git checkout -- {place.stack_file.name}`, and log in to the stack's own backend"
        yield Check(name="secrets key", status=Status.FAIL, found=found, needed="the key that the stack has", fix=fix)
    elif provider.startswith("awskms://"):
        name = provider.removeprefix("awskms://").partition("?")[0].lstrip("/")
        status = account.key(name)
        yield Check(
            name="secrets key",
            status=Status.OK if status == "Enabled" else Status.FAIL,
            found=f"{name}: {status}",
            needed="Enabled",
            fix="" if status == "Enabled" else "enable the key, or cancel its deletion",
        )
    else:
        yield Check(name="secrets key", status=Status.OK, found=provider.partition(":")[0] or "the backend's own")


def _keys(text: str) -> dict[str, str]:
    content = yaml_lines.one(text, "the stack file") or {}
    return {key: str(content[key]) for key in ("secretsprovider", "encryptedkey") if key in content}


def _committed(place: Place) -> str:
    """The stack file as git has it; empty when git does not."""
    with contextlib.suppress(OSError):
        command = ["git", "show", f"HEAD:./{place.stack_file.name}"]
        done = subprocess.run(command, cwd=place.stack_file.parent, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else ""
    return ""


def _endpoint(stack: Stack, state: dict[str, Any], account: Answers) -> str:
    """The API server's address: of the cluster that the state holds, or of the existing one."""
    existing = stack.on_aws.cluster.existing
    if existing is not None:
        return account.endpoint(existing.name)
    clusters = [
        resource for resource in state.get("resources") or [] if resource.get("type") == "aws:eks/cluster:Cluster"
    ]
    return next(
        (str(cluster["outputs"]["endpoint"]) for cluster in clusters if "endpoint" in cluster.get("outputs", {})), ""
    )


def _failed(name: str, refused: Refused) -> list[Check]:
    return [
        Check(
            name=name,
            status=Status.FAIL,
            found=": ".join(part for part in (problem.place, problem.summary, problem.found) if part),
            needed=problem.allowed,
            fix=problem.fix,
        )
        for problem in refused.problems
    ]


def _tell(checks: list[Check], show: Show) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        show.line(f"{check.status:8}{check.name:{width}}  {check.found}".rstrip(), style=_STYLES[check.status])
        if check.status is not Status.OK:
            for label, text in (("needed", check.needed), ("to fix", check.fix)):
                if text:
                    show.line(f"{'':{width + 10}}{label}: {text}")
    stops = sum(check.stops for check in checks)
    show.line(f"{len(checks)} checks, {stops} would stop an `up`", style="bold red" if stops else "green")
