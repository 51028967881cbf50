"""Every stack of the repository: up, nothing to change, nothing drifted, gone; and the repository is as it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.problem import Refused
from infra.stack.file import StackFile
from ops import commands
from ops.destroy.leftovers import Kept, by_design
from tests.roots import ROOT

STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))

PROTECTIONS = (
    "cluster.deletionProtection",
    "registry.artifacts.deletionProtection",
    "registry.database.deletionProtection",
)
PROTECTED = {
    "aws:eks/cluster:Cluster",
    "aws:kms/key:Key",
    "aws:rds/instance:Instance",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
}
"""What prod must not lose by a `destroy`."""

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_comes_up_stays_as_it_is_and_goes(
    deployed: Callable[[str], Any], stack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = deployed(stack)
    assert stage.git() == ""
    resources = stage.size()
    for unchanged in (stage.preview, lambda: stage.run(commands.refresh)):
        outcome = unchanged()
        assert outcome.events.changes == {"same": resources}, outcome.events.steps
        assert stage.git() == ""

    if any(resource.get("protect") for resource in stage.state()):
        stage = _unprotected(stage, tmp_path)
    before = stage.state()
    outcome = stage.run(commands.destroy)
    assert outcome.events.changes == {"delete": resources}
    kept = [each for resource in before for each in by_design(resource)]
    assert {item.state["arn"] for item in stage.made()} == {each.arn for each in kept if each.arn}
    assert bool(kept) is any(each["type"].startswith("aws:") for each in before)
    _says(capsys.readouterr().out, kept)
    assert stage.state() == []
    assert stage.git() == ""


def test_a_stack_that_was_taken_away_comes_up_again_at_once(deployed: Callable[[str], Any]) -> None:
    stage = deployed("dev")
    resources = stage.size()
    stage.run(commands.destroy)
    assert stage.run(commands.up).events.changes == {"create": resources}


def _says(text: str, kept: list[Kept]) -> None:
    """That what AWS keeps is listed, and that nothing else carries the platform's tag."""
    for each in kept:
        assert f"  {each.line}\n" in text
    assert ("SIMULATED: AWS keeps by design:" in text) is bool(kept)
    assert bool(re.search("SIMULATED: left over, with the tag Platform=.*: nothing", text)) is bool(kept)


def _unprotected(stage: Any, tmp_path: Path) -> Any:
    """The same stack with its protection off, after `destroy` has refused and deleted nothing."""
    before, world = stage.state(), [item.id for item in stage.made()]
    with pytest.raises(Refused) as refused:
        stage.run(commands.destroy)
    protected = sorted(resource["id"] for resource in before if resource.get("protect"))
    assert sorted(problem.found for problem in refused.value.problems) == protected
    assert {problem.where.split()[0] for problem in refused.value.problems} == PROTECTED
    for problem in refused.value.problems:
        (setting,) = (protection for protection in PROTECTIONS if f"set {protection}: false" in problem.fix)
        assert (problem.file, problem.line) == (stage.file.name, StackFile.read(stage.file).line(setting))
    assert (stage.state(), [item.id for item in stage.made()]) == (before, world)

    stage = stage.edited(dict.fromkeys(PROTECTIONS, False), tmp_path / stage.file.name)
    stage.run(commands.up)
    assert not any(resource.get("protect") for resource in stage.state())
    return stage
