"""Sizes of volumes as Kubernetes writes them, rounded up to the gibibytes that EBS sells.

Suffixes are those of `k8s.io/apimachinery` resource quantities. The EBS CSI driver rounds up to whole GiB
(`RoundUpGiB` of its `pkg/util`).
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

from pricing.items.graph import Value
from pricing.items.unpriced import Unpriced

GIB = Decimal(1024) ** 3
_SUFFIXES = {
    "": Decimal(1),
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)},
}
_QUANTITY = re.compile(r"(\d{1,20}(?:\.\d{1,20})?)([KMGTPE]i|[kMGTPE]|)")


def gibibytes(size: Value, what: str) -> int:
    """The GiB of a quantity (`50Gi`, `1.5Ti`, `50G`, 53687091200), rounded up. Raises Unpriced for anything else."""
    text = str(size) if isinstance(size, int | str) and not isinstance(size, bool) else ""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise Unpriced(f"the size of {what} is not known")
    exact = Decimal(found[1]) * _SUFFIXES[found[2]] / GIB
    return int(exact.to_integral_value(ROUND_CEILING))
