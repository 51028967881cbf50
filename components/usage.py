"""What a stack expects to use of what is paid by use: the amounts of `pricing.items.usage`, as a stack file states them."""

from __future__ import annotations

from pydantic import Field, field_validator

from components.kinds.words import UsageKey
from components.spec import Invalid, Spec
from pricing.items.usage import AMOUNTS, Usage, known_key, out_of_range, to_camel

_USUAL = Usage()


class UsageSpec(Spec):
    """Expected use a month, for each resource of its kind; the bill's maximum allows for `peakPercent` of it."""

    nat_gb: int = Field(default=_USUAL.nat_gb, ge=0)
    """Data through each NAT gateway (GB)."""
    endpoint_gb: int = Field(default=_USUAL.endpoint_gb, ge=0)
    """Data through each interface endpoint (GB)."""
    zone_gb: int = Field(default=_USUAL.zone_gb, ge=0)
    """Data between zones, of the whole stack (GB)."""
    internet_gb: int = Field(default=_USUAL.internet_gb, ge=0)
    """Data to the internet, for the whole stack (GB)."""
    log_gb: int = Field(default=_USUAL.log_gb, ge=0)
    """Data written to each log group (GB)."""
    kms_requests: int = Field(default=_USUAL.kms_requests, ge=0)
    """Requests to each KMS key."""
    queue_requests: int = Field(default=_USUAL.queue_requests, ge=0)
    """Requests to each queue."""
    bucket_gb: int = Field(default=_USUAL.bucket_gb, ge=0)
    """Data in each bucket (GB)."""
    bucket_requests: int = Field(default=_USUAL.bucket_requests, ge=0)
    """Requests to each bucket."""
    secret_calls: int = Field(default=_USUAL.secret_calls, ge=0)
    """Calls that read each secret."""
    parameter_calls: int = Field(default=_USUAL.parameter_calls, ge=0)
    """Calls that read each SSM parameter that is too long to be free."""
    load_balancer_units: int = Field(default=_USUAL.load_balancer_units, ge=0)
    """Capacity units of each load balancer, all month."""
    pool_percent: int = Field(default=_USUAL.pool_percent, ge=0, le=100)
    """Share of a pool's limits that is expected to run all month (percent)."""
    update_hours: int = Field(default=_USUAL.update_hours, ge=0, le=730)
    """Time that a node group is being updated, with more nodes (hours a month)."""
    peak_percent: int = Field(default=_USUAL.peak_percent, ge=100, le=10_000)
    """The most that an amount may come to (percent of it)."""
    each: dict[UsageKey, int] = Field(default_factory=dict, max_length=1000)
    """Other amounts for single resources or components: `nat-a.natGb: 900`, `gpu-pool-chat.poolPercent: 40`."""

    @field_validator("each")
    @classmethod
    def _named(cls, value: dict[str, int]) -> dict[str, int]:
        for key, amount in value.items():
            field = known_key(key)
            if field not in AMOUNTS or not key.rpartition(".")[0]:
                raise Invalid(
                    "names no amount of a resource",
                    where=key,
                    found=key,
                    allowed="a resource's or component's name, a dot, and " + ", ".join(map(to_camel, AMOUNTS)),
                )
            if wrong := out_of_range(field, amount):
                raise Invalid("the amount is out of range", where=key, found=str(amount), allowed=wrong)
        return value

    def amounts(self) -> Usage:
        """The amounts as the bill takes them."""
        return Usage.of(self.to_inputs())
