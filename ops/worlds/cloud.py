"""Which world a command works on: the simulated one, or the account. Never one when the other was asked for."""

from __future__ import annotations

import contextlib
import enum
import importlib.metadata
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from core.problem import ExitCode, Problem, Refused
from core.versions import PULUMI_MINIMUM
from ops.engine.automation import Engine, Program
from ops.engine.process import EngineCommand
from sandbox import toolchain
from sandbox.session import Session

if TYPE_CHECKING:
    from infra.stack.settings import Settings

Say = Callable[[str], None]


class World(enum.Enum):
    """Where a stack's resources are."""

    SANDBOX = "sandbox"
    CLOUD = "cloud"
    KUBECONFIG = "kubeconfig"

    @property
    def title(self) -> str:
        """How a report's first line names it."""
        return {
            World.SANDBOX: "SIMULATED sandbox (account 000000000000)",
            World.CLOUD: "the AWS account",
            World.KUBECONFIG: "the kubeconfig's real Kubernetes API (AWS parts SIMULATED, Helm releases only recorded)",
        }[self]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A stack, the file that describes it and the world it is in; `root` is the repository."""

    root: Path
    stack: str
    stack_file: Path
    world: World
    kubeconfig: Path | None = None

    def plain(self, arguments: str) -> str:
        """The command a person would type without us for `pulumi <arguments>`."""
        if self.world is World.SANDBOX:
            return f"modelyard shell --stack {self.stack} -- pulumi {arguments}"
        if self.world is World.KUBECONFIG:
            return f"modelyard shell --stack {self.stack} --kubeconfig {self.kubeconfig} -- pulumi {arguments}"
        return f"pulumi {arguments} --stack {self.stack}"


def choose(*, sandbox: bool, cloud: bool, ci: bool, kubeconfig: Path | None = None) -> World:
    """The world that the flags name; without a flag the sandbox, and `Refused` in CI, where it must be said."""
    said = {"--sandbox": sandbox, "--cloud": cloud, "--kubeconfig": kubeconfig is not None}
    if sum(said.values()) > 1:
        flags = " and ".join(flag for flag, given in said.items() if given)
        raise Refused(Problem(summary=f"{flags} exclude each other", fix="say one"), ExitCode.USAGE)
    if ci and not any(said.values()):
        raise Refused(
            Problem(
                summary="which world is meant must be said in CI",
                found="CI=true and no flag",
                allowed="--sandbox, --cloud or --kubeconfig FILE",
                fix="add one of them",
            ),
            ExitCode.USAGE,
        )
    return World.CLOUD if cloud else World.KUBECONFIG if kubeconfig else World.SANDBOX


def named(kubeconfig: Path, context: str) -> None:
    """Refuses a kubeconfig whose current context is another one than `context`, the one that the stack names."""
    found = str((yaml.safe_load(kubeconfig.read_text(encoding="utf-8")) or {}).get("current-context") or "nothing")
    if found != context:
        raise Refused(
            Problem(
                summary="the kubeconfig's current context is not the one that the stack names",
                where="kubernetes.context",
                found=found,
                allowed=context,
                fix=f"`kubectl config use-context {context} --kubeconfig {kubeconfig}`, or name the other in the stack file",
            )
        )


def account(environ: dict[str, str]) -> str:
    """The AWS account whose credentials the environment holds; `Refused` when there are none that work."""
    import boto3  # type: ignore[import-untyped]
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    try:
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        return str(boto3.client("sts", region_name=region).get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise Refused(
            Problem(
                summary="there are no AWS credentials that work",
                found=str(error),
                fix="`aws sso login`, or set AWS_PROFILE; check with `aws sts get-caller-identity`",
            ),
            ExitCode.UNAVAILABLE,
        ) from None


@contextlib.contextmanager
def opened(
    place: Place,
    program: Program,
    say: Say,
    *,
    faults: Path | None = None,
    calls: Path | None = None,
) -> Iterator[Engine]:
    """The engine on the stack. Raises `Refused` with all that is missing, before anything is touched."""
    if place.world is World.CLOUD:
        yield _cloud(place, program, say)
        return
    # Where pods run, the registry that the stack declares is one of them, and is spoken to itself.
    stand_in = place.kubeconfig is None or not runs_pods(place.kubeconfig)
    with Session.open(
        place.root,
        place.stack_file,
        place.stack,
        faults,
        calls,
        kubeconfig=place.kubeconfig,
        say=say,
        users=registry_asks(place) if stand_in else None,
        account=account_kind(place),
    ) as session:
        command = EngineCommand(session.toolchain.pulumi, session.toolchain.version, session.env, say)
        yield Engine(
            command=command, workdir=session.workdir, stack=session.stack_name, env=session.env, program=program
        )


def runs_pods(kubeconfig: Path) -> bool:
    """Whether the cluster has a node that is no simulation of one; what does not answer has none."""
    from sandbox.faults import CloudError
    from sandbox.kubernetes import awaiting
    from sandbox.kubernetes.api import Api

    try:
        return awaiting.runs_pods(Api(kubeconfig))
    except (CloudError, OSError):
        return False


def registry_asks(place: Place) -> bool | None:
    """Whether the stack's registry asks who somebody is; None when the stack declares nothing in one."""
    settings = _settings(place)
    registry = settings.registry if settings else None
    return None if registry is None or registry.empty else bool(registry.users)


def account_kind(place: Place) -> str:
    """How the simulated account stands in AWS Organizations: as the stack says that its own does."""
    settings = _settings(place)
    return "management" if settings and settings.budget.watch.payer_account else "member"


def _settings(place: Place) -> Settings | None:
    """What the stack file says; None when it is refused, which its own program then says."""
    from infra.stack.file import StackFile
    from infra.stack.settings import Stack

    try:
        return Stack.read(StackFile.read(place.stack_file)).settings
    except Refused:
        return None


def _cloud(place: Place, program: Program, say: Say) -> Engine:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_OPTION_")}
    if "PULUMI_DEBUG_PROVIDERS" in env:
        raise Refused(
            Problem(
                summary="a simulated provider would answer in the cloud's place",
                where="PULUMI_DEBUG_PROVIDERS",
                found=env["PULUMI_DEBUG_PROVIDERS"],
                fix="unset it, or leave the shell of the sandbox",
            )
        )
    binary = shutil.which("pulumi")
    version = toolchain.ask_version(Path(binary)) if binary else ""
    if binary is None or toolchain.version_tuple(version) < toolchain.version_tuple(PULUMI_MINIMUM):
        raise Refused(
            Problem(
                summary="the official Pulumi CLI is needed for the cloud",
                found=version or "no `pulumi` on PATH",
                allowed=f"pulumi >= {PULUMI_MINIMUM} on PATH",
                fix="install it as pulumi.com/docs/install says",
            ),
            ExitCode.UNAVAILABLE,
        )
    say(f"account {account(env)}")
    problems = [*_backend(binary, place), *_plugins(binary, place)]
    if problems:
        raise Refused(problems, ExitCode.UNAVAILABLE)
    command = EngineCommand(Path(binary), version, env, say)
    return Engine(command=command, workdir=place.root, stack=place.stack, env=env, program=program)


def _ask(binary: str, place: Place, *arguments: str) -> tuple[object, str]:
    """What a read-only `pulumi` command answers as JSON, or why it does not; none of these opens the stack file."""
    done = subprocess.run(
        [binary, *arguments, "--json", "--non-interactive"],
        cwd=place.root,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return (json.loads(done.stdout), "") if done.returncode == 0 else (None, done.stderr.strip())
    except ValueError:
        return None, done.stdout.strip()[:200]


def _backend(binary: str, place: Place) -> list[Problem]:
    """Another backend than the stack's own would make the engine drop the stack file's encrypted key: so look first."""
    who, why = _ask(binary, place, "whoami", "--verbose")
    if not isinstance(who, dict):
        return [
            Problem(
                summary="there is no Pulumi backend",
                found=why,
                fix="`pulumi login s3://<bucket>?region=<region>` (or your Pulumi organisation)",
            )
        ]
    stacks, why = _ask(binary, place, "stack", "ls")
    names = (
        [str(each.get("name", "")).rsplit("/", 1)[-1].rstrip("*") for each in stacks]
        if isinstance(stacks, list)
        else []
    )
    if place.stack in names:
        return []
    return [
        Problem(
            summary=f"the backend has no stack `{place.stack}`",
            found=f"{who.get('url', '')} has {', '.join(names) or 'none'} {why}".strip(),
            fix=f"`pulumi login` to the right one, or `pulumi stack init {place.stack} --secrets-provider awskms://...`",
        )
    ]


def _plugins(binary: str, place: Place) -> list[Problem]:
    found, why = _ask(binary, place, "plugin", "ls")
    have = {(each.get("name"), each.get("version")) for each in found} if isinstance(found, list) else set()
    problems = []
    for name in ("aws", "kubernetes"):
        version = importlib.metadata.version(f"pulumi-{name}")
        if (name, version) not in have:
            problems.append(
                Problem(
                    summary=f"the provider plugin {name} {version} is not installed",
                    found=why or ", ".join(sorted(f"{n} {v}" for n, v in have if n == name)) or "none",
                    fix=f"`pulumi plugin install resource {name} {version}`",
                )
            )
    return problems
