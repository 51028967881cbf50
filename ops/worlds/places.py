"""Where a command works: the repository, and a stack's place in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from core.problem import ExitCode, Problem, Refused
from infra.loaded import LoadedStack
from infra.stack.file import StackFile

if TYPE_CHECKING:
    from infra.stack.settings import Settings
    from ops.worlds.world import World


@dataclass(frozen=True, kw_only=True)
class Place:
    """A stack, the file that describes it and the world it is in; `root` is the repository.

    The file is read when it is first asked for, and once: whatever a command does, it does to the same stack.
    """

    root: Path
    stack: str
    stack_file: Path
    world: World

    @cached_property
    def file(self) -> StackFile:
        """The stack file. Raises Refused when it cannot be read."""
        return StackFile.read(self.stack_file)

    @cached_property
    def loaded(self) -> LoadedStack:
        """The stack that the file describes. Raises Refused with each problem's line."""
        return LoadedStack.of(self.stack, self.file)

    @property
    def settings(self) -> Settings | None:
        """What the stack file says; None when it is refused, for those who leave that to the stack's own program."""
        try:
            return self.loaded.settings
        except Refused:
            return None

    def plain(self, arguments: str) -> str:
        """The command a person would type without us for `pulumi <arguments>`."""
        return self.world.plain(self.stack, arguments)


def registry_asks(place: Place) -> bool | None:
    """Whether the stack's registry asks who somebody is; None when the stack declares nothing in one."""
    registry = place.settings.registry if place.settings else None
    return None if registry is None or registry.empty else bool(registry.users)


def root() -> Path:
    """The repository: the nearest folder above the current one with a `Pulumi.yaml`, or the one this file is in."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    return Path(__file__).resolve().parents[2]


def places(home: Path, world: World) -> list[Place]:
    """Every stack of the repository `home`, by name; none of their files is read yet."""
    files = sorted(home.glob("Pulumi.*.yaml"))
    return [Place(root=home, stack=file.name.split(".")[1], stack_file=file, world=world) for file in files]


def place_of(stack: str, file: Path | None, world: World) -> Place:
    """The stack of that name in this repository. Raises Refused for a name that no stack can have."""
    if not stack.replace("-", "").replace("_", "").isalnum() or not stack.isascii():
        raise Refused(
            Problem(summary="this is no stack name", found=stack, allowed="letters, digits, - and _"), ExitCode.USAGE
        )
    home = root()
    return Place(root=home, stack=stack, stack_file=file or home / f"Pulumi.{stack}.yaml", world=world)
