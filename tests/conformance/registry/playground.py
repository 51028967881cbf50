"""A stack of nothing but registry content, in the real engine with our provider."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml

from components.registry.content.component import RegistryContent, RegistryContentArgs
from components.registry.content.spec import RegistryContentSpec
from infra.stack.prompts import contents
from ops.engine.automation import Engine, Outcome
from ops.engine.process import EngineCommand
from ops.report import changes
from sandbox.programs import toolchain
from sandbox.stack.session import Session
from tests.roots import ROOT


@dataclass
class Playground:
    """A project with nothing but registry content; `content` is its block, changed by a test and brought up again.

    `config` are secrets of the stack's configuration, encrypted as `pulumi config set --secret` does.
    """

    root: Path
    env: Mapping[str, str]
    config: dict[str, str] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def made(cls, root: Path, env: Mapping[str, str]) -> Playground:
        """A new project in the folder `root`, which is made."""
        root.mkdir()
        shutil.copy(ROOT / "Pulumi.yaml", root / "Pulumi.yaml")
        (root / "mlflow_provider").symlink_to(ROOT / "mlflow_provider")
        (root / "infra").mkdir()
        return cls(root, env)

    def prompt(self, name: str, text: str) -> str:
        """Writes a prompt's file and returns its path for the block."""
        (self.root / "prompts").mkdir(exist_ok=True)
        (self.root / "prompts" / name).write_text(text + "\n", encoding="utf-8")
        return f"prompts/{name}"

    def program(self) -> None:
        spec = RegistryContentSpec.model_validate(self.content)
        args = RegistryContentArgs(spec=spec, contents=contents(spec.prompts, self.root))
        RegistryContent("registry-content", args)
        pulumi.export("models", sorted(spec.models))

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """The engine on this stack, with `env` added to what the provider sees."""
        file = self.root / "Pulumi.trial.yaml"
        file.write_text(yaml.safe_dump({"config": {"aws:region": "us-east-1"}}))
        with Session.open(self.root, file, "trial", toolchain=toolchain.ensure(ROOT, say=print)) as session:
            env = {**session.env, **self.env}
            command = EngineCommand(session.toolchain.pulumi, session.toolchain.version, env, lambda _: None)
            if self.config:
                pairs = [part for key, value in self.config.items() for part in ("--secret", f"{key}={value}")]
                command.run(["config", "set-all", "--stack", "trial", *pairs], str(session.workdir), {})
            yield Engine(command=command, workdir=session.workdir, stack="trial", env=env, program=self.program)

    def up(self, *, ok: bool = True) -> Outcome:
        with self.engine() as engine:
            return checked(engine.up(), ok)

    def preview(self) -> Outcome:
        with self.engine() as engine:
            return checked(engine.preview(), True)

    def refresh(self) -> Outcome:
        with self.engine() as engine:
            return checked(engine.refresh(), True)

    def destroy(self) -> Outcome:
        with self.engine() as engine:
            return checked(engine.destroy(), True)

    def export(self) -> str:
        """The exported state with every secret of it in clear."""
        with self.engine() as engine:
            return engine.ask("stack", "export", "--show-secrets")

    def resources(self) -> list[dict[str, Any]]:
        """The registry's items in the state."""
        found = json.loads(self.export())["deployment"].get("resources", [])
        return [each for each in found if each["type"].startswith("modelyard:registry:")]


def checked(outcome: Outcome, ok: bool) -> Outcome:
    assert outcome.ok is ok, said(outcome)
    return outcome


def shown(outcome: Outcome) -> str:
    """Every change of a preview as the report shows it to a person."""
    groups = changes.groups(outcome.events.details.values(), outcome.events.parents)
    return "\n".join(group.model_dump_json(indent=1) for group in groups)


def said(outcome: Outcome) -> str:
    """Everything that an operation had to say of errors."""
    return "\n".join(error.message for error in outcome.events.errors)
