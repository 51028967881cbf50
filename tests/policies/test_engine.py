"""The packs in the real engine: what is refused is not made, preview or no preview, and what fails says why."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation as auto
from pulumi.automation.events import PolicyEvent

from sandbox.provider import Change, Checked, Fault, serve
from sandbox.toolchain import ensure

ROOT = Path(__file__).parents[2]
PACK = ROOT / "policies" / "run"
TAGS = {"Environment": "dev", "ManagedBy": "modelyard", "Owner": "ml-platform"}

pytestmark = pytest.mark.engine


@dataclass
class Anything:
    """A cloud that takes everything, so that only the packs can refuse; `made` names what it was asked to make."""

    package: str = "aws"
    version: str = "7.51.1"
    made: list[str] = field(default_factory=list)

    def configure(self, variables: dict[str, Any]) -> None: ...

    def check(self, token: str, name: str, olds: dict[str, Any], news: dict[str, Any]) -> list[Fault] | Checked:
        return []

    def diff(self, token: str, olds: dict[str, Any], news: dict[str, Any]) -> Change:
        return Change(changed=(), replaces=())

    def create(self, token: str, name: str, inputs: dict[str, Any], *, preview: bool) -> tuple[str, dict[str, Any]]:
        if not preview:
            self.made.append(name)
        return f"{name}-id", dict(inputs) if preview else {**inputs, "arn": f"arn:aws:test:::{name}"}

    def read(self, token: str, id: str, inputs: dict[str, Any], state: dict[str, Any]) -> Any:
        return id, state, inputs

    def update(
        self, token: str, id: str, olds: dict[str, Any], news: dict[str, Any], *, preview: bool
    ) -> dict[str, Any]:
        return news

    def delete(self, token: str, id: str, state: dict[str, Any]) -> None: ...

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        return {}


@dataclass
class Run:
    """One run of the engine: whether it succeeded, what the packs said, what it printed."""

    ok: bool
    told: list[PolicyEvent]
    output: str

    @property
    def refused(self) -> set[tuple[str, str]]:
        return {
            (each.policy_name, str(each.resource_urn).rpartition("::")[2])
            for each in self.told
            if each.enforcement_level == "mandatory"
        }


class Engine:
    """The engine on a stack of its own, with the packs on."""

    def __init__(self, folder: Path, cloud: Anything, port: int) -> None:
        self.made = cloud.made
        toolchain = ensure(ROOT, say=lambda _: None)
        backend = f"file://{folder}"
        self._options = auto.LocalWorkspaceOptions(
            work_dir=str(folder),
            pulumi_command=auto.PulumiCommand(root=str(toolchain.pulumi.parent.parent)),
            pulumi_home=str(folder / "home"),
            env_vars={
                "MODELYARD_PYTHON": sys.executable,
                "PULUMI_CONFIG_PASSPHRASE": "test",
                "PULUMI_DEBUG_PROVIDERS": f"aws:{port}",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            },
            project_settings=auto.ProjectSettings(
                name="trial", runtime="python", backend=auto.ProjectBackend(url=backend)
            ),
        )

    def run(
        self,
        command: str,
        program: Callable[[pulumi.ResourceOptions], None],
        given: Mapping[str, str] = TAGS,
        **options: Any,
    ) -> Run:
        """Runs `preview` or `up` (which skips its preview) of a program under a provider with these default tags."""

        def whole() -> None:
            tags: Any = {"tags": given}
            program(pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-east-1", default_tags=tags)))

        stack = auto.create_or_select_stack("dev", project_name="trial", program=whole, opts=self._options)
        told: list[PolicyEvent] = []
        lines: list[str] = []
        try:
            getattr(stack, command)(
                **{"policy_packs": [str(PACK)], **options},
                on_event=lambda event: told.append(event.policy_event) if event.policy_event else None,
                on_output=lines.append,
            )
        except auto.CommandError as error:
            return Run(ok=False, told=told, output="\n".join(lines) + str(error))
        return Run(ok=True, told=told, output="\n".join(lines))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    cloud = Anything()
    server, port = serve(cloud)
    yield Engine(tmp_path, cloud, port)
    server.stop(0)


def _queue(name: str, opts: pulumi.ResourceOptions, *, encrypted: bool = True) -> aws.sqs.Queue:
    return aws.sqs.Queue(name, sqs_managed_sse_enabled=encrypted, opts=opts)


def _good(opts: pulumi.ResourceOptions) -> None:
    _queue("good", opts)


def _bad(opts: pulumi.ResourceOptions) -> None:
    bad = _queue("bad", opts, encrypted=False)
    _queue("after", pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[bad])))


def test_a_good_program_passes_and_is_made(engine: Engine) -> None:
    run = engine.run("up", _good)
    assert (run.ok, run.told, engine.made) == (True, [], ["good"])


def test_a_preview_refuses_by_name_place_and_fix(engine: Engine) -> None:
    run = engine.run("preview", _bad)
    assert not run.ok
    assert run.refused == {("queue-encrypted", "bad")}
    assert run.told[0].message.strip() == (
        "bad: sqsManagedSseEnabled: nothing says that the queue's messages are encrypted\n"
        "  found: false\n  allowed: true, or a kmsMasterKeyId\n  to fix: Set sqsManagedSseEnabled to true."
    )


def test_without_a_preview_the_refused_resource_and_what_follows_are_not_made(engine: Engine) -> None:
    run = engine.run("up", _bad)
    assert (run.ok, run.refused, engine.made) == (False, {("queue-encrypted", "bad")}, [])


def test_an_unknown_value_is_a_note_in_a_preview_and_is_refused_before_it_is_made(engine: Engine) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        queue = _queue("good", opts)
        statement = {"Effect": "Allow", "Action": "*"}
        aws.iam.Policy(
            "late",
            policy=queue.arn.apply(lambda arn: json.dumps({"Statement": [{**statement, "Resource": arn}]})),
            opts=opts,
        )

    previewed = engine.run("preview", program)
    assert (previewed.ok, previewed.refused) == (True, set())
    assert [(each.policy_name, each.enforcement_level) for each in previewed.told] == [
        ("no-wildcard-admin", "advisory")
    ]
    assert "late: policy" in previewed.told[0].message
    updated = engine.run("up", program)
    assert (updated.ok, updated.refused, engine.made) == (False, {("no-wildcard-admin", "late")}, ["good"])


def test_a_secret_value_is_judged_but_never_shown(engine: Engine) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        arn = pulumi.Output.secret("arn:aws:iam::aws:policy/AdministratorAccess")
        aws.iam.RolePolicyAttachment("hidden", role="a", policy_arn=arn, opts=opts)

    run = engine.run("preview", program)
    assert run.refused == {("no-admin-attached", "hidden")}
    assert "AdministratorAccess" not in run.output + "".join(each.message for each in run.told)


def test_tags_count_when_the_provider_gives_them_and_are_refused_when_nobody_does(engine: Engine) -> None:
    run = engine.run("preview", _good, given={**TAGS, "Owner": ""})
    assert run.refused == {("required-tags", "good")}


def test_a_configuration_file_cannot_switch_a_rule_off(engine: Engine, tmp_path: Path) -> None:
    config = tmp_path / "off.json"
    config.write_text(json.dumps({"all": "disabled"}), encoding="utf-8")
    run = engine.run("preview", _bad, policy_pack_configs=[str(config)])
    assert not run.ok and "does not support config" in run.output


def test_a_bad_guard_file_stops_the_run_and_says_why(engine: Engine, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for room in ("policies", "pricing", "kube"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    for floor in ("problem.py", "versions.py"):
        shutil.copy(ROOT / floor, copy / floor)
    guard = copy / "policies" / "guard.yaml"
    guard.write_text(guard.read_text().replace("requiredTags", "requiredTag"), encoding="utf-8")
    run = engine.run("preview", _good, policy_packs=[str(copy / "policies" / "run")])
    assert not run.ok
    assert "guard.yaml" in run.output and "unknown key" in run.output
