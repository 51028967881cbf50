"""The gateway as a part."""

from __future__ import annotations

from components.part import Part

PART = Part(
    name="gateway",
    about="the address before the models",
    when="with releases",
    there=lambda stack: bool(stack.releases),
    components=lambda _stack: ("Gateway::gateway",),
)
