"""The experiment's file and the change that ships its winner."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.assignment import Assigner
from core.problem import ExitCode, Refused
from labs.ab import change, experiment
from tests.labs.ab.samples import OURS, copied, ours, split
from tests.roots import ROOT


def test_the_experiment_is_the_apps_own_flag_and_prompts() -> None:
    experiment = ours()
    assert [(arm.name, arm.percent, arm.prompt, arm.version) for arm in experiment.arms] == [
        ("plain", 50, "shop-assistant", 1),
        ("short", 50, "shop-assistant", 2),
    ]
    assert experiment.control.text != experiment.treatment.text
    assert (OURS / "flags.json").read_text(encoding="utf-8") == experiment.flags.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"targeting": split(0, 100)}, "nothing to compare"),
        ({"targeting": {}}, "no experiment"),
        ({"variants": {"plain": "prompts:/shop-assistant/1"}}, "two variants"),
        ({"variants": {"plain": "prompts:/a/1", "short": "prompts:/a@x"}}, "prompt version"),
        ({"variants": {"plain": "prompts:/a/1", "short": "prompts:/a/2", "third": "prompts:/a/3"}}, "two variants"),
        ({"variants": {"plain": "prompts:/a/1", "short": True}}, "prompt version"),
        ({"variants": {"plain": False, "short": True}}, "prompt version"),
        ({"variants": {"plain": 1, "short": 2}}, "prompt version"),
    ],
)
def test_what_is_no_experiment_of_two_arms_is_refused_with_its_file(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused, match=why) as refused:
        experiment.read(copied(tmp_path, **changes))
    assert refused.value.code is ExitCode.USAGE
    assert "flags.json" in str(refused.value)


def test_a_small_share_is_still_an_experiment(tmp_path: Path) -> None:
    assert experiment.read(copied(tmp_path, targeting=split(99, 1))).treatment.percent == 1


@pytest.mark.parametrize("winner", ["plain", "short"])
def test_the_change_is_taken_by_git_and_gives_every_user_the_winner(tmp_path: Path, winner: str) -> None:
    target = tmp_path / experiment.FOLDER / "flags.json"
    target.parent.mkdir(parents=True)
    target.write_text((OURS / "flags.json").read_text(encoding="utf-8"), encoding="utf-8")
    text = change.diff(ours(), winner, ROOT)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=text, text=True, check=True)
    assigner = Assigner(target, experiment.FLAG)
    assert {assigner.of(f"user-{number}").variant for number in range(200)} == {winner}
    assert assigner.of("ann").version == "2"
    changed = [line for line in text.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert len(changed) == (6 if winner == "plain" else 8)


def test_a_variant_without_its_text_is_refused_with_the_file_that_is_missing(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "prompts" / "short.md").rename(folder / "prompts" / "brief.md")
    with pytest.raises(Refused, match="a variant has no text") as refused:
        experiment.read(folder)
    assert refused.value.code is ExitCode.USAGE and "short.md" in str(refused.value)


ALIKE: list[dict[str, Any]] = [
    {"metadata": {"version": "4"}},
    {"defaultVariant": "plain"},
    {"targeting": {"fractional": [["plain", 30], ["long", 70]]}},
]


@pytest.mark.parametrize("other", ALIKE, ids=lambda each: next(iter(each)))
def test_a_change_that_would_change_another_flag_too_is_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    file = copied(tmp_path) / "flags.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    quiet = {"state": "ENABLED", "variants": {"plain": "a", "long": "b"}, "defaultVariant": "long"}
    document["flags"]["other"] = {**quiet, "metadata": {"version": "one"}}
    file.write_text(json.dumps(document, indent=2), encoding="utf-8")
    found = experiment.read(file.parent)
    after = json.loads(change.shipped(found, "short"))
    assert after["flags"]["other"] == document["flags"]["other"]
    assert after["flags"][found.key]["defaultVariant"] == "short"
    document["flags"]["other"] |= other
    file.write_text(json.dumps(document, indent=2), encoding="utf-8")
    with pytest.raises(Refused, match="looks the same") as refused:
        change.shipped(found, "short")
    assert refused.value.code is ExitCode.USAGE


@pytest.mark.parametrize("old", ['"defaultVariant": "plain"', '"version": "1"'])
def test_a_change_that_misses_a_part_of_its_flag_is_refused(tmp_path: Path, old: str) -> None:
    file = copied(tmp_path) / "flags.json"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, old.replace(": ", " :  ")), encoding="utf-8")
    with pytest.raises(Refused):
        change.shipped(experiment.read(file.parent), "short")
