"""Reads a YAML map key by key without a schema library, as every preview's packs wait for it; each mistake has its line."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import yaml

from core.problem import Problem

T = TypeVar("T")


@dataclass
class Map:
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
        return self._taken(key, lambda found: money(found) or None, "USD a month, above 0", Decimal(0))

    def percent(self, key: str) -> Decimal:
        """A percentage above 0 and below 100: what costs nothing at all is no discount."""

        def taken(found: object) -> Decimal | None:
            amount = money(found)
            return amount if amount is not None and 0 < amount < 100 else None

        return self._taken(key, taken, "percent, above 0 and below 100", Decimal(0))

    def days(self, key: str) -> int | None:
        """A whole number of days; None when the key is not there."""
        if key not in self.value:
            self.asked.append(key)
            return None

        def taken(found: object) -> int | None:
            return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None

        return self._taken(key, taken, "a whole number of days, at least 1", 1)

    def tables(self, key: str) -> dict[str, dict[str, Decimal]]:
        """A map of maps of amounts of money; none when the key is not there."""
        self.asked.append(key)
        if key not in self.value:
            return {}
        outer = Map(self.value[key], key, _step(self.node, key), self.problems)
        return {str(name): outer.amounts(str(name)) for name in outer.value}

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of at least one text."""

        def taken(found: object) -> tuple[str, ...] | None:
            fits = isinstance(found, list) and found and all(isinstance(each, str) and each.strip() for each in found)
            return tuple(found) if fits and isinstance(found, list) else None

        return self._taken(key, taken, "a list of at least one text", ())

    def amounts(self, key: str, *, needed: bool = True) -> dict[str, Decimal]:
        """A map of at least one amount of money, zero allowed; empty when the key is neither there nor needed."""
        if not needed and key not in self.value:
            self.asked.append(key)
            return {}
        inner: Mapping[Any, Any] = self._taken(
            key, lambda found: found if isinstance(found, Mapping) and found else None, "a map of USD a month", {}
        )
        amounts = {str(name): money(found) for name, found in inner.items()}
        for name, found in amounts.items():
            if found is None:
                self._wrong(f"{key}.{name}", inner[name], "USD a month, not below 0")
        return {name: found for name, found in amounts.items() if found is not None}

    def each(self, key: str, read: Callable[[Map], T]) -> tuple[T, ...]:
        """A list of maps, each read by `read`; none when the key is not there."""
        self.asked.append(key)
        found = self.value.get(key) or []
        if not isinstance(found, list):
            self._wrong(key, found, "a list")
            return ()
        entries = [
            Map(value, f"{key}[{number}]", _step(_step(self.node, key), number), self.problems)
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


def money(found: object) -> Decimal | None:
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


def repeated(node: Any, met: set[int]) -> Iterator[Problem]:
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
            yield from repeated(value, met)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from repeated(value, met)
