"""The price book: every price that Modelyard may quote in one region, each with its source and date.

A price that is not on file, or only on file as stale, is None and never zero: whoever asks must say that it is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from pricing.book import facts

ON_DEMAND = "on-demand"
SPOT = "spot"
CAPACITY_BLOCK = "capacity block"


@dataclass(frozen=True, kw_only=True)
class Price:
    """USD for one `unit`; `basis` says in words what was measured, `as_of` is a date or empty when undated.

    `confidence` is `two_sources`, `single` or `derived`; `discount` is the rule that has
    lowered it. Raises ValueError for an amount that is no finite Decimal >= 0.
    """

    usd: Decimal
    unit: str
    source: str
    as_of: str
    confidence: str
    region: str
    basis: str = ""
    discount: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.usd, Decimal) or not self.usd.is_finite() or self.usd < 0:
            raise ValueError(f"a price is a finite Decimal of at least 0, not {self.usd!r}")


@dataclass(frozen=True, kw_only=True)
class Tier:
    """One step of a service's price: it holds above `above` and up to `up_to` (None: no end), counted in `unit`."""

    price: Price
    above: Decimal
    up_to: Decimal | None
    unit: str


@dataclass(frozen=True, kw_only=True)
class SpotSpread:
    """Lowest and highest zone of one day (USD an hour), the number of zones read, and how often spot was reclaimed.

    `interruption_band` is the share of instances reclaimed in the trailing month (`5-10%`), empty when not known.
    """

    lowest: Decimal
    highest: Decimal
    zones: int
    as_of: str
    source: str
    interruption_band: str = ""


@dataclass(frozen=True, kw_only=True)
class PriceBook:
    """Prices of one region; `version` changes with every byte of the facts, `as_of` is the day that they were read.

    `absent` has the reason for each GPU type that no source gives an on-demand price for.
    """

    region: str
    version: str
    as_of: str
    on_demand_prices: Mapping[str, Price] = field(default_factory=dict)
    spot_prices: Mapping[str, Price] = field(default_factory=dict)
    capacity_block_prices: Mapping[str, Price] = field(default_factory=dict)
    spreads: Mapping[str, SpotSpread] = field(default_factory=dict)
    tiers: Mapping[str, tuple[Tier, ...]] = field(default_factory=dict)
    stale: Mapping[tuple[str, str], str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    list_prices: PriceBook | None = None

    @classmethod
    def embedded(cls, region: str) -> PriceBook:
        """The committed book of a region; a region that no source covers gives a book in which nothing is known."""
        return _embedded(region)

    @property
    def listed(self) -> PriceBook:
        """The book before discounts, which is what bounds spot."""
        return self.list_prices or self

    def on_demand(self, instance_type: str) -> Price | None:
        """USD per instance-hour, Linux, shared tenancy; None when unknown or stale."""
        return self.on_demand_prices.get(instance_type)

    def spot(self, instance_type: str) -> Price | None:
        """USD per instance-hour on spot; `basis` says that it is one day's lowest price, not a percentile; or None."""
        return self.spot_prices.get(instance_type)

    def capacity_block(self, instance_type: str) -> Price | None:
        """USD per instance-hour of a capacity block, paid in advance; None when unknown or stale."""
        return self.capacity_block_prices.get(instance_type)

    def service(self, key: str) -> Price | None:
        """The price of a service by its key (`nat-gateway/hour`); of several tiers the dearest, so never too little."""
        return max((tier.price for tier in self.tiers.get(key, ())), key=lambda price: price.usd, default=None)

    def why_unknown(self, kind: str, instance_type: str) -> str:
        """One clause on why a price of `kind` (ON_DEMAND, SPOT, CAPACITY_BLOCK) is None, for a message."""
        reason = self.stale.get((kind, instance_type))
        if reason:
            return f"the {kind} price of {instance_type} in {self.region} on file must not be quoted ({reason})"
        listed = self.absent.get(instance_type) if kind == ON_DEMAND else None
        return f"no {kind} price of {instance_type} in {self.region} is on file" + (f" ({listed})" if listed else "")


def _batches(data: Mapping[str, Any], kind: str, region: str) -> tuple[dict[str, Price], dict[tuple[str, str], str]]:
    prices: dict[str, Price] = {}
    stale: dict[tuple[str, str], str] = {}
    for batch in data["batches"]:
        if batch["region"] != region:
            continue
        if batch["stale"]:
            stale |= {(kind, instance_type): batch["stale"] for instance_type in batch["usd"]}
            continue
        measure = f"; {batch['measure']}" if "measure" in batch else ""
        prices |= {
            instance_type: Price(
                usd=Decimal(usd),
                unit=data["unit"],
                source=batch["source"],
                as_of=batch["as_of"],
                confidence=batch["confidence"],
                region=region,
                basis=data["basis"] + measure,
            )
            for instance_type, usd in batch["usd"].items()
        }
    return prices, {key: reason for key, reason in stale.items() if key[1] not in prices}


def _spreads(files: Mapping[str, Any], region: str) -> dict[str, SpotSpread]:
    bands: dict[str, str] = {}
    for batch in files["spot_interruptions"]["batches"]:
        if batch["region"] == region:
            bands |= batch["bands"]
    return {
        instance_type: SpotSpread(
            lowest=Decimal(lowest),
            highest=Decimal(highest),
            zones=zones,
            as_of=batch["as_of"],
            source=batch["source"],
            interruption_band=bands.get(instance_type, ""),
        )
        for batch in files["spot_spread"]["batches"]
        if batch["region"] == region
        for instance_type, (lowest, highest, zones) in batch["usd"].items()
    }


def services_file(files: Mapping[str, Any], region: str) -> str:
    """The name of the file with a region's services; `services` is that of the region which it names."""
    return "services" if files["services"]["region"] == region else f"services-{region}"


def _tiers(files: Mapping[str, Any], region: str) -> dict[str, tuple[Tier, ...]]:
    data = files.get(services_file(files, region), {"prices": ()})
    found: dict[str, tuple[Tier, ...]] = {}
    for row in data["prices"]:
        found[row["key"]] = (*found.get(row["key"], ()), _tier(row, data))
    return found


def _tier(row: dict[str, Any], data: dict[str, Any]) -> Tier:
    price = Price(
        usd=Decimal(row["usd"]),
        unit=row["unit"],
        source="; ".join(data["sources"][source] for source in row["sources"]),
        as_of=row["as_of"],
        confidence=row["confidence"],
        region=data["region"],
        basis=": ".join((row["service"], row["item"])) + (f" ({row['note']})" if "note" in row else ""),
    )
    end = row.get("to")
    return Tier(
        price=price,
        above=Decimal(row.get("from", 0)),
        up_to=None if end is None else Decimal(end),
        unit=row.get("tier_unit", row["unit"]),
    )


@cache
def _embedded(region: str) -> PriceBook:
    return read(facts.Files(), region, facts.digest())


def read(files: Mapping[str, Any], region: str, digest: str) -> PriceBook:
    """The book of a region out of fact files by name; `digest` tells its version from every other."""
    on_demand, stale_on_demand = _batches(files["on_demand"], ON_DEMAND, region)
    spot, stale_spot = _batches(files["spot"], SPOT, region)
    blocks, stale_blocks = _batches(files["capacity_blocks"], CAPACITY_BLOCK, region)
    day = files["on_demand"]["read"]
    return PriceBook(
        region=region,
        version=f"{day}+{digest}",
        as_of=day,
        on_demand_prices=MappingProxyType(on_demand),
        spot_prices=MappingProxyType(spot),
        capacity_block_prices=MappingProxyType(blocks),
        spreads=MappingProxyType(_spreads(files, region)),
        tiers=MappingProxyType(_tiers(files, region)),
        stale=MappingProxyType(stale_on_demand | stale_spot | stale_blocks),
        absent=MappingProxyType(files["on_demand"].get("absent", {}).get(region, {})),
    )
