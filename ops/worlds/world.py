"""What a command asks of the world that a stack is in. Each world answers in a file of its own beside this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.problem import Refused
from infra.loaded import LoadedStack
from infra.stack.file import StackFile

if TYPE_CHECKING:
    from infra.stack.settings import Settings
    from mlflow_provider.api import Server
    from ops.doctor.checks import Check
    from ops.engine.automation import Engine, Program
    from ops.recorded import Recorded
    from ops.recover.repair import Made
    from ops.show import Show

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class LocalRecords:
    """What this machine keeps of a stack: the folder of the engine's backend, and every object that was made for it."""

    backend: Path
    made: Callable[[], list[Made]]


class World(Protocol):
    """Where a stack's resources are: the sandbox, an account in the cloud, or a cluster that a kubeconfig names."""

    @property
    def name(self) -> str:
        """How JSON and a flag name it."""

    @property
    def title(self) -> str:
        """How a report's first line names it."""

    @property
    def simulated(self) -> bool:
        """Whether nothing outside this machine is touched: then nobody is asked, and another stack file may be tried."""

    @property
    def aws_simulated(self) -> bool:
        """Whether what stands in AWS is simulated."""

    def plain(self, stack: str, arguments: str) -> str:
        """The command a person would type without us for `pulumi <arguments>`."""

    def accept(self, place: Place) -> None:
        """Raises Refused for a stack that cannot be in this world."""

    def opened(
        self, place: Place, program: Program, say: Say, *, faults: Path | None = None, calls: Path | None = None
    ) -> AbstractContextManager[Engine]:
        """The engine on the stack. Raises Refused with all that is missing, before anything is touched.

        `faults` is a file of faults for simulated clouds to play, `calls` one in which they record each call.
        """

    def check_before_up(self, place: Place, engine: Engine, show: Show) -> None:
        """Looks for what would stop an `up` half-way. Raises Refused with each thing that would."""

    def diagnosed(self, place: Place, show: Show) -> Iterable[Check]:
        """The checks of `modelyard doctor` on a stack whose file can be read."""

    def only_recorded(self, engine: Engine) -> list[Recorded] | None:
        """The stack's Helm releases that are only on record; None where a report says nothing of them."""

    def bucket_holds(self, engine: Engine, region: str, bucket: str) -> bool:
        """Whether a bucket holds anything. Raises Unanswered."""

    def tagged(self, engine: Engine, region: str, name: str) -> list[str]:
        """The ARNs in a region that carry the platform's tag with this value. Raises Unanswered."""

    def local_records(self, engine: Engine) -> LocalRecords | None:
        """What this machine keeps of the stack; None where only a person can say what was made."""

    def registry(self, place: Place) -> AbstractContextManager[Server] | None:
        """The stack's model registry where this world runs one itself; None where the stack's own is reached."""


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
