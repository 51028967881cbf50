"""The real engine on clouds that take everything, so that only the program and the packs can refuse."""

from __future__ import annotations

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

from core.problem import Refused
from sandbox.programs.toolchain import ensure
from sandbox.provider import Change, Checked, Fault, serve
from tests.roots import ROOT

PACK = ROOT / "policies" / "run"
TAGS = {"Environment": "dev", "ManagedBy": "modelyard", "Owner": "ml-platform"}


@dataclass
class Anything:
    """A cloud that takes everything, so that only the packs can refuse; `made` names what it was asked to make."""

    package: str = "aws"
    version: str = "7.51.1"
    made: list[str] = field(default_factory=list)
    label: str = "SIMULATED"

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
    """The engine on a stack of its own, with the packs on; `env` is added to its environment."""

    def __init__(self, folder: Path, made: list[str], ports: Mapping[str, int]) -> None:
        self.made = made
        self.packs: list[Path] = [PACK]
        self.env: dict[str, str] = {}
        toolchain = ensure(ROOT, say=lambda _: None)
        backend = f"file://{folder}"
        self._options = auto.LocalWorkspaceOptions(
            work_dir=str(folder),
            pulumi_command=auto.PulumiCommand(root=str(toolchain.pulumi.parent.parent)),
            pulumi_home=str(folder / "home"),
            env_vars={
                "MODELYARD_PYTHON": sys.executable,
                "PULUMI_CONFIG_PASSPHRASE": "test",
                "PULUMI_DEBUG_PROVIDERS": ",".join(f"{name}:{port}" for name, port in ports.items()),
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            },
            project_settings=auto.ProjectSettings(
                name="modelyard", runtime="python", backend=auto.ProjectBackend(url=backend)
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

        return self.run_whole(command, whole, **options)

    def run_whole(self, command: str, program: Callable[[], None], stack: str = "dev", **options: Any) -> Run:
        """The same, of a program that brings its own providers, on a stack of this name."""

        def told_in_one_line() -> None:
            try:
                program()
            except Refused as refused:
                raise pulumi.RunError(str(refused)) from None

        opts = self._options
        selected = auto.create_or_select_stack(stack, project_name="modelyard", program=told_in_one_line, opts=opts)
        selected.workspace.env_vars = {**(selected.workspace.env_vars or {}), **self.env}
        told: list[PolicyEvent] = []
        lines: list[str] = []
        try:
            getattr(selected, command)(
                **{"policy_packs": [str(pack) for pack in self.packs], **options},
                on_event=lambda event: told.append(event.policy_event) if event.policy_event else None,
                on_output=lines.append,
            )
        except auto.CommandError as error:
            return Run(ok=False, told=told, output="\n".join(lines) + str(error))
        return Run(ok=True, told=told, output="\n".join(lines))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine on a new stack, whose simulated clouds remember in `made` what they were asked to make."""
    made: list[str] = []
    clouds = [Anything(made=made), Anything(package="kubernetes", version="4.34.2", made=made)]
    served = {cloud.package: serve(cloud) for cloud in clouds}
    yield Engine(tmp_path, made, {package: port for package, (_, port) in served.items()})
    for server, _ in served.values():
        server.stop(0)


@pytest.fixture
def security_pack(tmp_path: Path) -> Path:
    """The security pack alone, as an executable."""
    runner = tmp_path / "security-only"
    runner.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -P -u -m policies.security "$@"\n')
    runner.chmod(0o755)
    return runner
