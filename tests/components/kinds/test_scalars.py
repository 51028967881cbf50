"""A number is a number, true or false is that, a key is as the schema says it: held for every field of every Spec."""

from __future__ import annotations

import enum
from decimal import Decimal
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import infra.program
from components.kinds.scalars import AMOUNT, TRUTH, WHOLE, kind, loose, unwrapped
from components.spec import Spec
from core.problem import Problem, Refused
from infra.program import main
from infra.stack import keys
from infra.stack.explain import problems_of
from infra.stack.file import StackFile
from infra.stack.settings import Settings
from infra.stack.stack import Stack
from tests.specs import places, specs

HEAD = """\
config:
  aws:region: us-east-1
  modelyard:platform:
    environment: dev
    owner: ml-platform
"""
HAPPY = f"{HEAD}    budget: {{ monthlyUsd: 9000 }}\n"
REACH = "    cluster: { access: { reach: ssmTunnel } }\n"
"""How the deployer comes in: without it a whole stack is refused."""
POOL = "    gpuPools:\n      chat: {{ purpose: serving, instanceTypes: [g6.xlarge], limits: {{ gpus: {} }} }}\n"
NEVER: dict[str, list[Any]] = {
    WHOLE: [True, False, "yes", "2", "0x10", "1_0", "010", "\uff12", 1.5, float("nan"), float("inf"), [], {}, "2GB"],
    AMOUNT: [
        True,
        False,
        "yes",
        "1e3",
        "0x10",
        "1_0",
        "010",
        "1:20",
        "\uff12",
        "nan",
        float("inf"),
        [],
        {},
        "$5",
        " 5",
    ],
    TRUTH: ["yes", "no", "true", "on", 1, 0, 1.0, [], {}],
}
FIELDS = [
    (spec, name, found)
    for spec in specs()
    for name, field in spec.model_fields.items()
    if (found := kind(field.annotation))
]


def problems(tmp_path: Path, text: str) -> list[Problem]:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(text)
    try:
        Stack.read(StackFile.read(path))
    except Refused as refused:
        return list(refused.problems)
    return []


def test_there_are_as_many_fields_as_there_should_be() -> None:
    assert len(FIELDS) > 90


@pytest.mark.parametrize(("spec", "name", "found"), FIELDS, ids=[f"{spec.__name__}.{name}" for spec, name, _ in FIELDS])
def test_nothing_else_passes_for_a_number_or_for_true_and_false(spec: type[Spec], name: str, found: str) -> None:
    alias = str(spec.model_fields[name].alias)
    for value in NEVER[found]:
        if value in ([], {}) and found != WHOLE:
            continue
        with pytest.raises(ValidationError) as caught:
            spec.model_validate({alias: value})
        here = [problem for problem in problems_of(caught.value, spec) if problem.where == alias]
        assert here, value
        assert all(problem.allowed for problem in here)


@pytest.mark.parametrize(("spec", "name", "found"), FIELDS, ids=[f"{spec.__name__}.{name}" for spec, name, _ in FIELDS])
def test_a_refused_number_says_what_it_counts(spec: type[Spec], name: str, found: str) -> None:
    field = spec.model_fields[name]
    if found == TRUTH or isinstance(unwrapped(field.annotation), enum.EnumMeta):
        return
    with pytest.raises(ValidationError) as caught:
        spec.model_validate({str(field.alias): "80GB"})
    (here,) = [problem for problem in problems_of(caught.value, spec) if problem.where == field.alias]
    assert str(field.description).split("\n")[0].rstrip(".;") in here.allowed


@pytest.mark.parametrize(
    ("line", "where", "says"),
    [
        (POOL.format("yes"), "gpuPools.chat.limits.gpus", "write true or false"),
        (POOL.format("true"), "gpuPools.chat.limits.gpus", "a whole number"),
        (POOL.format("0"), "gpuPools.chat.limits.gpus", "greater than or equal to 1"),
        (POOL.format("-5"), "gpuPools.chat.limits.gpus", "greater than or equal to 1"),
        (POOL.format("'2'"), "gpuPools.chat.limits.gpus", "a text in quotes"),
        (POOL.format("2GB"), "gpuPools.chat.limits.gpus", "Whole GPUs at once"),
        (POOL.format("\uff12"), "gpuPools.chat.limits.gpus", "FULLWIDTH DIGIT TWO"),
        (POOL.format("{}"), "gpuPools.chat.limits.gpus", "a whole number"),
        ("    generalPool: { diskGb: 0200 }\n", "generalPool.diskGb", "octal"),
        ("    generalPool: { diskGb: 80GB }\n", "generalPool.diskGb", "GiB"),
        ("    registry: { server: { replicas: true } }\n", "registry.server.replicas", "a map"),
        ("    registry: { server: { replicas: { min: true } } }\n", "registry.server.replicas.min", "a whole number"),
        ("    registry: { server: { replicas: { min: 0 } } }\n", "registry.server.replicas.min", "or equal to 1"),
        ("    registry: { server: { replicas: { min: -5 } } }\n", "registry.server.replicas.min", "or equal to 1"),
        ("    cluster: { deletionProtection: yes }\n", "cluster.deletionProtection", "write true or false"),
        ("    cluster: { deletionProtection: 'true' }\n", "cluster.deletionProtection", "true or false"),
        ("    cluster: { version: 1.30 }\n", "cluster.version", 'write it in quotes: "1.30"'),
        ("    gpu_pools: {}\n", "gpu_pools", "did you mean gpuPools?"),
        ("    generalPool: { disk_gb: 80 }\n", "generalPool.disk_gb", "did you mean diskGb?"),
        ("    \u0441luster: {}\n", "\u0441luster", "CYRILLIC SMALL LETTER ES, which looks like c"),
        ("    clus\u200bter: {}\n", "clus\u200bter", "which cannot be seen"),
        ("    systemNodes: {}\n", "systemNodes", "it belongs to cluster.systemNodes"),
        ("    cidr: 10.0.0.0/16\n", "cidr", "it belongs to network.cidr"),
        ("    network: { cluster: {} }\n", "network.cluster", "it belongs to cluster"),
        (
            "    gpuPools: { chat: { purpose: serving, instanceTypes: [g6.xlarge], mode: mig } }\n",
            "gpuPools.chat.mode",
            "it belongs to gpuPools.chat.sharing.mode",
        ),
        (
            "    gpuPools: { chat: { purpose: serving, instanceTypes: [g6.xlarge], gpus: 2 } }\n",
            "gpuPools.chat.gpus",
            "it belongs to gpuPools.chat.limits.gpus or gpuPools.chat.onDemandFallback.gpus",
        ),
    ],
)
def test_a_loose_value_or_key_is_refused_at_its_line_with_what_to_write(
    tmp_path: Path, line: str, where: str, says: str
) -> None:
    (problem,) = problems(tmp_path, HAPPY + line)
    assert (problem.where, problem.file) == (where, "Pulumi.dev.yaml")
    assert problem.line == (8 if line.startswith("    gpuPools:\n") else 7)
    assert says in problem.text()


@pytest.mark.parametrize("amount", ["010000", "1:23:20", "1_000", "1e4", "+5", ".inf", "0x10"])
def test_an_amount_of_money_that_readers_disagree_about_is_refused(tmp_path: Path, amount: str) -> None:
    (problem,) = problems(tmp_path, f"{HEAD}    budget: {{ monthlyUsd: {amount} }}\n")
    assert (problem.where, problem.line) == ("budget.monthlyUsd", 6)


def test_the_plain_numbers_are_taken(tmp_path: Path) -> None:
    for amount in ("9000", "9000.5", "'9000.50'"):
        assert problems(tmp_path, f"{HEAD}    budget: {{ monthlyUsd: {amount} }}\n{REACH}") == []


@pytest.mark.parametrize(
    ("text", "where", "fix"),
    [
        (f"{HAPPY}network: {{}}\n", "network", "it belongs under config, in modelyard:platform"),
        (f"{HAPPY}gpuPools: {{}}\n", "gpuPools", "it belongs under config, in modelyard:platform"),
        (
            f"{HAPPY}  modelyard:budget: {{}}\n",
            "config.modelyard:budget",
            "it belongs under config, in modelyard:platform",
        ),
        (f"{HAPPY}  network: {{}}\n", "config.network", "it belongs under config, in modelyard:platform"),
        (f"{HAPPY}nonsense: 1\n", "nonsense", "take it out"),
    ],
)
def test_a_part_outside_the_platform_is_told_where_it_belongs(tmp_path: Path, text: str, where: str, fix: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert (problem.where, problem.line, problem.fix) == (where, 7, fix)


def test_a_named_secret_and_what_pulumi_keeps_there_are_taken(tmp_path: Path) -> None:
    kept = "encryptionsalt: 'v1:abc'\n"
    assert problems(tmp_path, f"{kept}{HAPPY}{REACH}  modelyard:webhookSecret:\n    secure: v1:x\n") == []
    assert problems(tmp_path, f"{HAPPY}{REACH}  modelyard:name:\n    secure: v1:x\n") == []


def test_a_key_of_any_place_is_found_at_its_own_place() -> None:
    """Every key, put one level out, is told of a place that has it, unless that level has a key like it."""
    for path, _, _ in places(Settings):
        above = [step for step in path[:-1] if isinstance(step, str)]
        if len(above) < 1 or isinstance(path[-1], int) or path[-1] == "x-x" or path[-2] == "x-x":
            continue
        problem = keys.unknown((*path[:-2], path[-1]), "w", Settings, "a value")
        assert problem.fix.startswith(("it belongs to", "did you mean")), path


@given(
    st.recursive(
        st.one_of(st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
        lambda inner: st.lists(inner, max_size=2),
    )
)
def test_what_is_taken_for_a_number_is_a_plain_one(value: Any) -> None:
    if not list(loose(int, value)):
        assert not isinstance(value, bool | str | list)
        assert value == int(value)
    if not list(loose(Decimal, value)):
        assert Decimal(str(value)).is_finite()
        assert not isinstance(value, bool | list)
    if not list(loose(bool, value)):
        assert isinstance(value, bool)


class Engine:
    """What the engine tells the program."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform

    def require_object(self, _key: str) -> Any:
        return self.platform

    def get(self, _key: str) -> str:
        return "us-east-1"


def told(monkeypatch: pytest.MonkeyPatch, folder: Path, platform: Any) -> str:
    """What the program says to an engine that has read that platform; empty when it builds."""
    monkeypatch.setattr(pulumi, "Config", lambda _name: Engine(platform))
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(folder))
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    monkeypatch.setattr(infra.program, "_build", Stack.read)
    try:
        main()
    except pulumi.RunError as error:
        return str(error)
    return ""


def test_what_the_engine_has_read_otherwise_is_refused_by_the_files_own_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's reader takes 010000 for 4096 and hands that on: only the file tells."""
    platform = {
        "environment": "dev",
        "owner": "ml-platform",
        "cluster": {"access": {"reach": "ssmTunnel"}},
        "budget": {"monthlyUsd": 4096},
    }
    assert told(monkeypatch, tmp_path, platform) == ""
    (tmp_path / "Pulumi.dev.yaml").write_text(HAPPY.replace("9000", "010000"))
    assert "Pulumi.dev.yaml:6: budget.monthlyUsd: the value is a number with a leading zero" in told(
        monkeypatch, tmp_path, platform
    )
    (tmp_path / "Pulumi.dev.yaml").write_text(HAPPY.replace("9000", "4096"))
    assert told(monkeypatch, tmp_path, platform) == ""


def test_what_comes_without_a_file_is_judged_by_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = {"environment": "dev", "owner": "ml-platform", "budget": {"monthlyUsd": True}}
    assert "budget.monthlyUsd: this is not a decimal number" in told(monkeypatch, tmp_path, platform)
