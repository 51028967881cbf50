"""Why a pod stays pending, from Karpenter's own words: a line for each NodePool that the pod could have used, its limit named.

Karpenter answers with one clause for each NodePool, joined by `; ` (`pkg/controllers/provisioning/scheduling` of v1.15.0). It
looks at limits first, so pools that the pod would never run on stand there too: those are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ops.simulate.cluster.pools import Purchase
from pricing.capacity.pool import Buying

_HEAD = "Failed to schedule pod, "
_NODE_POOL = re.compile(r"NodePool=([^\s,)]+)|karpenter\.sh/nodepool In \[([^\]]+)\]")
_RESOURCES = re.compile(r"resources=(\{.*?\})")
_LIMITS = ("all available instance types exceed limits", "node limits have been exhausted")


def reasons(message: str, asked: Sequence[Purchase], pool: str = "", *, spot: bool = True) -> list[str]:
    """What kept a pod from every NodePool of `pool`, or of all of them where the pod names none; in Karpenter's order.

    A message that names no NodePool is given as it is, and an empty one as what is known: Karpenter said nothing.
    """
    text = message.removeprefix(_HEAD).strip()
    if not text:
        return ["Karpenter said nothing about it"]
    clauses = [each.strip() for each in text.split("; ") if each.strip()]
    mine = [purchase for purchase in asked if not pool or purchase.pool == pool]
    # Karpenter passes over a NodePool that has no type to buy, so nothing names it.
    gone = [
        f"{purchase.name}: no spot is to be had" for purchase in mine if purchase.buying is Buying.SPOT and not spot
    ]
    return [*gone, *_named(clauses, mine)] or clauses


def _named(clauses: Sequence[str], mine: Sequence[Purchase]) -> Iterator[str]:
    by_name = {each.name: each for each in mine}
    for clause in clauses:
        found = _NODE_POOL.search(clause)
        purchase = by_name.get(found[1] or found[2]) if found else None
        if purchase is not None:
            yield f"{purchase.name}: {_in_words(clause, purchase)}"


def _in_words(clause: str, purchase: Purchase) -> str:
    if clause.startswith(_LIMITS):
        # `pods` only says `nodes` again, in a way that Karpenter counts in time.
        limits = ", ".join(f"{amount} {what}" for what, amount in purchase.limits.items() if what != "pods")
        return f"no room is left under its limit of {limits} ({purchase.bound_by})"
    resources = _RESOURCES.search(clause)
    what = clause.partition(", requirements=")[0]
    return f"{what}: the pod asks for {resources[1]}" if resources else what
