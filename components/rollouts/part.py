"""Argo Rollouts as a part."""

from __future__ import annotations

from components.part import Part

PART = Part(
    name="rollouts",
    about="the controller that rolls releases out",
    when="with releases",
    there=lambda stack: bool(stack.releases),
    components=lambda _stack: ("Rollouts::rollouts",),
)
