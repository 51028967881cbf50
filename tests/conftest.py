"""What all tests share: hypothesis without a clock, and engines that are reached as `modelyard` reaches them."""

from __future__ import annotations

from hypothesis import settings

from ops.engine.process import own_connections

# Two cores shared with an engine are no stopwatch.
settings.register_profile("modelyard", deadline=None, print_blob=True)
settings.load_profile("modelyard")

own_connections()
