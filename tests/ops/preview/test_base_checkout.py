"""A change is held against another checkout: what differs in it, and what that one's own code makes of the stack file."""

from __future__ import annotations

import functools
import shutil
import tomllib
from decimal import Decimal
from pathlib import Path

import grimp
import pytest

from core.problem import Refused
from infra.guard import guard
from infra.plan import plan
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from ops.preview.base_checkout import changed, guarded, guards, judged_by
from policies.guard.deployed import MAXIMUM_VARIABLE as DEPLOYED
from tests.roots import ROOT

FILE = ROOT / "Pulumi.dev.yaml"


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A checkout with nothing but what is guarded and the stack file."""
    root = tmp_path / "ours"
    for pattern in guarded(ROOT):
        copy = shutil.copytree if pattern.endswith("/") else shutil.copy
        (root / pattern).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / pattern, root / pattern)
    shutil.copy(FILE, root / FILE.name)
    return root


def test_a_checkout_that_is_the_same_has_nothing_to_say(ours: Path) -> None:
    judge = judged_by(ROOT, ours, "dev", ours / FILE.name)
    assert (judge.changed, judge.unknown, judge.refusals) == ([], [], [])
    assert len(judge.revision) == 12


def test_every_guarded_file_that_differs_is_named(ours: Path) -> None:
    guard = ours / "guard.yaml"
    guard.write_text(guard.read_text().replace("dev: 5000", "dev: 50000"))
    (ours / "policies" / "late.py").write_text("")
    (ours / "policies" / "rule.py").unlink()
    (ours / "README.md").write_text("not guarded")
    assert [(each.path, each.how) for each in changed(ROOT, ours, guarded(ROOT))] == [
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


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("policies/rule.py", True),
        ("policies", False),
        ("infra/plan.py", True),
        ("infra/plan.py/x", False),
        ("a/policies/b", False),
    ],
)
def test_a_folder_guards_what_is_in_it_and_a_file_itself(path: str, wanted: bool) -> None:
    assert guards(["policies/", "infra/plan.py"], path) == wanted


def test_what_judges_guards_itself() -> None:
    patterns = guarded(ROOT)
    for path in (
        ".github/CODEOWNERS",
        ".github/workflows/preview.yml",
        "guard.yaml",
        "ops/preview/base_checkout.py",
        "policies/guard/ceilings.py",
    ):
        assert guards(patterns, path), path


@pytest.mark.parametrize(
    ("start", "gate"),
    [
        ("infra.__main__", "infra.plan"),
        ("ops.commands", "ops.engine.automation"),
        ("ops.preview.command", "ops.engine.automation"),
        ("ops.cli", "ops.preview.base_checkout"),
        ("policies.__main__", "policies.evaluate"),
    ],
)
def test_no_module_on_the_way_from_a_command_to_a_gate_changes_without_a_guardian(start: str, gate: str) -> None:
    chain = _graph().find_shortest_chain(importer=start, imported=gate)
    assert chain is not None
    patterns = guarded(ROOT)
    assert [each for each in chain if not guards(patterns, f"{each.replace('.', '/')}.py")] == []


def test_all_that_the_packs_and_the_programs_gate_stand_on_is_guarded_and_the_data_beside_it() -> None:
    graph = _graph()
    packs = {module for module in graph.modules if module.startswith("policies.") and module.endswith(".__main__")}
    assert {"policies.__main__", "policies.budget.__main__", "policies.security.__main__"} <= packs
    gates = packs | {"infra.__main__", "infra.plan"}
    stands_on = gates.union(*(graph.find_upstream_modules(gate) for gate in gates))
    files = {file for each in stands_on for file in _files_of(each)}
    assert {
        "core/problem.py",
        "engine/serve.py",
        "kube/shape.py",
        "pricing/book/data/on_demand.json",
        "components/nodes/bill.py",
    } <= files
    patterns = guarded(ROOT)
    assert sorted(file for file in files if not guards(patterns, file)) == []


@functools.cache
def _graph() -> grimp.ImportGraph:
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    return grimp.build_graph(*rooms)


def _files_of(module: str) -> set[str]:
    """The file of a module of ours, and the data files of its folder; nothing for a library's."""
    path = ROOT / module.replace(".", "/")
    own = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not own.is_file():
        return set()
    data = [each for each in (own.parent / "data").rglob("*") if each.is_file()]
    return {each.relative_to(ROOT).as_posix() for each in (own, *data)}
