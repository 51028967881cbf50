"""Reads a YAML map key by key without a schema library, as every preview's packs wait for it; each mistake has its line."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from core.problem import Problem
from core.yaml_lines import Read

T = TypeVar("T")


@dataclass
class Map:
    """One map of the file, read key by key; what is wrong is added to `problems`, and a harmless value stands for it."""

    value: Any
    where: str
    read: Read
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
        outer = Map(self.value[key], key, self.read, self.problems)
        return {str(name): outer.amounts(str(name)) for name in outer.value}

    def texts(self, key: str, *, needed: bool = True, fits: Callable[[str], bool] = lambda _: True) -> tuple[str, ...]:
        """A list of at least one text that `fits`; none when the key is neither there nor needed."""
        if not needed and key not in self.value:
            self.asked.append(key)
            return ()

        def taken(found: object) -> tuple[str, ...] | None:
            if not isinstance(found, list) or not found:
                return None
            return (
                tuple(found) if all(isinstance(each, str) and each.strip() and fits(each) for each in found) else None
            )

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

    def names(self, key: str, allowed: Sequence[str]) -> dict[str, str]:
        """A map of names to one of the `allowed` names each; none when the key is not there."""
        self.asked.append(key)
        found = self.value.get(key, {})
        if not isinstance(found, Mapping):
            self._wrong(key, found, "a map of names")
            return {}
        for name, chosen in found.items():
            if not isinstance(name, str) or chosen not in allowed:
                self._wrong(f"{key}.{name}", chosen, ", ".join(allowed))
        return {str(name): str(chosen) for name, chosen in found.items()}

    def accounts(self, key: str, names: Sequence[str]) -> dict[str, str]:
        """A map of some of `names` to AWS accounts; none when the key is not there."""
        self.asked.append(key)
        found = self.value.get(key, {})
        if not isinstance(found, Mapping):
            self._wrong(key, found, "a map of environments to accounts")
            return {}
        for name, account in found.items():
            if name not in names:
                self._wrong(f"{key}.{name}", name, ", ".join(names))
            elif not isinstance(account, str) or len(account) != 12 or not (account.isascii() and account.isdigit()):
                self._wrong(f"{key}.{name}", account, "the 12 digits of an AWS account, in quotes")
        return {str(name): str(account) for name, account in found.items()}

    def each(self, key: str, made_of: Callable[[Map], T]) -> tuple[T, ...]:
        """A list of maps, each read by `made_of`; none when the key is not there."""
        self.asked.append(key)
        found = self.value.get(key) or []
        if not isinstance(found, list):
            self._wrong(key, found, "a list")
            return ()
        entries = [Map(value, f"{key}[{number}]", self.read, self.problems) for number, value in enumerate(found)]
        made = tuple(made_of(entry) for entry in entries)
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
        where = ".".join(part for part in (self.where, key) if part)
        self.problems.append(replace(problem, where=where, line=self.read.line(where)))


def money(found: object) -> Decimal | None:
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        amount = Decimal(str(found))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
