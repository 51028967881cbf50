"""Objects put on a real API server and taken away again, as an `up` and a `destroy` do it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.items import CREATOR
from sandbox.kubernetes.names import RELEASE
from sandbox.kubernetes.real.live import LiveCloud

Made = tuple[str, str, dict[str, Any]]
"""Type, id and state of an object that was made."""


def put(cloud: LiveCloud, token: str, urn: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Check, then create: what an `up` does with a new resource."""
    acting = CREATOR.set(urn)
    try:
        checked = cloud.check(token, "it", {}, inputs)
        assert checked.faults == (), f"{urn}: {checked.faults}"
        return cloud.create(token, "it", checked.inputs, preview=False)
    finally:
        CREATOR.reset(acting)


def take_away(cloud: LiveCloud, made: Sequence[Made]) -> None:
    """Deletes everything, releases and with them their CRDs last."""
    for late in (False, True):
        gone = [each for each in reversed(made) if (each[0] == RELEASE) is late]
        with ThreadPoolExecutor(16) as many:
            list(many.map(lambda each: cloud.delete(*each), gone))
