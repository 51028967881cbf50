"""A stack that is read once, for everything in this process that asks about it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from core.problem import Refused
from infra.guard import GUARD
from infra.stack.file import StackFile
from infra.stack.settings import Settings
from infra.stack.stack import Stack
from policies.guard.file import load

if TYPE_CHECKING:
    from infra.plan import Plan


@dataclass(frozen=True, kw_only=True)
class LoadedStack:
    """A stack's name, its settings and what follows from them; `today` is the day that its plan is made for.

    The plan is bounded by the guard file that whoever reads the stack gives.
    """

    name: str
    stack: Stack
    today: datetime.date = field(default_factory=datetime.date.today)
    guard_file: Path = GUARD

    @classmethod
    def read(cls, name: str, path: Path) -> LoadedStack:
        """Reads the stack of that name from its file. Raises Refused with each problem's line."""
        return cls.of(name, StackFile.read(path))

    @classmethod
    def of(cls, name: str, file: StackFile) -> LoadedStack:
        """The stack that a file that was read describes. Raises Refused with each problem's line."""
        return cls(name=name, stack=Stack.read(file))

    @property
    def settings(self) -> Settings:
        """What the stack file says, laid over its profile."""
        return self.stack.settings

    @cached_property
    def plan(self) -> Plan:
        """The stack's plan, made when it is first asked for. Raises Refused with each problem's line."""
        # The plan's module loads the providers' packages: a refusal of the stack file should not wait for them.
        from infra.plan import plan

        try:
            return plan(self.stack, load(self.guard_file), self.today)
        except Refused as refused:
            raise self.placed(refused) from None

    def placed(self, refused: Refused) -> Refused:
        """The same refusal, each of its problems told where it stands in the stack file when there is one."""
        return self.stack.file.placed(refused) if self.stack.file else refused
