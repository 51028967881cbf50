"""Every Spec that there is, and every place in the settings, for tests that hold a law of all of them."""

from __future__ import annotations

import importlib
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from components.kinds.kind import Kind
from components.kinds.scalars import unwrapped
from components.spec import Spec
from tests.roots import ROOT

Path = tuple[str | int, ...]


def specs() -> list[type[Spec]]:
    """Every Spec of every room."""
    for folder in ("components", "infra", "ops/simulate"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.stem != "__main__" and "in_cluster" not in path.parts:
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found: list[type[Spec]] = []
    queue: list[type[Spec]] = [Spec]
    while queue:
        children = queue.pop().__subclasses__()
        found += children
        queue += children
    return sorted({each for each in found if not each.__module__.startswith("tests")}, key=lambda each: each.__name__)


def texts(annotation: Any, about: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """What is said of each text in a field's annotation: the annotations of the text itself."""
    if typing.get_origin(annotation) is typing.Annotated:
        base, *more = typing.get_args(annotation)
        yield from texts(base, (*about, *more))
    elif annotation is str:
        yield about
    else:
        for each in typing.get_args(annotation):
            yield from texts(each)


def kinds(model: type[BaseModel], name: str) -> Iterator[list[Kind]]:
    """The kinds of each text of a field."""
    field = model.model_fields[name]
    for about in texts(field.annotation, tuple(field.metadata)):
        yield [kind for kind in about if isinstance(kind, Kind)]


def places(model: type[BaseModel], above: Path = ()) -> Iterator[tuple[Path, type[BaseModel], Any]]:
    """Every place below a Spec: its path, the Spec that it is a field of, and its annotation; entries of maps are `x`."""
    for name, field in model.model_fields.items():
        yield from _place((*above, field.alias or name), model, field.annotation)


def _place(path: Path, model: type[BaseModel], annotation: Any) -> Iterator[tuple[Path, type[BaseModel], Any]]:
    yield path, model, annotation
    plain = unwrapped(annotation)
    inner = typing.get_args(plain)
    if typing.get_origin(plain) is dict:
        yield from _place((*path, _key(inner[0])), model, inner[1])
    elif typing.get_origin(plain) is list:
        yield from _place((*path, 0), model, inner[0])
    elif isinstance(plain, type) and issubclass(plain, BaseModel):
        yield from places(plain, path)


def _key(annotation: Any) -> str:
    return "x-x"


def planted(path: Path, value: Any) -> dict[str, Any]:
    """A document with a value at a path and nothing else."""
    for step in reversed(path):
        value = [value] if isinstance(step, int) else {step: value}
    found: dict[str, Any] = value
    return found
