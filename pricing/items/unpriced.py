"""Why something has no price: the one exception of the estimate, which makes its line unpriced and never zero."""

from __future__ import annotations


class Unpriced(Exception):
    """Why something has no price, in one clause."""
