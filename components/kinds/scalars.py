"""Strict numbers and booleans: a text is never taken for a number, and a boolean never for a number.

Amounts of money may come as texts, for that is how a Spec writes them down for the packs; then they are plain decimals too.
"""

from __future__ import annotations

import enum
import re
import types
import typing
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
WHOLE, AMOUNT, TRUTH = "a whole number", "a decimal number", "true or false"


def kind(annotation: Any) -> str:
    """Which of the three a field's annotation asks for; empty for anything else."""
    plain = unwrapped(annotation)
    if not isinstance(plain, type):
        return ""
    if plain is bool:
        return TRUTH
    if issubclass(plain, int):
        return WHOLE
    return AMOUNT if issubclass(plain, Decimal) else ""


def unwrapped(annotation: Any) -> Any:
    """An annotation without what says that it may be None, and without its constraints."""
    while typing.get_origin(annotation) in (typing.Annotated, typing.Union, types.UnionType):
        inner = [each for each in typing.get_args(annotation) if each is not type(None)]
        annotation = inner[0]
    return annotation


def loose(annotation: Any, value: Any, where: str = "") -> Iterator[tuple[str, str, str]]:
    """Where a value is no number, or no truth, though it should be one: its place, what is wrong, and what may stand there."""
    plain = unwrapped(annotation)
    arguments = typing.get_args(plain)
    if typing.get_origin(plain) is list and isinstance(value, list):
        for place, item in enumerate(value):
            yield from loose(arguments[0], item, f"{where}[{place}]")
    elif typing.get_origin(plain) is dict and isinstance(value, Mapping):
        for key, item in value.items():
            yield from loose(arguments[1], item, f"{where}.{key}".removeprefix("."))
    elif value is not None and (wanted := kind(annotation)) and not _is(wanted, value):
        quoted = isinstance(value, str) and wanted == WHOLE and _DECIMAL.fullmatch(value)
        yield where, f"this is a text in quotes, not {wanted}" if quoted else f"this is not {wanted}", wanted


def _is(wanted: str, value: Any) -> bool:
    if isinstance(value, BaseModel | enum.Enum):
        return True
    if wanted == TRUTH:
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return False
    if isinstance(value, str):
        return wanted == AMOUNT and bool(_DECIMAL.fullmatch(value))
    if isinstance(value, int):
        return True
    return (
        value.is_finite() if isinstance(value, Decimal) else value.is_integer() or (wanted == AMOUNT and _finite(value))
    )


def _finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")


def shown(value: Any) -> str:
    """A value as a refusal repeats it: what is no text, number or truth is only named."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list | tuple | set):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
