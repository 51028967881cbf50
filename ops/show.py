"""Output of the command line: reports on standard output, progress and refusals on standard error.

Colour and a moving counter only on a terminal; elsewhere plain lines, one each few seconds. With `--format json`
standard output holds one JSON value and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.status import Status

from core import inert
from core.problem import Problem
from ops.console import Printer, plain
from ops.engine.automation import Outcome
from ops.engine.events import Diagnostic, EngineEvents, Operation

_EVERY = 5.0
_LISTED = 40
_VERBS = {
    "create": ("+", "create", "created", "green"),
    "update": ("~", "update", "updated", "yellow"),
    "delete": ("-", "delete", "deleted", "red"),
    "replace": ("±", "replace", "replaced", "magenta"),
    "create-replacement": ("±", "create the replacement", "replacement created", "magenta"),
    "delete-replaced": ("±", "delete the replaced", "replaced one deleted", "magenta"),
    "import": ("=", "import", "imported", "cyan"),
}


class Show:
    """One command's voice. `as_json` keeps standard output for the final value."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)
        self.out = Printer(sys.stderr if as_json else sys.stdout)
        self.err = Printer(sys.stderr)
        self._warned: list[Diagnostic] = []

    def say(self, line: str) -> None:
        """One line of progress."""
        self.err.write((line, "dim"))

    def line(self, text: str = "", style: str = "") -> None:
        """One line of the report."""
        self.out.write((text, style))

    def value(self, value: Any) -> None:
        """The one JSON value of a command asked for JSON."""
        sys.stdout.write(inert.as_json(json.dumps(value, indent=2, default=str)) + "\n")

    def head(self, world: str, stack: str) -> None:
        """The first line of every report."""
        self.line(f"{world}, stack {stack}", style="bold")

    def plain(self, command: str) -> None:
        """The command that does the same without us."""
        self.line(f"the same without modelyard: {command}", style="dim")

    def problems(self, problems: Iterable[Problem], word: str = "refused") -> None:
        """Problems behind one word that sorts them: text for a person, a JSON list for a machine."""
        if self.as_json:
            self.value([problem.as_dict() for problem in problems])
            return
        for problem in problems:
            headline, *rest = problem.text().split("\n")
            self.err.write((word, "bold red"), (f" {headline}", ""))
            for line in rest:
                self.err.write((line, ""))

    @contextlib.contextmanager
    def progress(self, operation: str, total: int) -> Iterator[_Progress]:
        """A counter of finished resources out of `total` (0 when that is not known)."""
        progress = _Progress(self.err, operation, total)
        if self.err.is_terminal:
            with self.err.status(operation) as status:
                progress.status = status
                yield progress
        else:
            yield progress

    def outcome(self, outcome: Outcome, *, steps: bool = True) -> None:
        """What an operation changed (unless that was listed before), what policies said and what went wrong."""
        events = outcome.events
        if steps or not outcome.ok:
            self._steps(events)
        if steps and events.planning:
            for note in events.notes:
                self.line(note.message, style="dim")
        self._violations(events)
        # A preview and the update after it run the same program, which warns in both.
        warnings = [warning for warning in events.warnings if warning not in self._warned]
        self._warned += warnings
        for style, word, said in (("yellow", "warning", warnings), ("bold red", "error", events.errors)):
            for diagnostic in said:
                about = f"{_short(diagnostic.urn)}: " if diagnostic.urn else ""
                self.out.write((word, style), (f" {about}{diagnostic.message}", ""))
        self.line(f"{outcome.operation.value}: {summary(outcome)}", style="green" if outcome.ok else "bold red")

    def _steps(self, events: EngineEvents) -> None:
        steps = sorted(events.steps.values(), key=lambda step: (step.op, step.type, step.name))
        if len(steps) > _LISTED:
            for (op, kind), count in sorted(Counter((step.op, step.type) for step in steps).items()):
                mark, *_, style = _VERBS.get(op, ("?", op, op, ""))
                self.line(f"  {mark} {count:3} {kind}", style=style)
        else:
            for step in steps:
                mark, *_, style = _VERBS.get(step.op, ("?", step.op, step.op, ""))
                keys = f"  [{', '.join(step.keys)}]" if step.keys else ""
                self.line(f"  {mark} {step.type} {step.name}{keys}", style=style)

    def _violations(self, events: EngineEvents) -> None:
        for each in sorted(events.violations, key=lambda violation: not violation.mandatory):
            word, style = ("refused", "bold red") if each.mandatory else ("advice", "yellow")
            about = f" {_short(each.urn)}" if each.urn else ""
            self.out.write((word, style), (" ", ""), (f"{each.pack}/{each.policy}", "bold"), (about, ""))
            for line in each.message.split("\n"):
                self.line(f"  {line}")


class _Progress:
    """Turns the counts of the events so far into a moving line, or a line each few seconds."""

    def __init__(self, console: Printer, operation: str, total: int) -> None:
        self.status: Status | None = None
        self._console, self._operation, self._total = console, operation, total
        self._told = self._started = time.monotonic()

    def __call__(self, events: EngineEvents) -> None:
        text = f"{self._operation}: {self._count(events)}"
        if self.status is not None:
            self.status.update(plain(f"{text}  {_short(events.current)}"))
        elif time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            self._console.write((f"{text}, {self._told - self._started:.0f} s", ""))

    def _count(self, events: EngineEvents) -> str:
        done = sum(events.done.values())
        kinds = [kind for kind, count in events.done.most_common(1) if count]
        verb = _VERBS.get(kinds[0], ("", "", kinds[0], ""))[1 if events.planning else 2] if kinds else "resources"
        return f"{done}/{self._total} {verb}" if self._total else f"{done} {verb}"


def summary(outcome: Outcome) -> str:
    """One line: counts by kind, and how long it took."""
    planned = outcome.events.planning
    counts = {op: count for op, count in outcome.events.changes.items() if op not in {"same", "read"} and count}
    parts = [
        f"{count} {'to ' if planned else ''}{_VERBS.get(op, ('', op, op, ''))[1 if planned else 2]}"
        for op, count in sorted(counts.items())
    ]
    if not parts:
        parts = ["nothing changes" if planned else "nothing changed"]
    unchanged = outcome.events.changes.get("same", 0)
    kept = [f"{unchanged} unchanged"] if unchanged and outcome.operation is not Operation.DESTROY else []
    refused = len(outcome.events.mandatory)
    last = [] if outcome.ok else [f"REFUSED by {refused} rule{'s' * (refused > 1)}" if refused else "FAILED"]
    return ", ".join([*parts, *kept, *last]) + f" ({outcome.seconds:.1f} s)"


def as_value(outcome: Outcome) -> Mapping[str, Any]:
    """An outcome for a machine."""
    events = outcome.events
    return {
        "operation": outcome.operation.value,
        "ok": outcome.ok,
        "seconds": round(outcome.seconds, 3),
        "changes": events.changes,
        "steps": [asdict(step) for step in events.steps.values()],
        "violations": [asdict(violation) for violation in events.violations],
        "errors": [asdict(error) for error in events.errors],
        "warnings": [asdict(warning) for warning in events.warnings],
        "notes": [asdict(note) for note in events.notes],
    }


def _short(urn: str) -> str:
    if not urn:
        return ""
    parts = urn.split("::")
    return f"{parts[-2].rsplit('$', 1)[-1]} {parts[-1]}" if len(parts) > 1 else urn
