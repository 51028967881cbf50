"""Golden reports of real changes, each by the real engine: what a reviewer reads in the pull request.

UPDATE_GOLDEN=1 writes them anew; then read the diff. What changes from run to run or with every rule (seconds, the
price book, how many rules there are) is masked.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest

from ops import commands, demo
from ops.preview import command as reporting
from ops.preview.command import WRITERS, Form
from ops.report import make as maker
from ops.report.fit import LIMIT, fitted
from ops.report.model import Report
from tests.roots import ROOT

GOLDEN = ROOT / "tests" / "golden" / "reports"
FILE = Path(__file__).with_name("stacks") / "report.yaml"
TAGS = {"Environment": "dev", "ManagedBy": "modelyard", "Owner": "ml-platform"}
PROMPT = "You answer customers of a bank.\n\nBe brief.\nNever give advice on shares.\n"
RULES = "groups:\n  - name: chat\n    rules:\n      - alert: Slow\n        expr: ttft > 1\n        for: 10m\n"
MANY = 300
AUTONAME = re.compile(r"-[0-9a-f]{7}\b")

pytestmark = pytest.mark.engine

Make = Callable[..., Any]


@dataclass(frozen=True)
class Scene:
    """Where a change starts: from nothing, from a small platform, or from what a team has beside it."""

    stage: Make
    deployed: Make
    runner: Path

    def empty(self) -> Any:
        """The platform of the stack file, with nothing deployed, judged by every pack."""
        return self.stage("dev", FILE)

    def platform(self) -> Any:
        """The same, deployed."""
        return self.deployed("dev", name="report-platform", file=FILE)

    def dearer(self, gpus: int) -> Any:
        """More GPUs on larger disks."""
        here = self.platform()
        return here.edited({"gpuPools.chat.limits.gpus": gpus, "gpuPools.chat.diskGb": 300}, here.root / FILE.name)

    def opened(self) -> Any:
        """A door that nobody should open."""
        here = self.platform()
        platform = commands.program(here.place)

        def program() -> None:
            platform()
            demo.open_door()

        return replace(here, program=program)

    def beside(self, program: Callable[[], None]) -> Any:
        """A program without a plan, so that the security pack alone judges it, in place of `aside`, which is deployed."""
        self.runner.write_text(
            f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -P -u -m policies.security "$@"\n'
        )
        self.runner.chmod(0o755)
        judged = {"packs": (self.runner,), "pack": "security", "priced": False}
        return replace(self.deployed("dev", name="report-aside", file=FILE, program=aside, **judged), program=program)


def aside(engine: str = "postgres", prompt: str = PROMPT, rules: str = RULES, wrong: bool = False) -> None:
    """What a team has beside the platform: a database, and a prompt and rules in the cluster."""
    cloud = pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-east-1", default_tags={"tags": TAGS}))
    aws.rds.Instance(
        "registry",
        identifier="registry",
        engine=engine,
        engine_version="16.4" if engine == "postgres" else "8.0.39",
        instance_class="db.m7g.large",
        allocated_storage=100,
        storage_encrypted=True,
        manage_master_user_password=True,
        username="registry",
        multi_az=True,
        deletion_protection=True,
        backup_retention_period=7,
        skip_final_snapshot=False,
        final_snapshot_identifier="registry-last",
        opts=cloud,
    )
    if wrong:
        raise KeyError("chat")
    cluster = pulumi.ResourceOptions(provider=in_cluster())
    k8s.core.v1.ConfigMap("prompts", metadata={"name": "prompts"}, data={"support.md": prompt}, opts=cluster)
    k8s.core.v1.ConfigMap("rules", metadata={"name": "rules"}, data={"rules.yaml": rules}, opts=cluster)


def many() -> None:
    """Three hundred objects."""
    cluster = pulumi.ResourceOptions(provider=in_cluster())
    for number in range(MANY):
        name = f"settings-{number:03}"
        metadata: Any = {"name": name, "labels": {"release": "v2"}}
        k8s.core.v1.ConfigMap(name, metadata=metadata, data={"level": "info"}, opts=cluster)


def in_cluster() -> k8s.Provider:
    return k8s.Provider("cluster", kubeconfig=KUBECONFIG, enable_config_map_mutable=True)


KUBECONFIG = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "given",
        "clusters": [{"name": "given", "cluster": {"server": "https://given.invalid"}}],
        "contexts": [{"name": "given", "context": {"cluster": "given", "user": "given"}}],
        "users": [{"name": "given", "user": {}}],
    }
)


def reworded() -> None:
    """A prompt and an alert say something else."""
    prompt = PROMPT.replace("Be brief.", "Be brief and kind.") + "Say when you do not know.\n"
    aside(prompt=prompt, rules=RULES.replace("ttft > 1", "ttft > 0.8"))


CHANGES: dict[str, Callable[[Scene], Any]] = {
    "first-deploy": Scene.empty,
    "no-change": Scene.platform,
    "dearer": lambda scene: scene.dearer(2),
    "cost-refused": lambda scene: scene.dearer(8),
    "security-refused": Scene.opened,
    "database-replaced": lambda scene: scene.beside(lambda: aside(engine="mysql")),
    "prompt-changed": lambda scene: scene.beside(reworded),
    "many-resources": lambda scene: scene.beside(many),
    "failing-program": lambda scene: scene.beside(lambda: aside(wrong=True)),
}


def report(stage: Any) -> Report:
    """The report on a stage's preview, with what changes from run to run masked."""
    found = maker.make(reporting.look(stage.job))
    cost = found.cost and found.cost.model_copy(update={"price_book": "(price book)"})
    policies = found.policies.model_copy(update={"passed": 99 if found.policies.passed else 0})
    seconds = 1.0 if found.seconds else 0.0
    return found.model_copy(update={"seconds": seconds, "cost": cost, "policies": policies})


@pytest.mark.parametrize("change", CHANGES)
def test_the_report_on_a_change_is_as_it_was(change: str, stage: Make, deployed: Make, tmp_path: Path) -> None:
    found = report(CHANGES[change](Scene(stage, deployed, tmp_path / "security-only")))
    written = {form: AUTONAME.sub("-0000000", fitted(found, write)) for form, write in WRITERS.items()}
    for form, text in written.items():
        assert len(text.encode()) < LIMIT, form
        first = text.splitlines()[0] if form is not Form.JSON else text[:100]
        assert "SIMULATED sandbox (account 000000000000)" in first, form
    folder = os.environ.get("MODELYARD_REPORTS")
    if folder:
        Path(folder, f"{change}.html").write_text(written[Form.HTML], encoding="utf-8")
        Path(folder, f"{change}.json").write_text(written[Form.JSON], encoding="utf-8")
    golden = GOLDEN / f"{change}.md"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(written[Form.MD], encoding="utf-8")
    assert written[Form.MD] == golden.read_text(encoding="utf-8")
