"""Which world a command works on: the one that its flags name. Never one when another was asked for."""

from __future__ import annotations

from pathlib import Path

from core.problem import ExitCode, Problem, Refused
from ops.worlds.cloud import CloudWorld
from ops.worlds.kubeconfig import KubeconfigWorld
from ops.worlds.sandbox import SandboxWorld
from ops.worlds.world import World


def choose(*, sandbox: bool, cloud: bool, ci: bool, kubeconfig: Path | None = None) -> World:
    """The world that the flags name; without a flag the sandbox, and `Refused` in CI, where it must be said."""
    said = {"--sandbox": sandbox, "--cloud": cloud, "--kubeconfig": kubeconfig is not None}
    if sum(said.values()) > 1:
        flags = " and ".join(flag for flag, given in said.items() if given)
        raise Refused(Problem(summary=f"{flags} exclude each other", fix="say one"), ExitCode.USAGE)
    if ci and not any(said.values()):
        raise Refused(
            Problem(
                summary="in CI, name the target",
                found="CI=true and no flag",
                allowed="--sandbox, --cloud or --kubeconfig FILE",
                fix="add one of them",
            ),
            ExitCode.USAGE,
        )
    return sandbox_or_cloud(cloud) if kubeconfig is None else KubeconfigWorld(kubeconfig)


def sandbox_or_cloud(cloud: bool) -> World:
    """The world of a command that takes `--cloud` and nothing else."""
    return CloudWorld() if cloud else SandboxWorld()
