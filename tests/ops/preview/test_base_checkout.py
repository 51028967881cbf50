"""A change is held against another checkout: what differs in it, and what that one's own code makes of the stack file."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from core.problem import Refused
from infra.guard import guard
from infra.plan import plan
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from ops.preview.base_checkout import changed, judged_by
from ops.preview.owners import Owners
from ops.preview.tree import paths
from policies.guard.deployed import MAXIMUM_VARIABLE as DEPLOYED
from tests.roots import ROOT

FILE = ROOT / "Pulumi.dev.yaml"


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A checkout with nothing but what is guarded and the stack file."""
    root = tmp_path / "ours"
    owners = Owners.read(ROOT)
    for path in paths(ROOT, frozenset(each.name for each in ROOT.iterdir())):
        if owners.guards(path):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, root / path)
    shutil.copy(FILE, root / FILE.name)
    return root


def differing(ours: Path) -> list[tuple[str, str]]:
    return [(each.path, each.how) for each in changed(ROOT, ours, Owners.read(ROOT))]


def test_a_checkout_that_is_the_same_has_nothing_to_say(ours: Path) -> None:
    judge = judged_by(ROOT, ours, "dev", ours / FILE.name)
    assert (judge.changed, judge.unknown, judge.refusals) == ([], [], [])
    assert len(judge.revision) == 12 and judge.guardians == []


def test_every_guarded_file_that_differs_is_named(ours: Path) -> None:
    guard = ours / "guard.yaml"
    guard.write_text(guard.read_text().replace("dev: 5000", "dev: 50000"))
    (ours / "policies" / "late.py").write_text("")
    (ours / "policies" / "rule.py").unlink()
    (ours / "README.md").write_text("not guarded")
    assert differing(ours) == [
        ("guard.yaml", "changed"),
        ("policies/late.py", "added"),
        ("policies/rule.py", "removed"),
    ]


def test_a_setting_that_the_judging_checkout_does_not_know_is_named(ours: Path) -> None:
    file = ours / FILE.name
    file.write_text(file.read_text().replace("owner: ml-platform", "owner: ml-platform\n    turbo: true"))
    judge = judged_by(ROOT, ours, "dev", file)
    assert judge.unknown == ["turbo: unknown key"]


def test_a_budget_above_the_judging_checkouts_ceiling_is_refused_whatever_the_change_brings(ours: Path) -> None:
    file = ours / FILE.name
    file.write_text(file.read_text().replace("monthlyUsd: 5000", "monthlyUsd: 50000"))
    judge = judged_by(ROOT, ours, "dev", file)
    assert judge.unknown == [] and "above the ceiling" in judge.refusals[0]


@pytest.mark.parametrize(("cents", "refused"), [("0", False), ("-0.01", True)])
def test_what_is_over_but_no_dearer_than_what_is_deployed_is_not_refused_here_either(
    cents: str, refused: bool, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ours / FILE.name
    file.write_text(file.read_text().replace("monthlyUsd: 5000", "monthlyUsd: 3000"))
    most = plan(Stack.read(StackFile.read(file)), guard()).totals.maximum + Decimal(cents)
    monkeypatch.setenv(DEPLOYED, "999999")
    assert "can cost more than the budget allows" in judged_by(ROOT, ours, "dev", file).refusals[0]
    judge = judged_by(ROOT, ours, "dev", file, {DEPLOYED: format(most, "f")})
    assert bool(judge.refusals) == refused


def test_a_checkout_without_packs_or_owners_cannot_judge(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        judged_by(tmp_path, ROOT, "dev", FILE)


def _link(file: Path) -> None:
    file.unlink()
    file.symlink_to(ROOT / "policies" / file.name)


@pytest.mark.parametrize(
    ("path", "how", "change"),
    [
        ("policies/rule.py", "changed", lambda file: file.write_bytes(file.read_bytes() + b" ")),
        ("policies/run", "changed", lambda file: file.chmod(0o644)),
        ("policies/rule.py", "changed", lambda file: file.chmod(0o755)),
        ("policies/rule.py", "changed", _link),
        ("yaml.py", "added", lambda file: file.write_text("")),
        ("sitecustomize.py", "added", lambda file: file.write_text("")),
        ("late.pth", "added", lambda file: file.write_text("import os")),
        ("yaml/__init__.py", "added", lambda file: file.write_text("")),
        ("yaml", "added", lambda file: file.symlink_to("docs")),
        ("core/unseen", "added", lambda file: file.symlink_to("/nowhere")),
        ("core/__pycache__/problem.cpython-311.pyc", "added", lambda file: file.write_bytes(b"\0\0\0\0\1\0\0\0")),
        ("core/__pycache__/problem.cpython-311.pyc", None, lambda file: file.write_bytes(b"\0\0\0\0\0\0\0\0")),
        (".venv/lib/late.py", None, lambda file: file.write_text("")),
        ("docs/late.md", None, lambda file: file.write_text("")),
    ],
)
def test_a_file_differs_by_its_content_its_mode_and_what_it_is(
    ours: Path, path: str, how: str | None, change: Callable[[Path], object]
) -> None:
    (ours / path).parent.mkdir(parents=True, exist_ok=True)
    change(ours / path)
    assert differing(ours) == ([(path, how)] if how else [])


@pytest.mark.parametrize(
    "path", [".venv/bin/python", ".sandbox/x", "core/__pycache__/problem.cpython-311.pyc", "notes/a.txt"]
)
def test_what_git_tracks_counts_wherever_it_stands_and_what_it_does_not_only_where_it_could_run(
    ours: Path, path: str
) -> None:
    (ours / path).parent.mkdir(parents=True, exist_ok=True)
    (ours / path).write_bytes(bytes(16))
    subprocess.run(["git", "init", "-q"], cwd=ours, check=True)
    subprocess.run(["git", "add", "."], cwd=ours, check=True)
    subprocess.run(["git", "rm", "-q", "--cached", "--ignore-unmatch", path], cwd=ours, check=True)
    assert differing(ours) == []
    subprocess.run(["git", "add", "-f", path], cwd=ours, check=True)
    assert differing(ours) == [(path, "added")]


def test_the_judging_code_runs_alone(ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    for folder in (tmp_path / "home", ours):
        folder.mkdir(exist_ok=True)
        for name in ("sitecustomize", "usercustomize", "yaml", "ops"):
            (folder / f"{name}.py").write_text(f"open({str(told)!r}, 'w').close()")
    monkeypatch.chdir(ours)
    for name in ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONHOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    judge = judged_by(ROOT, ours, "dev", ours / FILE.name)
    assert judge.unknown == [] and not told.exists()
    ran = subprocess.run(
        [ROOT / "policies" / "run", "--help"],
        cwd=ours,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "usage: policies" in ran.stdout and not told.exists()


def test_a_guardian_is_named(ours: Path) -> None:
    (ours / "core" / "problem.py").write_text("")
    judge = judged_by(ROOT, ours, "dev", ours / FILE.name)
    assert judge.guardians == ["@modelyard/guardians"]


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("yaml.py", True),
        ("yaml/a.so", True),
        ("late.pth", True),
        ("core/notes.txt", True),
        ("yaml.txt", False),
        ("reports/a.json", False),
    ],
)
def test_what_git_does_not_track_counts_where_it_could_be_imported_or_lies_in_a_folder_of_ours(
    ours: Path, path: str, counts: bool
) -> None:
    subprocess.run(["git", "init", "-q"], cwd=ours, check=True)
    subprocess.run(["git", "add", "."], cwd=ours, check=True)
    (ours / path).parent.mkdir(parents=True, exist_ok=True)
    (ours / path).write_text("")
    assert differing(ours) == ([(path, "added")] if counts else [])
