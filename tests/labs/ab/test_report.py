"""The report: text, document and page say the same, the page needs nobody, and the exit code is that of the verdict."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from core.problem import ExitCode
from labs.ab import page, report
from labs.ab.__main__ import main
from labs.ab.analysis import judge
from labs.ab.report import Report
from tests.labs.ab.samples import ours, seen, verdict_on
from tests.roots import ROOT


def of(plain: int, short: int, change: str = "") -> Report:
    return Report(
        experiment="shop-assistant",
        verdict=verdict_on(seen("plain", 30, plain) + seen("short", 30, short)),
        behind=("a <model>",),
        prompts={"plain": "Be <b>plain</b>", "short": "Be short"},
        examples={"plain": [("No <script>", False)], "short": []},
        users=60,
        requests=120,
        seed=1,
        failed={},
        median_seconds=0.5,
        total_seconds=60,
        change=change,
    )


def test_text_document_and_page_tell_the_same_verdict() -> None:
    made = of(10, 40, "diff --git a/x b/x\n")
    text, document, html = "\n".join(report.lines(made)), made.as_dict(), page.page(made)
    assert "WINNER short: short has 50.0 points more helpful answers than plain" in text
    assert report.headline(made) in html
    assert (document["verdict"]["outcome"], document["verdict"]["winner"]) == ("winner", "short")
    assert json.loads(json.dumps(document))["verdict"]["effect"] == pytest.approx(0.5)
    assert "diff --git" in text and "diff --git" in html


def test_a_winner_that_is_what_there_is_today_says_that_the_other_is_worse() -> None:
    said = report.headline(of(40, 10))
    assert said.startswith("WINNER plain: short has 50.0 points fewer helpful answers than plain, 95% interval -")


def test_no_winner_says_that_the_interval_holds_zero_and_brings_no_change() -> None:
    made = of(30, 31)
    assert report.headline(made).startswith("NO WINNER")
    assert "the change that ships it" not in "\n".join(report.lines(made)).lower()
    assert "ships it" not in page.page(made)


def test_a_split_is_told_by_what_chance_would_do_and_never_when_it_was_not_tested() -> None:
    made = of(10, 40)
    value = made.verdict.split_p_value
    assert value is not None
    assert f"split: a split this uneven comes by chance with p = {value:.2g}" in report.lines(made)
    nobody = replace(made, verdict=judge(ours(), [], {}))
    assert (nobody.verdict.split_p_value, nobody.verdict.p_value) == (None, None)
    assert "split: not tested" in report.lines(nobody)
    assert "Not tested" in page.page(nobody) and "p = " not in page.page(nobody)
    assert json.loads(json.dumps(nobody.as_dict()))["verdict"]["split_p_value"] is None


def test_the_page_escapes_what_others_wrote_and_asks_no_network() -> None:
    html = page.page(of(10, 40))
    assert "<script" not in html and "<b>plain" not in html and "a <model>" not in html
    assert not re.search(r"https?://|src=|href=", html)


def test_the_plot_has_zero_and_the_whole_interval_on_it() -> None:
    for plain, short in ((0, 60), (60, 0), (30, 30), (10, 12)):
        drawn = page.page(of(plain, short))
        assert ">0<" in drawn
        assert all(0 <= float(x) <= 640 for x in re.findall(r"(?:x1|x2|cx)=(-?[\d.]+)", drawn))


@pytest.mark.parametrize(
    "options",
    [
        ["--users", "5", "--requests", "4"],
        ["--users", "-1"],
        ["--requests", "10001"],
        ["--users", "0"],
        ["--requests", "0"],
    ],
    ids=str,
)
def test_counts_that_make_no_sense_are_refused_before_anything_starts(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == ExitCode.USAGE
    assert "1 <= users <= requests <= 10000" in capsys.readouterr().err


def test_help_has_examples_and_the_exit_codes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "labs.ab", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--target http" in done.stdout and "exit codes" in done.stdout
