"""Model releases as a part; their pods run on nodes that the pools pay for."""

from __future__ import annotations

from collections.abc import Iterator

from components.part import Part
from components.stack import Stack


def _components(stack: Stack) -> Iterator[str]:
    yield "Serving::serving"
    yield from (f"Release::release-{name}" for name in stack.releases)


PART = Part(
    name="serving",
    about="model releases, each behind an address of its own",
    when="with releases",
    there=lambda stack: bool(stack.releases),
    components=_components,
)
