"""The messages of the engine's protocol that `pulumi` ships, reached without importing `pulumi` itself.

Importing `pulumi` would cost every preview 0.13 s of start-up for nothing: a pack registers no resources.
"""

import importlib.util
from pathlib import Path

_pulumi = importlib.util.find_spec("pulumi")
if _pulumi is None or not _pulumi.submodule_search_locations:
    raise ImportError("pulumi is not installed")
__path__ = [str(Path(_pulumi.submodule_search_locations[0]) / "runtime" / "proto")]
