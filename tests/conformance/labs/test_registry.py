"""The short form of `make lab-registry`, for real: a loss that falls, answers that change, and where each version comes from."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labs.registry import llama, recipes, tickets
from mlflow_provider.api import Server
from ops.registry import versions as model_versions
from sandbox.stack import mlflow_server as registry
from tests.roots import ROOT

pytestmark = pytest.mark.conformance
PLAN = recipes.plan([], short=True)
LAST_RESORT = 1800
"""Seconds after which the lab hangs."""


@dataclass
class Ran:
    """What a lab said, and the registry that it left, up again."""

    root: Path
    said: str
    server: Server


def lab(root: Path, *options: str) -> str:
    """One call of the lab in a project of its own; gives what it said."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    command = [sys.executable, "-m", "labs.registry", "--short", *options]
    done = subprocess.run(
        command,
        cwd=root,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LAST_RESORT,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    root = tmp_path_factory.mktemp("lab")
    (root / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (root / ".sandbox").mkdir()
    (ROOT / ".sandbox" / "cache").mkdir(exist_ok=True, parents=True)
    (root / ".sandbox" / "cache").symlink_to(ROOT / ".sandbox" / "cache")
    said = lab(root)
    folder = root / ".sandbox" / "labs" / "registry" / "mlflow"
    env = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    up = registry.start(folder, root / ".sandbox" / "cache", env, users=False)
    yield Ran(root, said, Server(up.url))
    up.close()


def artifact(ran: Ran, run: str, path: str) -> str:
    return ran.server.text("get-artifact", run_id=run, path=path)


def test_the_forward_pass_is_checked_before_the_first_step(ran: Ran) -> None:
    checked, trained = ran.said.index("JAX and llama.cpp agree"), ran.said.index(f"step {PLAN.recipes[0].steps}/")
    assert checked < trained


def test_the_loss_of_every_step_is_there_and_falls(ran: Ran) -> None:
    for version, recipe in zip(model_versions.model(ran.server, PLAN.model).versions, PLAN.recipes, strict=True):
        found = ran.server.pages("2.0/mlflow/metrics/get-history", "metrics", run_id=version.run, metric_key="loss")
        curve = sorted((int(each["step"]), float(each["value"])) for each in found)
        assert [step for step, _ in curve] == list(range(1, recipe.steps + 1))
        losses = [loss for _, loss in curve]
        assert sum(losses[-2:]) < sum(losses[:2])


def test_an_adapter_changes_what_the_base_answers_and_the_longer_training_learns_the_format(ran: Ran) -> None:
    first, last = (
        [json.loads(line) for line in artifact(ran, version.run, "answers.jsonl").splitlines()]
        for version in model_versions.model(ran.server, PLAN.model).versions
    )
    assert len(first) == len(last) == PLAN.held_out
    assert [each["answer"] for each in first] != [each["answer"] for each in last]
    known = [tickets.team_of(each["answer"]) is not None for each in last]
    assert sum(known) > PLAN.held_out / 2


def test_each_version_says_what_it_was_made_of(ran: Ran) -> None:
    model = model_versions.model(ran.server, PLAN.model)
    data = tickets.split(PLAN.seed, PLAN.held_out)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert model.tags["form"] == "SHORT" and len(model.versions) == len(PLAN.recipes)
    for version, recipe in zip(model.versions, PLAN.recipes, strict=True):
        assert version.params["rank"] == str(recipe.rank) and version.params["seed"] == str(PLAN.seed)
        assert version.judged_on == {tickets.digest(data.held_out)[:32]}
        assert [data_set.digest for data_set in version.data if data_set.use == "training"] == [
            tickets.digest(data.train)[:32]
        ]
        assert hashlib.sha256(artifact(ran, version.run, "data/train.jsonl").encode()).hexdigest() == tickets.digest(
            data.train
        )
        assert version.base == f"sha256:{hashlib.sha256(llama.base().read_bytes()).hexdigest()}"
        assert version.commit.startswith(commit.stdout.strip())
        folder = ran.root / ".sandbox" / "labs" / "registry"
        (adapter,) = (path for path in folder.glob(f"{recipe.name}-*/adapter.gguf"))
        assert version.digest == f"sha256:{hashlib.sha256(adapter.read_bytes()).hexdigest()}"
        listed = ran.server.get("2.0/mlflow/artifacts/list", run_id=version.run, path="adapter")["files"]
        assert [(each["path"], int(each["file_size"])) for each in listed] == [
            ("adapter/adapter.gguf", version.size_bytes)
        ]


def test_the_lab_ends_with_the_versions_side_by_side_and_says_that_it_is_short(ran: Ran) -> None:
    assert ran.said.startswith("SHORT lab: ticket-router-short") and "SHORT: few steps and few tickets" in ran.said
    table = ran.said[ran.said.index("$ modelyard models compare ticket-router-short 1 2") :]
    cells = {line.split("  ")[0]: line.split()[1:] for line in table.splitlines() if line}
    assert cells["steps"] == [str(recipe.steps) for recipe in PLAN.recipes]
    assert re.fullmatch(r"[\d.]+ [\d.]+ \*", " ".join(cells["loss"]))
    held_out = tickets.digest(tickets.split(PLAN.seed, PLAN.held_out).held_out)
    assert len(set(cells["base"])) == 1 and cells["judged on"][1:] == [held_out[:12]] * 2


def test_a_second_call_trains_nothing_again(ran: Ran) -> None:
    again = lab(ran.root)
    assert again.count("is there already") == len(PLAN.recipes) and "loss" in again
    assert "reading the base model's weights" not in again
    assert len(model_versions.model(ran.server, PLAN.model).versions) == len(PLAN.recipes)
