"""What a program leaves to others (`ignore_changes`) stays as the cluster has it, as Pulumi's own provider does it.

A field that is applied as one piece (a Service's selector, a route's backends) would else go back to what was declared: the
traffic of a rollout that is under way with it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from engine.paths import at, steps


def left(declared: Mapping[str, Any], live: Mapping[str, Any] | None, paths: Iterable[str]) -> dict[str, Any]:
    """What is declared, with the cluster's own value at each path where both have one."""
    found: Any = copy.deepcopy(dict(declared))
    for path in paths:
        there = at(live, path)
        # Pulumi's provider takes the index of a list for a field's name, and so ignores nothing there.
        if there is None or at(found, path) is None or any(isinstance(step, int) for step in steps(path)):
            continue
        *above, last = steps(path)
        here = found
        for step in above:
            here = here[step]
        here[last] = copy.deepcopy(there)
    return dict(found)
