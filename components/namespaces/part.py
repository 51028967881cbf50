"""Namespaces as a part."""

from __future__ import annotations

from components.part import Part

PART = Part(
    name="namespaces",
    about="the namespaces that workloads live in, closed against each other",
    when="always",
    components=lambda _stack: ("Namespaces::namespaces",),
)
