"""Faults on demand: cloud failures that a file injects, for tests of recovery.

The file holds a list of `{kind, type, call, times, edge, seconds}`. What has been used up is kept beside the world, so
`times` holds through a crash.
"""

from __future__ import annotations

import fnmatch
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from core.problem import Problem, Refused

KINDS = ("throttle", "no-capacity", "slow", "crash")
CALLS = ("check", "create", "read", "update", "delete")
EDGES = ("before", "after-write", "after-reply")
ATTEMPTS = 5
BACKOFF_SECONDS = 0.02


class CloudError(Exception):
    """What a cloud answers instead of doing what it was asked: its error code, its message, each field with why."""

    def __init__(self, code: str, message: str, causes: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.causes = causes


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One fault: `times` calls of `call` on types that match `type` (a glob over tokens) meet it at `edge`."""

    kind: str
    type: str = "*"
    call: str = "create"
    times: int = 1
    edge: str = "before"
    seconds: float = 0.0


@dataclass
class Faults:
    """The faults still to come, and the log of call edges; safe to use from several threads."""

    rules: tuple[Rule, ...] = ()
    memory: Path | None = None
    log: TextIO | None = None
    leave: Callable[[int], Any] = os._exit
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _spent: dict[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, file: Path | None, memory: Path | None = None, log: Path | None = None) -> Faults:
        """Read the faults of `file` (None: no faults); Refused names every entry that makes no sense."""
        calls = log.open("a", encoding="utf-8", buffering=1) if log else None
        if file is None:
            return cls(log=calls)
        try:
            entries = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Refused(
                Problem(summary="the faults file cannot be read", file=str(file), found=str(error))
            ) from error
        return cls(rules=_rules(entries, str(file)), memory=memory, log=calls)

    def before(self, call: str, token: str, urn: str = "") -> None:
        """The edge before the cloud acts: throttled calls are tried again here; CloudError when that does not help."""
        self._edge("before", call, token, urn)
        for attempt in range(ATTEMPTS):
            if not self._use("throttle", "before", call, token):
                break
            time.sleep(BACKOFF_SECONDS * 2**attempt)
        else:
            raise CloudError("ThrottlingException", f"Rate exceeded: {call} gave up after {ATTEMPTS} attempts")
        if self._use("no-capacity", "before", call, token):
            raise CloudError(
                "InsufficientInstanceCapacity",
                "We currently do not have sufficient capacity in the Availability Zone you requested",
            )

    def after_write(self, call: str, token: str, urn: str = "") -> None:
        """The edge after the world's write and before the reply."""
        self._edge("after-write", call, token, urn)

    def after_reply(self, call: str, token: str, urn: str = "") -> None:
        """The edge after the engine has the reply."""
        self._edge("after-reply", call, token, urn)

    def _edge(self, edge: str, call: str, token: str, urn: str) -> None:
        if self.log is not None:
            self.log.write(json.dumps({"edge": edge, "call": call, "type": token, "urn": urn}) + "\n")
        if not self.rules:
            return
        if rule := self._use("slow", edge, call, token):
            time.sleep(rule.seconds)
        if self._use("crash", edge, call, token):
            self.leave(137)

    def _use(self, kind: str, edge: str, call: str, token: str) -> Rule | None:
        for index, rule in enumerate(self.rules):
            if (rule.kind, rule.edge, rule.call) == (kind, edge, call) and fnmatch.fnmatchcase(token, rule.type):
                with self._lock:
                    used = self._used()
                    if used.get(str(index), 0) < rule.times:
                        self._remember({**used, str(index): used.get(str(index), 0) + 1})
                        return rule
        return None

    def _used(self) -> dict[str, int]:
        if self.memory is None:
            return self._spent
        if not self.memory.exists():
            return {}
        used: dict[str, int] = json.loads(self.memory.read_text(encoding="utf-8"))
        return used

    def _remember(self, used: dict[str, int]) -> None:
        if self.memory is None:
            self._spent = used
            return
        draft = self.memory.with_suffix(".new")
        draft.write_text(json.dumps(used), encoding="utf-8")
        draft.replace(self.memory)


def _rules(entries: Any, file: str) -> tuple[Rule, ...]:
    if not isinstance(entries, list):
        raise Refused(Problem(summary="the faults file holds no list", file=file, allowed="a JSON list of faults"))
    problems: list[Problem] = []
    rules: list[Rule] = []
    for index, entry in enumerate(entries):
        fields = dict(entry) if isinstance(entry, dict) else {}
        for name, allowed in (("kind", KINDS), ("call", CALLS), ("edge", EDGES)):
            value = fields.get(name, Rule.__dict__.get(name, ""))
            if value not in allowed:
                problems.append(_bad(file, f"[{index}].{name}", value, ", ".join(allowed)))
        unknown = sorted(set(fields) - set(Rule.__dataclass_fields__))
        if unknown:
            problems.append(_bad(file, f"[{index}]", ", ".join(unknown), ", ".join(Rule.__dataclass_fields__)))
        if not problems:
            rules.append(Rule(**fields))
    if problems:
        raise Refused(problems)
    return tuple(rules)


def _bad(file: str, where: str, found: Any, allowed: str) -> Problem:
    return Problem(summary="this fault makes no sense", file=file, where=where, found=str(found), allowed=allowed)
