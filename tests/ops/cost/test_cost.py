"""`modelyard cost`: the same bill for a person, a machine, a pull request and a browser."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.problem import ExitCode, Refused
from infra.guard import guard
from infra.loaded import LoadedStack
from infra.plan import plan
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from ops import cli
from ops.cost import page as cost_page
from ops.cost import report as cost
from ops.cost.report import SCHEMA, Report
from policies.guard.deployed import Deployed
from pricing.bill import breakdown as shares
from tests.roots import ROOT


def _report(stack: str = "dev", compare: str = "") -> Report:
    return cost.report(_loaded(stack), _loaded(compare) if compare else None)


def _loaded(stack: str) -> LoadedStack:
    return LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")


def _changed(folder: Path, old: str, new: str) -> Path:
    text = (ROOT / "Pulumi.dev.yaml").read_text()
    assert re.search(old, text)
    file = folder / "Pulumi.dev.yaml"
    file.write_text(re.sub(old, new, text))
    return file


def test_the_committed_schema_is_current() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == cost.schema(), "run `python -m ops.cost.report`"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_report_adds_up_and_lists_the_dearest_first(stack: str) -> None:
    report = _report(stack)
    maxima = [component.amounts.maximum for component in report.components]
    assert maxima == sorted(maxima, reverse=True)
    assert abs(sum(maxima) - report.total.maximum) <= Decimal("0.05")
    assert abs(sum(pool.amounts.maximum for pool in report.pools) - report.total.maximum) <= Decimal("0.05")
    assert [environment.amounts for environment in report.environments] == [report.total]
    assert report.budget.left == min(report.budget.monthly, report.budget.ceiling) - report.total.maximum
    assert report.budget.fits and not report.refusals


@pytest.mark.parametrize("key", ["pools", "teams", "environments"])
def test_shares_add_up_to_the_total_whoever_owns_a_pool(key: str, tmp_path: Path) -> None:
    file = _changed(tmp_path, "purpose: serving", "purpose: serving\n        owner: chat-team")
    report = cost.report(LoadedStack.read("dev", file))
    found: list[cost.Share] = getattr(report, key)
    for amount in ("minimum", "expected", "maximum"):
        summed = sum(getattr(share.amounts, amount) for share in found)
        # Each is rounded once, to half a cent.
        assert abs(summed - getattr(report.total, amount)) <= Decimal("0.005") * len(found)
    planned = plan(Stack.read(StackFile.read(file)), guard())
    sums = shares.by(planned.items, planned.team)
    assert sum(totals.maximum for totals in sums.values()) == planned.totals.maximum
    assert set(sums) == {"chat-team", "ml-platform"} == {team.name for team in report.teams}


def test_shares_stand_in_every_format(tmp_path: Path) -> None:
    file = _changed(tmp_path, "purpose: serving", "purpose: serving\n        owner: chat-team")
    report = cost.report(LoadedStack.read("dev", file))
    for text in ("\n".join(cost_page.table(report)), cost_page.markdown(report), cost_page.page(report)):
        for label in ("pool chat", "shared by all pools", "team chat-team", "team ml-platform", "environment dev"):
            assert label in text
    assert {"pools", "teams", "environments"} <= json.loads(cost.as_json(report)).keys()


@pytest.mark.parametrize(("days", "warned"), [(0, False), (1, True)])
def test_prices_that_are_too_old_are_warned_of(days: int, warned: bool) -> None:
    report = _report()
    oldest = min(
        line.price_as_of for component in report.components for line in component.lines if len(line.price_as_of) == 10
    )
    limit = datetime.date.fromisoformat(oldest) + datetime.timedelta(days=1000 + days)
    told = cost.report(replace(_loaded("dev"), today=limit)).warnings
    assert any("days old" in each for each in told) == warned


@pytest.mark.parametrize(("cents", "fits"), [("0", True), ("-0.01", False)])
def test_what_is_over_but_no_dearer_than_what_is_deployed_is_warned_of(cents: str, fits: bool, tmp_path: Path) -> None:
    file = _changed(tmp_path, "monthlyUsd: 5000", "monthlyUsd: 3000")
    most = plan(Stack.read(StackFile.read(file)), guard()).totals.maximum
    report = cost.report(LoadedStack.read("dev", file), deployed=Deployed(maximum=most + Decimal(cents)))
    assert report.budget.fits == fits
    assert any("not more expensive than what is deployed" in warning for warning in report.warnings) == fits
    assert any("can cost more than the budget allows" in refusal for refusal in report.refusals) != fits


def test_the_command_writes_each_format(capsys: pytest.CaptureFixture[str]) -> None:
    written = {}
    for output in ("table", "json", "md", "html"):
        assert cli.run(["cost", "--stack", "dev", "--format", output]) == ExitCode.OK
        written[output] = capsys.readouterr().out
    total = str(_report().total.maximum)
    assert all(total in text for text in written.values())
    found = json.loads(written["json"])
    assert found["total"]["maximum"] == total and found["components"][0]["lines"][0]["priceSource"]
    required = set(json.loads(SCHEMA.read_text())["required"])
    assert required <= found.keys()


def test_over_the_budget_the_command_says_by_how_much_what_costs_most_and_what_brings_it_under(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _changed(tmp_path, "budget: .*", "budget: { monthlyUsd: 3000 }")
    assert cli.run(["cost", "--stack", "dev", "--file", str(file)]) == ExitCode.REFUSED
    told = capsys.readouterr().out
    report = cost.report(LoadedStack.read("dev", file))
    assert report.budget.left == 3000 - report.total.maximum < 0 and not report.budget.fits
    assert told.startswith("dev: at most") and "not within the budget of 3000 USD" in told
    assert f"{-report.budget.left} USD too much" in told
    assert "lower the limits of gpuPools.chat" in told


def test_a_line_without_a_price_is_shown_as_such_in_every_format(tmp_path: Path) -> None:
    pool = "[p5e.48xlarge]\n        limits: { gpus: 16 }\n        onDemandFallback: { gpus: 8 }\n"
    file = _changed(tmp_path, r"\[g6.xlarge.*\]\n.*\n.*\n", pool)
    report = cost.report(LoadedStack.read("dev", file))
    assert len(report.unpriced) == 2 and not report.budget.fits
    for text in ("\n".join(cost_page.table(report)), cost_page.markdown(report), cost_page.page(report)):
        assert "unpriced" in text and "budget-undetermined" in text and "no on-demand price of p5e.48xlarge" in text


def test_a_comparison_names_every_component_of_both_stacks(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["cost", "--stack", "prod", "--compare", "dev", "--format", "json"]) == ExitCode.OK
    compared: dict[str, Any] = json.loads(capsys.readouterr().out)["compared"]
    names = {component["name"]: component for component in compared["components"]}
    assert names["gpu-pool-tune"]["there"] is None
    difference = _report("prod").total.maximum - _report("dev").total.maximum
    assert abs(Decimal(compared["difference"]["maximum"]) - difference) <= Decimal("0.01")
    assert compared["stack"] == "Pulumi.dev.yaml"
    assert "maximum against Pulumi.dev.yaml" in "\n".join(cost_page.table(_report("prod", "dev")))


def test_a_file_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["cost", "--stack", "dev", "--compare", "nowhere"]) == ExitCode.REFUSED
    assert "nothing of that name can be compared with" in capsys.readouterr().err


def test_the_page_loads_nothing_and_its_chart_has_a_bar_for_each_component() -> None:
    report = _report("prod")
    page = cost_page.page(report)
    assert not re.search(r"<script|<link|src=|url\(|@import", page)
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="\d+" class="most"', page)]
    assert len(widths) == len(report.components) and widths == sorted(widths, reverse=True)


def test_nothing_of_a_name_becomes_markup() -> None:
    report = _report().model_copy(update={"stack": "<b>|x", "refusals": ["<script>"], "warnings": []})
    assert "<script>" not in cost_page.page(report) and "<b>" not in cost_page.page(report)
    assert "<b>" not in cost_page.markdown(report) and "\\|x" in cost_page.markdown(report)


def test_a_stack_is_compared_with_itself_at_a_commit(tmp_path: Path) -> None:
    path = cost.other(ROOT, ROOT / "Pulumi.dev.yaml", "HEAD", tmp_path)
    assert (
        path.read_text()
        == subprocess.run(
            ["git", "show", "HEAD:Pulumi.dev.yaml"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    )
    for wrong in ("no-such-ref", "--output=x"):
        with pytest.raises(Refused):
            cost.other(ROOT, ROOT / "Pulumi.dev.yaml", wrong, tmp_path)
