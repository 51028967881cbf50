"""Tools from pinned modules, each with a stand-in for the `go` that would build it."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import threading
from pathlib import Path

import pytest

from core.problem import ExitCode, Refused
from core.versions import GO_MODULES
from sandbox.programs import tools
from tests.roots import ROOT

GO = """#!/bin/sh
echo "$GOTOOLCHAIN $* CGO=$CGO_ENABLED" >>"{log}"
sleep 0.2
while [ "$1" != "-o" ]; do shift; done
{act}
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `go` that writes the file it is asked for; returns the log of its calls."""
    return stand_in(tmp_path, monkeypatch, 'echo built >"$2"')


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> Path:
    for module in {tool.module for tool in tools.TOOLS.values()}:
        (tmp_path / "root" / "sandbox" / "go" / module).mkdir(parents=True, exist_ok=True)
    log, binary = tmp_path / "log", tmp_path / "path" / "go"
    binary.parent.mkdir()
    binary.write_text(GO.format(log=log, act=act))
    binary.chmod(0o755)
    log.touch()
    monkeypatch.setenv("PATH", f"{binary.parent}:/usr/bin:/bin")
    return log


@pytest.mark.parametrize("tool", tools.TOOLS.values(), ids=lambda tool: tool.name)
def test_a_tool_is_built_from_the_version_that_its_module_pins_by_hash(tool: tools.Tool) -> None:
    folder = ROOT / "sandbox" / "go" / tool.module
    pins = re.findall(rf"^(?:require )?\t?(\S+) {re.escape(tool.version)}$", (folder / "go.mod").read_text(), re.M)
    assert [pin for pin in pins if (tool.around or tool.package).startswith(pin)]
    main = folder / tool.package.removeprefix(f"modelyard.dev/toolchain/{tool.module}").strip("/")
    assert (main / "main.go").is_file() if tool.around else f'"{tool.package}"' in (folder / "tools.go").read_text()
    assert re.search(rf"^\S+ {re.escape(tool.version)} h1:", (folder / "go.sum").read_text(), re.M)


def test_every_pinned_module_is_used() -> None:
    assert {tool.module for tool in tools.TOOLS.values()} == set(GO_MODULES)


def test_a_second_call_takes_what_the_first_built(go: Path, tmp_path: Path) -> None:
    said: list[str] = []
    first = tools.ensure(tmp_path / "root", ["etcd", "promtool"], said.append)
    assert first["etcd"].read_text() == "built\n" and first["etcd"].parent.name == "bin"
    assert first["etcd"].parent.parent.name == f"etcd-{GO_MODULES['etcd']}"
    assert any("about 1 min" in line for line in said)
    assert tools.ensure(tmp_path / "root", ["etcd"], said.append)["etcd"] == first["etcd"]
    assert len(go.read_text().splitlines()) == 2


def test_the_compiler_that_a_module_asks_for_is_named_to_go(go: Path, tmp_path: Path) -> None:
    tools.ensure(tmp_path / "root", ["karpenter-kwok", "kube-apiserver"], lambda _: None)
    karpenter, server = go.read_text().splitlines()
    assert karpenter.startswith("go1.27.3 build") and not server.startswith("go1")
    assert f"gitVersion={GO_MODULES['kubernetes']}" in server and "-mod=readonly" in server


def test_a_program_that_runs_where_no_library_is_is_built_without_c(go: Path, tmp_path: Path) -> None:
    tools.ensure(tmp_path / "root", ["etcd", "pause"], lambda _: None)
    shared, static = go.read_text().splitlines()
    assert "CGO=0" not in shared and "CGO=0" in static


def test_two_runs_at_once_build_once(go: Path, tmp_path: Path) -> None:
    said: list[str] = []
    runs = [
        threading.Thread(target=tools.ensure, args=(tmp_path / "root", ["kwok"], said.append), daemon=True)
        for _ in range(2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(30)
    assert len(go.read_text().splitlines()) == 1
    assert any("another run" in line for line in said)


def test_a_build_that_fails_says_what_go_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "echo checksum mismatch >&2; exit 1")
    with pytest.raises(Refused, match="checksum mismatch") as refused:
        tools.ensure(tmp_path / "root", ["etcd"], lambda _: None)
    assert refused.value.code is ExitCode.UNAVAILABLE
    assert [path.name for path in (tmp_path / "root" / ".sandbox").rglob("*") if path.is_file()] == ["lock"]


def test_without_go_the_refusal_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match=r"no `go` on PATH[\s\S]*install Go") as refused:
        tools.ensure(tmp_path, ["etcd"], lambda _: None)
    assert refused.value.code is ExitCode.UNAVAILABLE


def test_a_name_that_the_table_does_not_know_is_refused_with_the_ones_it_does(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"etdc[\s\S]*etcd, kube-apiserver") as refused:
        tools.ensure(tmp_path, ["etdc"], lambda _: None)
    assert refused.value.code is ExitCode.USAGE


def _with_programs() -> set[str]:
    """The installed wheels that bring a compiled program of their own; libraries that Python loads are none."""
    return {
        str(wheel.metadata["Name"])
        for wheel in importlib.metadata.distributions()
        for file in wheel.files or ()
        if ".so" not in file.name and _compiled(Path(str(file.locate())))
    }


def _compiled(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as content:
        return content.read(4) == b"\x7fELF"


def _named() -> dict[str, str]:
    """Where each binary of SECURITY.md comes from."""
    table = (ROOT / "SECURITY.md").read_text(encoding="utf-8").split("## Third-party binaries")[1]
    rows = [line.split("|")[1:4] for line in table.splitlines() if line.startswith("| ")][1:]
    return {name: row[1] for row in rows for name in re.findall("`([^`]+)`", row[0])}


@pytest.mark.parametrize("tool", tools.TOOLS.values(), ids=lambda tool: tool.name)
def test_every_binary_that_is_built_is_named_with_its_module(tool: tools.Tool) -> None:
    (module,) = re.findall("Go module `([^`]+)`", _named()[tool.name])
    assert f"{tool.around or tool.package}/".startswith(f"{module}/")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for programs as Linux has them")
def test_every_wheel_that_brings_a_program_is_named_and_pinned() -> None:
    wheels = {name for origin in _named().values() for name in re.findall("the wheel `([^`]+)`", origin)}
    folder = ROOT / "requirements"
    for_images = {
        line.partition("==")[0] for path in (folder / "images").glob("*.in") for line in path.read_text().splitlines()
    }
    assert wheels - for_images == _with_programs()
    pinned = "".join(
        path.read_text(encoding="utf-8") for path in (folder / "dev.in", *(folder / "images").glob("*.in"))
    )
    assert all(re.search(rf"^{name}==", pinned, re.M) for name in wheels)
