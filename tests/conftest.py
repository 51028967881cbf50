"""What all tests share: hypothesis without a clock, because two cores shared with an engine are no stopwatch."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("modelyard", deadline=None, print_blob=True)
settings.load_profile("modelyard")
