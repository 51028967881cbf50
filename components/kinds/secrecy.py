"""Places where a user may write a secret by mistake. A refusal there shows no value.

A Spec that names a secret is one: somebody writes the password itself into the field, into a neighbour of it, in place of the
Spec, or under a key that is not there.
"""

from __future__ import annotations

import functools
import typing
from typing import Any

from pydantic import BaseModel

from components.kinds import in_clear
from components.kinds.kind import Kind
from components.kinds.scalars import unwrapped


@functools.cache
def private(model: type[BaseModel]) -> bool:
    """Whether one of a Spec's own fields names a secret."""
    return any(
        _named(field.annotation) or any(isinstance(kind, Kind) and kind.secret for kind in field.metadata)
        for field in model.model_fields.values()
    )


def _named(annotation: Any) -> bool:
    if typing.get_origin(annotation) is typing.Annotated:
        base, *about = typing.get_args(annotation)
        return any(isinstance(kind, Kind) and kind.secret for kind in about) or _named(base)
    return any(_named(each) for each in typing.get_args(annotation))


def models_along(steps: typing.Sequence[str | int], model: type[BaseModel]) -> list[type[BaseModel]]:
    """The Specs that a path leads through, from the outermost on, with the one that stands at its end."""
    found, here = [model], typing.cast(Any, model)
    for step in steps:
        here = unwrapped(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in here.model_fields.items()}
            here = fields.get(str(step))
        else:
            here = (typing.get_args(here) or (None,))[-1]
        plain = unwrapped(here)
        if isinstance(plain, type) and issubclass(plain, BaseModel):
            found.append(plain)
    return found


def hidden(steps: typing.Sequence[str | int], model: type[BaseModel], value: Any) -> bool:
    """Whether a refusal at a path keeps the value to itself: a secret may be meant for the place, or is what stands there."""
    return private(models_along(steps, model)[-1]) or (isinstance(value, str) and in_clear.in_address(value))
