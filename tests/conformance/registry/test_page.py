"""docs/registry.md says what happens: its programs and commands run, in a copy of the project, and what is pasted comes out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.programs import toolchain
from tests.roots import ROOT

pytestmark = pytest.mark.conformance
PAGE = ROOT / "docs" / "registry.md"
BLOCK = re.compile(r"^```(python|console|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LAST_RESORT = 600
"""Seconds after which a command hangs."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What is checked in, with the tools that are built already."""
    toolchain.ensure(ROOT, say=print)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if not name.startswith("tests/"):
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
            target.chmod((ROOT / name).stat().st_mode)
    (tmp_path / ".sandbox").mkdir()
    for name in ("toolchain", "tools"):
        (tmp_path / ".sandbox" / name).symlink_to(ROOT / ".sandbox" / name)
    return tmp_path


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block with the lines that are pasted under it."""
    command, lines = "", list[str]()
    for line in [*block.splitlines(), "$ "]:
        if line.startswith("$ "):
            if command:
                yield command, lines
            command, lines = line.removeprefix("$ "), []
        elif line != "...":
            lines.append(line)


def alike(line: str) -> str:
    """A line with the seconds that it took, and how many resources dev has, taken out; spaces of a table are one."""
    return " ".join(re.sub(r"\(\d+\.\d s\)|\b\d{2,}\b (created|unchanged)", r"\1", line).split())


def test_the_page_runs_from_a_logged_run_to_the_alias_read_back(project: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    start = page.index("## Try it")
    blocks = BLOCK.findall(page[start : page.index("## What a block means")])
    train, read = (text for kind, text in blocks if kind == "python")
    (project / "train.py").write_text(train)
    (project / "read.py").write_text(read)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    # The page is for someone at a terminal, who need not say which world is meant.
    foreign = ("MLFLOW_", "MODELYARD_", "AWS_")
    kept = {key: value for key, value in os.environ.items() if key != "CI" and not key.startswith(foreign)}
    ran = 0
    for kind, text in blocks:
        if kind == "yaml":
            file = project / "Pulumi.dev.yaml"
            before = file.read_text()
            file.write_text(before.replace("aliases: { production: { by: promotion } }", text.strip()))
            assert file.read_text() != before
        for command, lines in commands(text) if kind == "console" else ():
            done = subprocess.run(
                command.split(),
                cwd=project,
                env={**kept, "PATH": path, "COLUMNS": "160"},
                capture_output=True,
                text=True,
                check=False,
                timeout=LAST_RESORT,
            )
            said = done.stdout + done.stderr
            assert done.returncode == 0, f"{command}\n{said[-3000:]}"
            missing = [line for line in lines if alike(line) not in map(alike, said.splitlines())]
            assert missing == [], f"{command}\n{said[-3000:]}"
            ran += 1
    assert ran == 9
