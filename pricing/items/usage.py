"""What is paid by use rather than by the hour: one named assumption each, that a stack may override as a whole or by name.

Nobody knows a month's gigabytes in advance. So each amount is stated, shows up beside the price that it was multiplied
with, and has a peak: a bill's maximum allows for `peak_percent` of every amount, its minimum for none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from types import MappingProxyType

HUNDRED = Decimal(100)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Expected use a month, for each resource of its kind unless it says otherwise.

    GB and requests are counted for each NAT gateway, endpoint, log group, key, queue, bucket, secret or advanced parameter
    unless it says otherwise; `zone_gb` and `internet_gb` for the whole stack. `pool_percent` is how much of a pool's limits
    is expected to run all month, `update_hours` how long a node group is being updated, `load_balancer_units` the capacity
    units of a load balancer all month. `each` maps `name.field` (`nat-a.natGb`, `gpu-pool-chat.poolPercent`) to another
    amount.
    """

    nat_gb: int = 100
    endpoint_gb: int = 10
    zone_gb: int = 500
    internet_gb: int = 100
    log_gb: int = 10
    kms_requests: int = 100_000
    queue_requests: int = 1_000_000
    bucket_gb: int = 100
    bucket_requests: int = 1_000_000
    secret_calls: int = 10_000
    parameter_calls: int = 10_000
    load_balancer_units: int = 1
    pool_percent: int = 70
    update_hours: int = 4
    peak_percent: int = 300
    each: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, inputs: Mapping[str, object]) -> Usage:
        """The usage that camelCase inputs state, defaults where they say nothing.

        Raises ValueError for a key that is no amount, and for an amount that is no whole number or out of range: use that
        cannot be read, and use below zero, must never make a bill smaller.
        """
        known = {to_camel(field.name): field.name for field in fields(cls) if field.name != "each"}
        each = inputs.get("each", {})
        each = each if isinstance(each, Mapping) else {"each": each}
        given = {known.get(key, key): value for key, value in inputs.items() if key != "each"}
        _check([(known_key(key), value) for key, value in each.items()] + [*given.items()], set(known.values()))
        return replace(cls(**given), each=MappingProxyType(dict(each)))  # type: ignore[arg-type]

    def at(self, component: str, resource: str = "") -> Usage:
        """The amounts that hold for one resource: its own, else its component's, else the stack's."""
        if not self.each:
            return self
        own: dict[str, int] = {}
        for name in (component, resource):
            own |= {
                known_key(key): value for key, value in self.each.items() if name and key.rpartition(".")[0] == name
            }
        return replace(self, **own)  # type: ignore[arg-type]

    def peak(self, amount: Decimal) -> Decimal:
        """The most that an expected amount may come to."""
        return amount * self.peak_percent / HUNDRED


def to_camel(name: str) -> str:
    """`nat_gb` as a stack file writes it: `natGb`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


AMOUNTS = tuple(each.name for each in fields(Usage) if each.name != "each")
"""The names of all amounts."""


def known_key(key: str) -> str:
    """The field that a key of `each` names (`nat-a.natGb` -> `nat_gb`); the key itself when it names none."""
    wanted = key.rpartition(".")[2]
    return next((name for name in AMOUNTS if to_camel(name) == wanted), key)


def out_of_range(name: str, value: object) -> str:
    """Why a value cannot be this amount; empty when it can."""
    if not isinstance(value, int) or isinstance(value, bool):
        return "a whole number"
    low, high = {"pool_percent": (0, 100), "peak_percent": (100, 10_000), "update_hours": (0, 730)}.get(
        name, (0, 10**12)
    )
    return "" if low <= value <= high else f"from {low} to {high}"


def _check(given: list[tuple[str, object]], known: set[str]) -> None:
    for name, value in given:
        if name not in known:
            raise ValueError(f"usage has no amount {name}")
        if wrong := out_of_range(name, value):
            raise ValueError(f"usage.{to_camel(name)} must be {wrong}")
