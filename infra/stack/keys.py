"""What may stand where, by the Specs' own annotations, and where a key belongs that stands in the wrong place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.kinds import lookalikes
from components.kinds.scalars import unwrapped
from components.kinds.secrecy import models_along, private
from core.problem import Problem

DEEPEST = 6
"""Levels of Specs that are searched for a key."""


def steps(where: str) -> list[str | int]:
    """The steps of a dotted path."""
    return [int(each[1:-1]) if each[0] == "[" else each for each in re.findall(r"\[[0-9]+\]|[^.\[]+", where)]


def annotation_at(path: Sequence[str | int], model: type[BaseModel]) -> Any:
    """What a path leads to: an annotation, or None when nothing can stand there."""
    here: Any = model
    for step in path:
        here = unwrapped(here)
        if _is_spec(here):
            field = next((each for name, each in _fields(here) if name == str(step)), None)
            here = field.annotation if field else None
        else:
            here = (get_args(here) or (None,))[-1]
    return here


def field_at(path: Sequence[str | int], model: type[BaseModel]) -> FieldInfo | None:
    """The field that a path leads to, or into: `watch.emails[0]` is of the field `emails`."""
    here: Any = model
    field = None
    for step in path:
        here = unwrapped(here)
        if _is_spec(here):
            field = next((each for name, each in _fields(here) if name == str(step)), None)
            here = field.annotation if field else None
        else:
            here = (get_args(here) or (None,))[-1]
    return field


def unknown(path: Sequence[str | int], where: str, model: type[BaseModel], value: Any) -> Problem:
    """The refusal of a key that nobody knows, with the one that was meant or the place that it belongs to."""
    key, around = str(path[-1]), models_along(path[:-1], model)[-1]
    known = sorted(name for name, _ in _fields(around))
    folded = {_folded(name): name for name in known}
    near = difflib.get_close_matches(_folded(key), list(folded), n=1, cutoff=0.6)
    meant = next((folded[each] for each in near if each == _folded(key)), "")
    belongs = "" if meant else _belongs(key, path[:-1], model)
    # `password: { hunter2 }` is a map with the password as its key.
    if private(around) and value is None and not near and not belongs:
        return Problem(
            summary="unknown key", where=where.rpartition(".")[0], allowed=", ".join(known), fix="take it out"
        )
    odd = lookalikes.named(key)
    fix = f"it belongs to {belongs}" if belongs else f"did you mean {folded[near[0]]}?" if near else "take it out"
    return Problem(
        summary="unknown key", where=where, allowed=", ".join(known), fix=f"{fix} {odd}".strip() if odd else fix
    )


def _belongs(key: str, path: Sequence[str | int], model: type[BaseModel]) -> str:
    """The nearest place that has a key of that name, as a path, or the nearest ones; empty when there is none."""
    here = [str(each) for each in path]
    found = sorted(
        (_distance(here, place), place) for place in _places(model, here, ()) if _folded(place[-1]) == _folded(key)
    )
    return " or ".join(".".join(place) for distance, place in found[:3] if distance == found[0][0])


def _places(model: type[BaseModel], here: Sequence[str], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The path of every field; in a map, that of the entry that `here` is in, or of any."""
    for name, field in _fields(model):
        place = (*above, name)
        yield place
        inner = unwrapped(field.annotation)
        if get_origin(inner) is dict:
            inner = unwrapped(get_args(inner)[1])
            entry = here[len(place)] if len(here) > len(place) and tuple(here[: len(place)]) == place else "NAME"
            place = (*place, entry)
        if _is_spec(inner) and len(place) <= DEEPEST:
            yield from _places(inner, here, place)


def _distance(here: Sequence[str], place: tuple[str, ...]) -> int:
    """Steps up and down from one map of keys to the one that a key stands in."""
    shared = 0
    for one, other in zip(here, place[:-1], strict=False):
        if one != other:
            break
        shared += 1
    return len(here) - shared + len(place) - 1 - shared


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _is_spec(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _folded(key: str) -> str:
    return lookalikes.plain(key).replace("_", "").replace("-", "").casefold()
