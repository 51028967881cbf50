"""Runs the real engine with our program in this process, in exactly the environment it is given.

Each operation comes back as one `Outcome`; what the program refuses comes back whole, not as the engine's text of it.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi import automation
from pulumi.automation import CommandError

from core.problem import ExitCode, Problem, Refused
from ops.engine.events import Diagnostic, EngineEvents, Operation
from ops.engine.process import EngineCommand, own_connections, replaced_environment

Program = Callable[[], None]
Changed = Callable[[EngineEvents], None] | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One finished operation of the engine."""

    operation: Operation
    ok: bool
    events: EngineEvents
    seconds: float


@dataclass(kw_only=True)
class Engine:
    """One stack and the engine that works on it; `env` replaces this process's environment while the program runs."""

    command: EngineCommand
    workdir: Path
    stack: str
    env: Mapping[str, str]
    program: Program
    _selected: automation.Stack | None = field(default=None, repr=False)

    def preview(self, *, packs: Sequence[Path] = (), on_change: Changed = None) -> Outcome:
        """What `up` would do. Nothing is changed."""
        return self._do(
            Operation.PREVIEW,
            lambda stack, common: stack.preview(policy_packs=_texts(packs), **common),
            on_change,
        )

    def up(self, *, packs: Sequence[Path] = (), on_change: Changed = None) -> Outcome:
        """Creates, updates and deletes at once: whoever calls this has previewed."""
        return self._do(
            Operation.UP,
            lambda stack, common: stack.up(policy_packs=_texts(packs), show_secrets=False, **common),
            on_change,
        )

    def refresh(self, *, planning: bool = False, on_change: Changed = None) -> Outcome:
        """Reads every resource again into the state; with `planning` only says what differs."""
        return self._do(
            Operation.REFRESH,
            lambda stack, common: (
                stack.preview_refresh(**common) if planning else stack.refresh(show_secrets=False, **common)
            ),
            on_change,
            planning=planning,
        )

    def destroy(self, *, planning: bool = False, on_change: Changed = None) -> Outcome:
        """Deletes every resource of the stack; with `planning` only says what it would delete."""
        return self._do(
            Operation.DESTROY,
            lambda stack, common: (
                stack.preview_destroy(**common) if planning else stack.destroy(show_secrets=False, **common)
            ),
            on_change,
            planning=planning,
        )

    def tell(self, variables: Mapping[str, str], *, instead_of: Sequence[str] = ()) -> None:
        """Adds variables to the environment of program and engine from here on, and takes those in `instead_of` out of it."""
        self.env = {**{key: value for key, value in self.env.items() if key not in instead_of}, **variables}
        self.command.tell(variables, instead_of=instead_of)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secret ones masked."""
        found = json.loads(self.ask("stack", "output", "--json"))
        return dict(found)

    def state(self) -> dict[str, Any]:
        """The stack's deployment as the backend holds it, secrets encrypted."""
        deployment = json.loads(self.ask("stack", "export")).get("deployment") or {}
        return dict(deployment)

    def history(self) -> Iterator[dict[str, Any]]:
        """The stack's updates as the backend recorded them, the newest first; pages are read as far as they are asked for.

        Any thread may ask.
        """
        for page in itertools.count(1):
            asked = ("stack", "history", "--json", "--page-size", "50", "--page", str(page), "--stack", self.stack)
            with _quiet_failure(asked):
                found = json.loads(self.command.read(asked, self.workdir))
            yield from found
            if len(found) < 50:
                return

    def ask(self, *arguments: str) -> str:
        """The standard output of a `pulumi` command on this stack."""
        with _quiet_failure(arguments):
            return str(self.command.run([*arguments, "--stack", self.stack], str(self.workdir), {}).stdout)

    def _do(
        self,
        operation: Operation,
        call: Callable[[automation.Stack, dict[str, Any]], object],
        on_change: Changed,
        *,
        planning: bool = False,
    ) -> Outcome:
        planning = planning or operation is Operation.PREVIEW
        events = EngineEvents(planning, on_change)
        started, ok = time.monotonic(), True
        caught: list[Refused] = []
        common: dict[str, Any] = {
            "on_event": events.listen,
            "color": "never",
            "suppress_progress": True,
        }
        if os.environ.get("MODELYARD_DEBUG") != "1":
            logging.getLogger("grpc").setLevel(logging.CRITICAL + 1)
        own_connections()
        with replaced_environment(self.env):
            stack = self._stack(caught)
            try:
                call(stack, common)
            except CommandError as error:
                ok = False
                _explain(error, events)
            except KeyboardInterrupt:
                raise self._interrupted(operation, planning) from None
        if not ok:
            _forget_unfinished()
        if caught:
            raise caught[0]
        return Outcome(
            operation=operation,
            ok=ok,
            events=events,
            seconds=time.monotonic() - started,
        )

    def _interrupted(self, operation: Operation, planning: bool) -> Refused:
        left = "a preview changes nothing"
        if not planning:
            state = self.state()
            pending = len(state.get("pending_operations") or [])
            left = f"{len(state.get('resources') or [])} resources in the state, {pending} operations without an answer"
        fix = f"`modelyard recover --stack {self.stack}`, then the same command again"
        return Refused(
            Problem(summary=f"{operation.value} was interrupted", found=left, fix="" if planning else fix),
            ExitCode.INTERRUPTED,
        )

    def _stack(self, caught: list[Refused]) -> automation.Stack:
        if self._selected is None:
            workspace = automation.LocalWorkspace(work_dir=str(self.workdir), pulumi_command=self.command)
            with _quiet_failure(("stack", "select")):
                self._selected = automation.Stack.select(self.stack, workspace)
        self._selected.workspace.program = _told(self.program, caught)
        return self._selected


def _told(program: Program, caught: list[Refused]) -> Program:
    """The program with its failures told in one line; a `Refused` is also kept whole for the caller."""

    def run() -> None:
        try:
            program()
        except pulumi.RunError:
            raise
        except Refused as refused:
            caught.append(refused)
            raise pulumi.RunError(str(refused)) from None
        except Exception as error:
            if os.environ.get("MODELYARD_DEBUG") == "1":
                raise
            raise pulumi.RunError(f"the program failed: {type(error).__name__}: {error}") from None

    return run


def _forget_unfinished() -> None:
    """The SDK leaves a coroutine behind when the engine ends before the program; collected here, it says nothing."""
    before = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = before


def _explain(error: CommandError, events: EngineEvents) -> None:
    """Makes sure that a failed operation has at least one error that says why."""
    text = str(error)
    if "currently locked by" in text:
        raise Refused(
            Problem(
                summary="the stack is locked by another update",
                found=" ".join(line.strip() for line in text.splitlines() if "created by" in line),
                fix="wait for it to end; if its process is dead, run `modelyard recover`",
            ),
            ExitCode.UNAVAILABLE,
        ) from None
    if not events.errors and not events.mandatory:
        stderr = text.partition("stderr:")[2].strip() or text.strip()
        events.errors.append(Diagnostic(message=stderr))


@contextlib.contextmanager
def _quiet_failure(arguments: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise Refused(
            Problem(
                summary=f"`pulumi {' '.join(arguments[:2])}` failed",
                found=str(error).partition("stderr:")[2].strip() or str(error).strip(),
            ),
            ExitCode.FAILED,
        ) from None


def _texts(paths: Sequence[Path]) -> list[str] | None:
    return [str(path) for path in paths] or None
