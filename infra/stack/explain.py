"""Turns pydantic's findings into Problems in the user's own words: camelCase paths, what is allowed, what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from components.kinds import lookalikes
from components.kinds.scalars import kind, shown, unwrapped
from components.kinds.secrecy import hidden
from components.spec import Invalid
from core.problem import Problem
from infra.stack import keys

SHOWN = 80
"""Longest found value (characters) that an error repeats."""
_SAYS_NOTHING = ("", "nothing", "[]", "a map", "a list")
"""What a refusal may say was found without repeating anything."""


def problems_of(
    error: ValidationError, model: type[BaseModel], words: Mapping[str, str] | None = None
) -> list[Problem]:
    """Every finding of `error` as a Problem; `where` is a dotted path from `model`, in camelCase.

    `words` are the numbers as they stand in the file, by path.
    """
    return [
        problem for each in error.errors(include_url=False) for problem in _problems(dict(each), model, words or {})
    ]


def problems_of_rules(
    found: Sequence[Problem], model: type[BaseModel], words: Mapping[str, str] | None = None
) -> list[Problem]:
    """What a rule over a whole `model` refused, told as `problems_of` tells a field's own refusal."""
    return [_raised(problem, (), "", model, words or {}) for problem in found]


def dotted(steps: Sequence[str | int]) -> str:
    """A path as an error writes it: `gpuPools.chat.instanceTypes[0]`."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _problems(finding: Mapping[str, Any], model: type[BaseModel], words: Mapping[str, str]) -> list[Problem]:
    steps = [step for step in finding["loc"] if step != "[key]"]
    where, value = dotted(steps), finding["input"]
    raised = finding.get("ctx", {}).get("error")
    if isinstance(raised, Invalid):
        return [_raised(problem, steps, where, model, words) for problem in raised.problems]
    if finding["type"] == "extra_forbidden":
        return [keys.unknown(steps, where, model, value)]
    if finding["type"] == "missing":
        return [Problem(summary="a required value is missing", where=where, fix=f"add {where}: to the stack file")]
    found = _found(steps, model, value, words.get(where))
    if finding["type"] in {"enum", "literal_error"}:
        allowed = str(finding["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        summary = "not one of the values that it can have"
        return [Problem(summary=summary, where=where, found=found, allowed=allowed, fix=_spelled(found))]
    if finding["type"] == "string_type" and isinstance(value, int | float):
        text = words.get(where, shown(value))
        fix = "write it in quotes" if hidden(steps, model, value) else f'write it in quotes: "{text}"'
        return [Problem(summary="put this text in quotes", where=where, found=found, fix=fix)]
    message = str(finding["msg"]).removeprefix("Value error, ")
    allowed = message.removeprefix("Input should be ") if message.startswith("Input should be ") else ""
    if finding["type"] in {"model_type", "dict_type"}:
        allowed = "a map of keys and values"
    return [
        Problem(
            summary="the value is not allowed" if allowed else message[:1].lower() + message[1:],
            where=where,
            found=found,
            allowed=_with_unit(allowed, steps, model),
            fix=_spelled(found),
        )
    ]


def _raised(
    problem: Problem,
    steps: Sequence[str | int],
    where: str,
    model: type[BaseModel],
    words: Mapping[str, str],
) -> Problem:
    """A validator's own refusal at its place; what it found is left out where that may be a secret."""
    place = _join(where, problem.where)
    inside = [*steps, *keys.steps(problem.where)]
    quiet = hidden(inside, model, problem.found)
    kept = problem.found in _SAYS_NOTHING or not quiet
    found = words.get(place, problem.found) if kept else ""
    fix = problem.fix or _spelled(found)
    if quiet and problem.found and problem.found in fix:
        fix = ""
    allowed = _with_unit(problem.allowed, inside, model)
    return replace(problem, where=place, found=_cut(found), allowed=allowed, fix=fix)


def _with_unit(allowed: str, steps: Sequence[str | int], model: type[BaseModel]) -> str:
    """What is allowed and, for a number, what the field's own words say it counts."""
    about = keys.field_at(steps, model)
    if about is None or kind(_leaf(about.annotation)) in ("", "true or false") or not about.description:
        return allowed
    first = about.description.split("\n")[0].rstrip(".;")
    return f"{allowed}; it is: {first}" if allowed else first


def _leaf(annotation: Any) -> Any:
    """What a field holds in the end: of a list its items, of a map its values."""
    plain = unwrapped(annotation)
    arguments = getattr(plain, "__args__", ())
    return _leaf(arguments[-1]) if arguments else plain


def _found(steps: Sequence[str | int], model: type[BaseModel], value: Any, said: str | None) -> str:
    """A value as a refusal repeats it: never where a secret may stand, nor in place of a map or a list."""
    if isinstance(value, Mapping | list | tuple | set) or value is None:
        return shown(value)
    expected = unwrapped(keys.annotation_at(steps, model))
    leaf = isinstance(expected, type) and not issubclass(expected, BaseModel)
    return _cut(said or shown(value)) if leaf and not hidden(steps, model, value) else ""


def _spelled(found: str) -> str:
    """What to change about letters that only look right; empty when there are none."""
    return f"type it anew: {lookalikes.named(found)}" if lookalikes.named(found) else ""


def _join(where: str, inner: str) -> str:
    if not where or not inner:
        return where or inner
    return f"{where}{inner}" if inner.startswith("[") else f"{where}.{inner}"


def _cut(text: str) -> str:
    """A text at the length that an error repeats; in quotes where its ends are not seen."""
    if text != text.strip():
        text = f'"{text}"'
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"
