"""Where a command works: the repository, and a stack's place in it."""

from __future__ import annotations

from pathlib import Path

from core.problem import ExitCode, Problem, Refused
from ops.worlds.world import Place, World
from sandbox.kubernetes.cluster import current


def root() -> Path:
    """The repository: the nearest folder above the current one with a `Pulumi.yaml`, or the one this file is in."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    return Path(__file__).resolve().parents[2]


def place_of(stack: str, file: Path | None, world: World, kubeconfig: Path | None = None) -> Place:
    """The stack of that name in this repository. Raises Refused for a name that no stack can have."""
    if not stack.replace("-", "").replace("_", "").isalnum() or not stack.isascii():
        raise Refused(
            Problem(summary="this is no stack name", found=stack, allowed="letters, digits, - and _"), ExitCode.USAGE
        )
    if kubeconfig is not None:
        current(kubeconfig)
    home = root()
    stack_file = file or home / f"Pulumi.{stack}.yaml"
    return Place(root=home, stack=stack, stack_file=stack_file, world=world, kubeconfig=kubeconfig)
