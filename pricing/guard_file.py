"""Reads the guard file: every mistake in it is refused with its line, for a misspelt ceiling would be no ceiling."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

import yaml

from pricing.guard import BudgetExemption, Exemption, Guard
from problem import ExitCode, Problem, Refused

T = TypeVar("T")

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path) -> Guard:
    """The guard file at `path`; raises `Refused` with file and line for every mistake in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        problem = Problem(
            summary="the guard file cannot be read",
            file=str(path),
            found=error.strerror or "",
            fix="check out the whole repository: every run is held to this file",
        )
        raise Refused(problem, ExitCode.UNAVAILABLE) from None
    problems: list[Problem] = []
    guard = _read(text, problems)
    if problems:
        raise Refused(each.at(str(path), each.line or 1) for each in problems)
    return guard


def _read(text: str, problems: list[Problem]) -> Guard:
    loader = _LOADER(text)
    try:
        tree = loader.get_single_node()
        if found := list(_repeated(tree, set())):
            problems += found
            return _NOTHING
        content = loader.construct_document(tree) if tree is not None else None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", "") or str(error)
        problems.append(Problem(summary="not a YAML file", found=why, line=mark.line + 1 if mark else 1))
        return _NOTHING
    finally:
        loader.dispose()
    root = _Map(content, "", tree, problems)
    guard = Guard(
        max_monthly_usd=root.amounts("maxMonthlyUsd"),
        required_tags=root.texts("requiredTags"),
        exemptions=root.each("exemptions", _exemption),
        budget_exemptions=root.each("budgetExemptions", _budget_exemption),
    )
    root.nothing_else()
    return guard


_NOTHING = Guard(max_monthly_usd={}, required_tags=())


def _exemption(entry: _Map) -> Exemption:
    return Exemption(
        rule=entry.text("rule"),
        resource=entry.text("resource"),
        environments=entry.texts("environments"),
        owner=entry.text("owner"),
        reason=entry.text("reason"),
        expires=entry.date("expires"),
    )


def _budget_exemption(entry: _Map) -> BudgetExemption:
    return BudgetExemption(
        environment=entry.text("environment"),
        monthly_usd=entry.amount("monthlyUsd"),
        owner=entry.text("owner"),
        reason=entry.text("reason"),
        expires=entry.date("expires"),
    )


@dataclass
class _Map:
    """One map of the file, read key by key; what is wrong is added to `problems`, and a harmless value stands for it."""

    value: Any
    where: str
    node: Any
    problems: list[Problem]
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not isinstance(self.value, Mapping):
            self._wrong("", self.value, "a map of keys")
            self.value = {}

    def text(self, key: str) -> str:
        """A text that is not empty."""
        return self._taken(key, lambda found: found if isinstance(found, str) and found.strip() else None, "a text", "")

    def date(self, key: str) -> datetime.date:
        """A day."""
        return self._taken(
            key,
            lambda found: (
                found if isinstance(found, datetime.date) and not isinstance(found, datetime.datetime) else None
            ),
            "a day, for example 2027-01-31",
            datetime.date.min,
        )

    def amount(self, key: str) -> Decimal:
        """An amount of money above zero."""
        return self._taken(key, lambda found: _money(found) or None, "USD a month, above 0", Decimal(0))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of at least one text."""

        def taken(found: object) -> tuple[str, ...] | None:
            fits = isinstance(found, list) and found and all(isinstance(each, str) and each.strip() for each in found)
            return tuple(found) if fits and isinstance(found, list) else None

        return self._taken(key, taken, "a list of at least one text", ())

    def amounts(self, key: str) -> dict[str, Decimal]:
        """A map of at least one amount of money, zero allowed."""
        inner: Mapping[Any, Any] = self._taken(
            key, lambda found: found if isinstance(found, Mapping) and found else None, "a map of USD a month", {}
        )
        amounts = {str(name): _money(found) for name, found in inner.items()}
        for name, found in amounts.items():
            if found is None:
                self._wrong(f"{key}.{name}", inner[name], "USD a month, not below 0")
        return {name: found for name, found in amounts.items() if found is not None}

    def each(self, key: str, read: Callable[[_Map], T]) -> tuple[T, ...]:
        """A list of maps, each read by `read`; none when the key is not there."""
        self.asked.append(key)
        found = self.value.get(key) or []
        if not isinstance(found, list):
            self._wrong(key, found, "a list")
            return ()
        entries = [
            _Map(value, f"{key}[{number}]", _step(_step(self.node, key), number), self.problems)
            for number, value in enumerate(found)
        ]
        made = tuple(read(entry) for entry in entries)
        for entry in entries:
            entry.nothing_else()
        return made

    def nothing_else(self) -> None:
        """A key that nobody asked for is a mistake."""
        for key in self.value:
            if key not in self.asked:
                known = ", ".join(sorted(self.asked))
                self._add(str(key), Problem(summary="unknown key", allowed=known, fix="correct or remove it"))

    def _taken(self, key: str, take: Callable[[Any], T | None], allowed: str, instead: T) -> T:
        self.asked.append(key)
        taken = take(self.value.get(key))
        if taken is None:
            self._wrong(key, self.value.get(key), allowed)
            return instead
        return taken

    def _wrong(self, key: str, found: object, allowed: str) -> None:
        shown = "nothing" if found is None or found == "" else str(found)
        self._add(key, Problem(summary="this value does not fit", found=shown, allowed=allowed))

    def _add(self, key: str, problem: Problem) -> None:
        node, line = self.node, 1
        for step in key.split(".") if key else ():
            line = _line(node, step)
            node = _step(node, step)
        where = ".".join(part for part in (self.where, key) if part)
        self.problems.append(replace(problem, where=where, line=line))


def _money(found: object) -> Decimal | None:
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        amount = Decimal(str(found))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _step(node: Any, step: str | int) -> Any:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step]
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None


def _line(node: Any, step: str) -> int:
    """The line on which a key of a map stands, or else the map itself."""
    if not isinstance(node, yaml.MappingNode):
        return int(node.start_mark.line) + 1 if node is not None else 1
    found = next((key for key, _ in node.value if key.value == step), node)
    return int(found.start_mark.line) + 1


def _repeated(node: Any, met: set[int]) -> Iterator[Problem]:
    """Keys that stand twice, and aliases: through them a few lines can stand for a tree without end."""
    if node is None:
        return
    line = int(node.start_mark.line) + 1
    if id(node) in met:
        yield Problem(summary="aliases are not taken here", fix="write it out", line=line)
        return
    met.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield Problem(summary="a key is a plain text", line=int(key.start_mark.line) + 1)
                continue
            if key.value in seen:
                yield Problem(
                    summary="the key stands twice",
                    where=key.value,
                    fix="keep one",
                    line=int(key.start_mark.line) + 1,
                )
            seen.add(key.value)
            yield from _repeated(value, met)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value, met)
