"""Storage as a part."""

from __future__ import annotations

from components.part import Part

PART = Part(
    name="storage",
    about="the storage class of the platform's volumes",
    when="always",
    components=lambda _stack: ("Storage::storage",),
)
