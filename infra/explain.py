"""Turns pydantic's findings into Problems in the user's own words: camelCase paths, what is allowed, what to change."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from components.spec import Invalid
from problem import Problem

SHOWN = 80
"""Longest found value (characters) that an error repeats."""


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every finding of `error` as a Problem; `where` is a dotted path from `model`, in camelCase."""
    return [problem for each in error.errors() for problem in _problems(dict(each), model)]


def dotted(steps: Sequence[str | int]) -> str:
    """A path as an error writes it: `gpuPools.chat.instanceTypes[0]`."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _problems(finding: Mapping[str, Any], model: type[BaseModel]) -> list[Problem]:
    steps = [step for step in finding["loc"] if step != "[key]"]
    where = dotted(steps)
    raised = finding.get("ctx", {}).get("error")
    if isinstance(raised, Invalid):
        return [replace(each, where=_join(where, each.where)) for each in raised.problems]
    kind = finding["type"]
    if kind == "extra_forbidden":
        return [_unknown(steps, where, model)]
    if kind == "missing":
        return [Problem(summary="a required value is missing", where=where, fix=f"add {where}: to the stack file")]
    if kind in {"enum", "literal_error"}:
        return [
            Problem(
                summary="not one of the values that it can have",
                where=where,
                found=_found(finding["input"]),
                allowed=str(finding["ctx"]["expected"]).replace("'", "").replace(" or ", ", "),
            )
        ]
    message = str(finding["msg"]).removeprefix("Value error, ")
    allowed = message.removeprefix("Input should be ") if message.startswith("Input should be ") else ""
    return [
        Problem(
            summary="the value does not fit" if allowed else message[:1].lower() + message[1:],
            where=where,
            found=_found(finding["input"]),
            allowed=allowed,
        )
    ]


def _unknown(steps: Sequence[str | int], where: str, model: type[BaseModel]) -> Problem:
    known = sorted(_fields_at(steps[:-1], model))
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(str(steps[-1]).casefold(), list(folded), n=1, cutoff=0.6)
    return Problem(
        summary="unknown key",
        where=where,
        allowed=", ".join(known),
        fix=f"did you mean {folded[near[0]]}?" if near else "take it out",
    )


def _fields_at(steps: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """The keys that may stand at a path, found by walking the models' own annotations."""
    here: Any = model
    for step in steps:
        here = _unwrap(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in here.model_fields.items()}
            here = fields.get(str(step))
        else:
            here = (get_args(here) or (None,))[-1]
    here = _unwrap(here)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return [field.alias or name for name, field in here.model_fields.items()]
    return []


def _unwrap(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        return next(each for each in get_args(annotation) if each is not type(None))
    return annotation


def _join(where: str, inner: str) -> str:
    if not where or not inner:
        return where or inner
    return f"{where}{inner}" if inner.startswith("[") else f"{where}.{inner}"


def _found(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list | tuple | set):
        return "a list"
    text = "nothing" if value is None else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"
