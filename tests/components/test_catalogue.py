"""The catalogue of parts: what a stack has follows from its rows alone, and a new part is a folder, a row and its wiring."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.catalogue import PARTS, components, machines
from components.pages.parts import PAGE, page
from infra.declared import declare
from infra.loaded import LoadedStack
from infra.program import make
from infra.stack.file import StackFile
from infra.stack.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
ROOMS = ("components", "contract", "core", "engine", "infra", "kube", "mlflow_provider", "policies", "pricing")
GENERATED = {"docs/parts.md", "docs/alerts.md"}

TOY = {
    "components/toy/__init__.py": '"""A queue that nobody reads."""\n',
    "components/toy/component.py": """
import pulumi
import pulumi_aws as aws

@pulumi.type_token("modelyard:index:Toy")
class Toy(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("modelyard:index:Toy", name, {}, opts)
        aws.sqs.Queue("toy", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})
""",
    "components/toy/part.py": """
from components.alerts.rule import Group, Severity, Team, absent
from components.part import Machines, Part, in_aws
from pricing.meters import meters as lines

ALERT = absent("ToyAbsent", "up", "up", severity=Severity.WARNING, source="the toy", lost="nobody plays", team=Team.PLATFORM)
PART = Part(
    name="toy", about="a queue that nobody reads", when="in AWS", there=in_aws,
    components=lambda stack: ("Toy::toy",),
    bill=lambda meters, stack: lines.queue(meters.at("toy", "toy")),
    alerts=(Group(name="toy", alerts=(ALERT,)),),
    machines=lambda stack: iter([Machines(key="toy", types=("m7g.large",), zones=("a",))]),
)
""",
}
ROW = ("    publication.PART,\n", "    publication.PART,\n    toy.PART,\n")
IMPORT = (
    "from components.stack import Stack\n",
    "from components.stack import Stack\nfrom components.toy import part as toy\n",
)
WIRING = (
    "        on_aws.budget(bounds.effective)\n",
    "        on_aws.budget(bounds.effective)\n"
    "        from components.toy.component import Toy\n"
    '        Toy("toy", on_aws.on_it)\n',
)
ASKED = """
import json
from pathlib import Path
from components import catalogue
from infra.declared import declare
from infra.guard import guard
from infra.plan import plan
from infra.loaded import LoadedStack
from infra.program import make
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from pricing.bill.estimate import estimate

file = Path("Pulumi.dev.yaml")
stack = Stack.read(StackFile.read(file))
planned = plan(stack, guard())
found = declare(make(LoadedStack.read("dev", file)), project="modelyard", stack="dev")
print(json.dumps({
    "bill": [item.component for item in planned.items],
    "maximum": str(planned.totals.maximum),
    "components": planned.components(),
    "rules": [each.inputs["metadata"]["name"] for each in found.values() if each.token.endswith(":PrometheusRule")],
    "declared": [each.urn.split("::", 2)[2] for each in found.values()],
    "machines": [each.key for each in catalogue.machines(stack)],
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rooms that a program stands on, and dev's files."""
    root = tmp_path_factory.mktemp("house")
    for room in ROOMS:
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("prompts", "releases"):
        shutil.copytree(ROOT / name, root / name)
    for file in ("Pulumi.yaml", "Pulumi.dev.yaml", "guard.yaml"):
        shutil.copy(ROOT / file, root / file)
    (root / "docs").mkdir()
    return root


def test_a_new_part_takes_its_folder_one_row_and_its_wiring(copy: Path) -> None:
    before = _asked(copy)
    for path, text in TOY.items():
        (copy / path).parent.mkdir(exist_ok=True)
        (copy / path).write_text(text)
    _edit(copy / "components" / "catalogue.py", IMPORT, ROW)
    _edit(copy / "infra" / "build.py", WIRING)
    after = _asked(copy)

    assert set(after["components"]) - set(before["components"]) == {"Toy::toy"}
    assert set(after["rules"]) - set(before["rules"]) == {"toy"}
    assert set(after["machines"]) - set(before["machines"]) == {"toy"}
    assert set(after["bill"]) - set(before["bill"]) == {"toy"}
    assert any("Toy$aws:sqs/queue:Queue::toy" in urn for urn in after["declared"])
    _python(copy, "-m", "components")
    assert (
        "| toy | a queue that nobody reads | in AWS | `components/toy/` |" in (copy / "docs" / "parts.md").read_text()
    )

    assert _touched(copy) - GENERATED == {*TOY, "components/catalogue.py", "infra/build.py"}


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_declares_the_components_of_its_parts_and_no_others(stack: str) -> None:
    file = ROOT / f"Pulumi.{stack}.yaml"
    declared = declare(make(LoadedStack.read(stack, file)), project="modelyard", stack=stack).values()
    ours = {each.urn.split("::", 2)[2].rpartition("$")[2] for each in declared if each.token.startswith("modelyard:")}
    named = {our.removeprefix("modelyard:index:") for our in ours if our.startswith("modelyard:index:")}
    items = {
        each for each in named if each.partition("::")[0] in {c.partition("::")[0] for c in components(_stack(stack))}
    }
    assert items == set(components(_stack(stack)))


def test_names_of_parts_and_of_their_alerts_and_dashboards_are_unique() -> None:
    for names in (
        [part.name for part in PARTS],
        [group.name for part in PARTS for group in part.alerts],
        [board.uid for part in PARTS for board in part.dashboards],
    ):
        assert len(names) == len(set(names))


def test_outside_aws_a_stack_runs_no_machines_of_an_account() -> None:
    assert machines(_stack("local")) == []
    assert {machine.key for machine in machines(_stack("dev"))} == {
        "cluster.systemNodes",
        "generalPool",
        "gpuPools.chat",
    }


def test_the_page_of_parts_is_written_from_the_catalogue() -> None:
    assert PAGE.read_text() == page(), "python -m components writes it"


def _stack(name: str) -> Stack:
    return Stack.read(StackFile.read(ROOT / f"Pulumi.{name}.yaml"))


def _edit(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)


def _asked(copy: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(_python(copy, "-c", ASKED))
    return found


def _python(copy: Path, *arguments: str) -> str:
    env = {"PYTHONPATH": f"{copy}:{copy / 'contract'}", "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-P", *arguments]
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _touched(copy: Path) -> set[str]:
    """The files of the copy that are new, or differ from the repository's."""
    found = (file for file in copy.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    paths = {file.relative_to(copy).as_posix(): file for file in found}
    return {path for path, file in paths.items() if not _same(file, ROOT / path)}


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
