"""The guard file: what it holds, and that no mistake in it goes unseen."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from components.spec import Environment
from core.problem import Problem, Refused
from infra.guard import GUARD
from policies.guard.file import load
from policies.guard.model import Guard
from policies.packs import rules
from tests.roots import ROOT

HAPPY = """\
stacks: { dev: dev }
maxMonthlyUsd:
  dev: 4000
requiredTags: [Owner]
exemptions:
  - rule: key-rotates
    resource: aws:kms/key:Key::old
    environments: [dev]
    owner: ml-platform
    reason: imported material cannot rotate
    expires: 2026-12-31
"""

EXEMPTION = """\
budgetExemptions:
  - environment: dev
    monthlyUsd: 5000
    owner: ml-platform
    reason: two more nodes until the trial ends
    expires: 2026-12-01
"""
DAY = datetime.date(2026, 12, 1)


def _load(tmp_path: Path, text: str) -> Guard:
    path = tmp_path / "guard.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def _problem(tmp_path: Path, text: str) -> Problem:
    with pytest.raises(Refused) as caught:
        _load(tmp_path, text)
    return caught.value.problems[0]


def test_the_repositorys_own_file_is_valid_and_names_every_environment() -> None:
    assert load(GUARD).max_monthly_usd.keys() == {environment.value for environment in Environment}


def test_every_exemption_of_the_repositorys_own_file_names_a_rule() -> None:
    assert {exemption.rule for exemption in load(GUARD).exemptions} <= {rule.name for rule in rules()}


def test_a_ceiling_is_a_decimal(tmp_path: Path) -> None:
    assert _load(tmp_path, HAPPY).ceiling("dev", DAY) == Decimal(4000)


def test_a_stack_of_an_environment_without_a_ceiling_is_refused_where_it_is_listed(tmp_path: Path) -> None:
    problem = _problem(tmp_path, HAPPY.replace("stacks: { dev: dev }", "stacks: { dev: dev, live: prod }"))
    assert (problem.where, problem.found, problem.allowed) == ("stacks.live", "prod", "dev")


def test_the_repositorys_own_file_lists_every_stack_file_and_its_environment() -> None:
    files = {file.name.split(".")[1]: yaml.safe_load(file.read_text()) for file in ROOT.glob("Pulumi.*.yaml")}
    said = {name: each["config"]["modelyard:platform"]["environment"] for name, each in files.items()}
    assert load(GUARD).stacks.items() >= said.items()


def test_an_exemption_lifts_the_ceiling_to_its_amount_until_its_last_day(tmp_path: Path) -> None:
    guard = _load(tmp_path, HAPPY + EXEMPTION)
    assert guard.ceiling("dev", DAY) == Decimal(5000)
    assert guard.ceiling("dev", DAY + datetime.timedelta(days=1)) == Decimal(4000)


def test_a_mistake_in_a_budget_exemption_is_refused_by_its_own_keys(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        _load(tmp_path, HAPPY + EXEMPTION.replace("monthlyUsd", "monthlyEur"))
    unknown = {problem.where: problem for problem in caught.value.problems}["budgetExemptions[0].monthlyEur"]
    assert (unknown.line, unknown.allowed) == (14, "environment, expires, monthlyUsd, owner, reason")


@pytest.mark.parametrize(
    ("old", "new", "where", "line"),
    [
        ("requiredTags", "requiredTag", "requiredTag", 4),
        ("    owner:", "    ownr:", "exemptions[0].ownr", 9),
        ("dev: 4000", "dev: -1", "maxMonthlyUsd.dev", 3),
        ("dev: 4000", "dev: cheap", "maxMonthlyUsd.dev", 3),
        ("[Owner]", "[]", "requiredTags", 4),
        ("2026-12-31", "never", "exemptions[0].expires", 11),
        ("imported material cannot rotate", "''", "exemptions[0].reason", 10),
        ("  dev: 4000", "  dev: 4000\n  dev: 5000", "maxMonthlyUsd", 4),
    ],
)
def test_a_mistake_is_refused_with_its_line(tmp_path: Path, old: str, new: str, where: str, line: int) -> None:
    problems = []
    with pytest.raises(Refused) as caught:
        _load(tmp_path, HAPPY.replace(old, new, 1))
    problems = [(problem.where, problem.line) for problem in caught.value.problems]
    assert (where, line) in problems


@pytest.mark.parametrize("text", ["", "[]", "maxMonthlyUsd: {", "a: &a [*a]"])
def test_a_file_that_is_no_guard_file_is_refused_without_a_traceback(tmp_path: Path, text: str) -> None:
    assert _problem(tmp_path, text).file


def test_a_missing_file_is_refused_for_nothing_runs_unguarded(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_a_required_key_that_is_missing_is_named(tmp_path: Path) -> None:
    assert _problem(tmp_path, "requiredTags: [Owner]\n").where == "maxMonthlyUsd"


def test_an_account_is_the_one_of_the_stacks_environment_and_twelve_digits_in_quotes(tmp_path: Path) -> None:
    guard = _load(tmp_path, f"{HAPPY}accounts: {{ dev: '123456789012' }}\n")
    assert (guard.account("dev"), guard.account("another")) == ("123456789012", None)
    for wrong in ("123456789012", "'12345678901'", "'1234567890123'", "'12345678901a'", "'\u06612345678901'"):
        assert _problem(tmp_path, f"{HAPPY}accounts: {{ dev: {wrong} }}\n").where == "accounts.dev"
    assert _problem(tmp_path, f"{HAPPY}accounts: {{ live: '123456789012' }}\n").where == "accounts.live"
