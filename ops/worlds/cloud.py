"""An account of AWS as a world: the official engine, the stack's own backend, the caller's credentials."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from components.budget.component import TAG
from core.engine_version import ask_version, version_tuple
from core.problem import ExitCode, Problem, Refused
from core.versions import PULUMI_MINIMUM
from mlflow_provider.api import Server
from ops.doctor import command as doctor
from ops.doctor.account import Account
from ops.doctor.checks import Check
from ops.engine.automation import Engine, Program
from ops.engine.process import EngineCommand
from ops.recorded import Recorded
from ops.show import Show
from ops.worlds.world import LocalRecords, Place, Say


@dataclass(frozen=True)
class CloudWorld:
    """The account of the environment's credentials. Nothing here is simulated."""

    name: ClassVar[str] = "cloud"
    title: ClassVar[str] = "the AWS account"
    simulated: ClassVar[bool] = False
    aws_simulated: ClassVar[bool] = False

    def plain(self, stack: str, arguments: str) -> str:
        """The command a person would type without us for `pulumi <arguments>`."""
        return f"pulumi {arguments} --stack {stack}"

    def accept(self, place: Place) -> None:
        """Raises Refused for a stack without AWS."""
        _ = place.loaded.stack.on_aws

    @contextlib.contextmanager
    def opened(
        self, place: Place, program: Program, say: Say, *, faults: Path | None = None, calls: Path | None = None
    ) -> Iterator[Engine]:
        """The engine on the stack; an account plays no faults, and its calls are not recorded."""
        yield _engine(place, program, say)

    def check_before_up(self, place: Place, engine: Engine, show: Show) -> None:
        """Raises Refused with each check of the doctor that stops an `up`."""
        doctor.refuse(place, engine, show)

    def diagnosed(self, place: Place, show: Show) -> Iterable[Check]:
        """What engine, backend and account say. Raises Refused for a stack without AWS."""
        return doctor.in_account(place, show)

    def only_recorded(self, engine: Engine) -> list[Recorded] | None:
        """Helm installs every release in an account's cluster."""
        return None

    def bucket_holds(self, engine: Engine, region: str, bucket: str) -> bool:
        """Whether a bucket of the account holds anything. Raises Unanswered."""
        return Account.of(region).holds(bucket)

    def tagged(self, engine: Engine, region: str, name: str) -> list[str]:
        """What carries the tag in the account. Raises Unanswered."""
        return Account.of(region).tagged(TAG, name)

    def local_records(self, engine: Engine) -> LocalRecords | None:
        """The backend is elsewhere, and AWS does not say on whose behalf an object was made."""
        return None

    def registry(self, place: Place) -> AbstractContextManager[Server] | None:
        """The account has the stack's own."""
        return None


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


def _engine(place: Place, program: Program, say: Say) -> Engine:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_OPTION_")}
    if "PULUMI_DEBUG_PROVIDERS" in env:
        raise Refused(
            Problem(
                summary="a simulated provider would answer instead of AWS",
                where="PULUMI_DEBUG_PROVIDERS",
                found=env["PULUMI_DEBUG_PROVIDERS"],
                fix="unset it, or leave the shell of the sandbox",
            )
        )
    binary = shutil.which("pulumi")
    version = ask_version(Path(binary)) if binary else ""
    if binary is None or version_tuple(version) < version_tuple(PULUMI_MINIMUM):
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
        [str(stack.get("name", "")).rsplit("/", 1)[-1].rstrip("*") for stack in stacks]
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
