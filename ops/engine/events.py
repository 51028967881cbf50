"""Turns the engine's event stream into values: what changed, what a policy said, what went wrong, each said once."""

from __future__ import annotations

import enum
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pulumi.automation.events import DiagnosticEvent, EngineEvent, PolicyEvent, StepEventMetadata

_COLOUR = re.compile(r"<\{%.*?%\}>")
_DEFAULT_PROVIDER = re.compile(r"::pulumi:providers:[^:]+::default(_|$)")
_UNHANDLED = "an unhandled error occurred: "
"""How the engine says once more what the program has said."""
_NOISE = re.compile(
    r"^(update|preview|refresh|destroy) failed$|^BAIL: |: context canceled$"
    r"|^Resource monitor has terminated, shutting down$",
    re.IGNORECASE,
)
"""What the engine and the SDK say of everything that was given up because of another error."""


class Operation(enum.Enum):
    """What the engine is asked to do."""

    PREVIEW = "preview"
    UP = "up"
    REFRESH = "refresh"
    DESTROY = "destroy"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One resource that changes or would change; `keys` are its top-level properties that differ, never their values."""

    op: str
    urn: str
    keys: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def type(self) -> str:
        """The type token of the resource itself, without its parents'."""
        return self.urn.split("::")[-2].rsplit("$", 1)[-1] if self.urn.count("::") > 1 else ""


@dataclass(frozen=True, kw_only=True)
class Violation:
    """What a policy said about one resource, or about the stack when `urn` is empty."""

    pack: str
    policy: str
    mandatory: bool
    message: str
    urn: str = ""


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """A message of the engine, a provider or the program; the engine has masked secrets in it."""

    message: str
    urn: str = ""


@dataclass
class EngineEvents:
    """Everything the event stream has said so far; `listen` may be called from any thread.

    `changes` counts the steps by operation as the engine's own summary does; `done` counts those finished.
    """

    planning: bool
    on_change: Callable[[EngineEvents], None] | None = None
    steps: dict[str, Step] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    changes: dict[str, int] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    errors: list[Diagnostic] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    current: str = ""
    details: dict[str, StepEventMetadata] = field(default_factory=dict, repr=False)
    """The steps as the engine tells them, secrets masked by it; only a report, which masks again, reads these."""
    parents: dict[str, str] = field(default_factory=dict, repr=False)
    retained: set[str] = field(default_factory=set)
    """The URNs of resources in a cloud that a deletion leaves there (`retainOnDelete`), those that do not change included."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def listen(self, event: EngineEvent) -> None:
        """Takes one event of the engine's stream."""
        with self._lock:
            if event.diagnostic_event:
                self._diagnostic(event.diagnostic_event)
            elif event.policy_event:
                self._violation(event.policy_event)
            elif event.resource_pre_event:
                self.current = event.resource_pre_event.metadata.urn
            elif event.res_outputs_event:
                self._finished(event.res_outputs_event.metadata)
            elif event.summary_event:
                self.changes = {_value(op): count for op, count in event.summary_event.resource_changes.items()}
        if self.on_change is not None:
            self.on_change(self)

    @property
    def mandatory(self) -> list[Violation]:
        """The violations that refuse."""
        return [violation for violation in self.violations if violation.mandatory]

    @property
    def touched(self) -> int:
        """How many resources the engine's summary says change."""
        return sum(count for op, count in self.changes.items() if op not in {"same", "read"})

    def _finished(self, step: StepEventMetadata) -> None:
        op = _value(step.op)
        state = step.new or step.old
        self.parents[step.urn] = state.parent if state else ""
        if state and state.custom and state.retain_on_delete:
            self.retained.add(step.urn)
        known = f"{step.urn} {op}" in self.steps
        if known or op in {"same", "read", "refresh"} or _DEFAULT_PROVIDER.search(step.urn):
            return
        self.steps[f"{step.urn} {op}"] = Step(op=op, urn=step.urn, keys=tuple(step.diffs or ()))
        self.details[f"{step.urn} {op}"] = step
        self.done[op] += 1

    def _diagnostic(self, event: DiagnosticEvent) -> None:
        said = Diagnostic(message=_plain(event.message).removeprefix(_UNHANDLED), urn=event.urn or "")
        if event.ephemeral or not said.message or _NOISE.search(said.message):
            return
        if event.severity == "error" and not any(said.message == known.message for known in self.errors):
            self.errors.append(said)
        elif event.severity == "warning" and said not in self.warnings:
            self.warnings.append(said)
        elif event.severity == "info" and said.urn and said not in self.notes:
            self.notes.append(said)

    def _violation(self, event: PolicyEvent) -> None:
        said = Violation(
            pack=event.policy_pack_name,
            policy=event.policy_name,
            mandatory=event.enforcement_level == "mandatory",
            message=_plain(event.message),
            urn=event.resource_urn or "",
        )
        if said not in self.violations:
            self.violations.append(said)


def _plain(text: str) -> str:
    return _COLOUR.sub("", text).strip()


def _value(op: object) -> str:
    return str(op.value) if isinstance(op, enum.Enum) else str(op)
