"""The marks that the engine puts into ordinary values; from `sdk/go/common/resource` of Pulumi, read at 3.259."""

from __future__ import annotations

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key of a map that stands for something else: a secret, an output, an asset or an archive."""

SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not one
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""A text that only deployment will tell. The engine takes it for a value of any type."""

UNKNOWNS = frozenset(
    (
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    )
)
"""What stands for a string, bool, number, list, asset, archive or map that only deployment will tell."""
