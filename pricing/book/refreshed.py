"""The fact files after a refresh: prices that were read replace those on file, with their date; no price is removed without
--forget."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.problem import Problem, Refused
from pricing.book.price_list import Rate

IN_A_LINE = 6
"""Prices in one line of a batch."""
SOURCE = "price-list"


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One price before and after, USD for its unit; None where there was, or is, none."""

    key: str
    before: Decimal | None
    after: Decimal | None


def batches(
    data: Mapping[str, Any],
    region: str,
    read: Mapping[str, Decimal],
    day: str,
    *,
    source: str,
    measure: str = "",
    forget: Collection[str] = (),
) -> tuple[dict[str, Any], list[Moved]]:
    """A file of batches with a region's prices as they were `read` on `day`, and what moved.

    Raises Refused for a price on file that is quoted today, was not read and is not to be forgotten.
    """
    quoted = {name: usd for batch in data["batches"] if _quotes(batch, region) for name, usd in batch["usd"].items()}
    _refuse_gone(region, quoted.keys() - read.keys() - set(forget))
    rest = []
    for batch in data["batches"]:
        left = {name: usd for name, usd in batch["usd"].items() if name not in read and name not in forget}
        if batch["region"] != region or left:
            rest.append(batch if batch["region"] != region else {**batch, "usd": left})
    fresh: dict[str, Any] = {
        "region": region,
        "as_of": day,
        "source": source,
        "confidence": "single",
        "stale": "",
        **({"measure": measure} if measure else {}),
        "usd": {name: plain(read[name]) for name in sorted(read)},
    }
    place = next((number for number, each in enumerate(rest) if each["region"] == region), len(rest))
    rest[place:place] = [fresh] if read else []
    return {**data, "read": day, "batches": rest}, _moved(quoted, {**_kept(quoted, read, forget), **read})


def services(
    data: Mapping[str, Any],
    template: Mapping[str, Any],
    region: str,
    read: Mapping[str, tuple[Rate, ...]],
    day: str,
    *,
    asked: Collection[str],
    forget: Collection[str] = (),
) -> tuple[dict[str, Any], list[Moved]]:
    """A region's file of services with the keys that were `asked` for as they were `read`, and what moved.

    `data` is empty for a region without a file; names, units and notes then come from the `template`. Raises Refused for a
    key on file that was asked for, was not found and is not to be forgotten.
    """
    rows = list(data.get("prices", ()))
    before = _dearest((row["key"], Decimal(row["usd"])) for row in rows)
    _refuse_gone(region, (set(asked) & before.keys()) - read.keys() - set(forget))
    like = {row["key"]: row for row in template["prices"]} | {row["key"]: row for row in rows}
    made: list[dict[str, Any]] = []
    written: set[str] = set()
    for row in [*rows, *({"key": key} for key in sorted(read.keys() - before.keys()))]:
        key = row["key"]
        if key not in read:
            made += [] if key in forget else [row]
        elif key not in written:
            written.add(key)
            made += _rows(like[key], read[key], day)
    sources = {**data.get("sources", {}), SOURCE: f"AWS Price List API, GetProducts, {region}, read {day}"}
    after = _dearest((row["key"], Decimal(row["usd"])) for row in made)
    head = {key: data.get(key, template.get(key)) for key in ("currency", "basis")}
    return {"read": day, "region": region, **head, "sources": sources, "prices": made}, _moved(before, after)


def _rows(like: Mapping[str, Any], rates: tuple[Rate, ...], day: str) -> Iterator[dict[str, Any]]:
    steps = len(rates) > 1
    for rate in rates:
        yield {
            **{key: like[key] for key in ("key", "service", "item", "unit")},
            "usd": plain(rate.usd),
            **({"from": plain(rate.above), "to": None if rate.up_to is None else plain(rate.up_to)} if steps else {}),
            **({"tier_unit": like.get("tier_unit", "as the Price List counts")} if steps else {}),
            "as_of": day,
            "confidence": "single",
            "sources": [SOURCE],
            **({"note": like["note"]} if "note" in like else {}),
        }


def plain(number: Decimal) -> Decimal | int:
    """A number as a fact file writes it: without trailing zeros and without an exponent."""
    short = number.normalize()
    return int(short) if short == short.to_integral_value() else Decimal(f"{short:f}")


def text(data: Mapping[str, Any]) -> str:
    """A fact file, one row of services a line and a few prices of a batch in one, so that a diff can be read."""
    lines = ["{"]
    for place, (key, value) in enumerate(data.items()):
        comma = "," if place + 1 < len(data) else ""
        if key == "batches":
            inner = ",\n".join(_batch(each) for each in value)
            lines.append(f' "batches": [\n{inner}\n ]{comma}')
        elif key == "prices":
            lines.append(' "prices": [\n' + ",\n".join(f"  {_json(each)}" for each in value) + f"\n ]{comma}")
        elif isinstance(value, Mapping):
            inner = ",\n".join(f"  {_json(name)}: {_json(each)}" for name, each in value.items())
            lines.append(f' "{key}": {{\n{inner}\n }}{comma}')
        else:
            lines.append(f' "{key}": {_json(value)}{comma}')
    return "\n".join([*lines, "}"]) + "\n"


def _batch(batch: Mapping[str, Any]) -> str:
    lines = ["  {"]
    for key, value in batch.items():
        if key != "usd":
            lines.append(f'   "{key}": {_json(value)},')
    prices = [f"{_json(name)}: {_json(usd)}" for name, usd in batch["usd"].items()]
    rows = ["    " + ", ".join(prices[place : place + IN_A_LINE]) for place in range(0, len(prices), IN_A_LINE)]
    return "\n".join([*lines, '   "usd": {', ",\n".join(rows), "   }", "  }"])


def _json(value: Any) -> str:
    """JSON on one line; a Decimal is written digit by digit, as no float may come between."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_json(key)}: {_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_json(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _quotes(batch: Mapping[str, Any], region: str) -> bool:
    return batch["region"] == region and not batch["stale"]


def _kept(quoted: Mapping[str, Any], read: Mapping[str, Any], forget: Collection[str]) -> dict[str, Any]:
    return {name: usd for name, usd in quoted.items() if name not in read and name not in forget}


def _dearest(prices: Iterator[tuple[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for key, usd in prices:
        found[key] = max(usd, found.get(key, usd))
    return found


def _moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Moved]:
    keys = sorted({*before, *after})
    moves = [Moved(key=key, before=_usd(before.get(key)), after=_usd(after.get(key))) for key in keys]
    return [moved for moved in moves if moved.before != moved.after]


def _usd(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def _refuse_gone(region: str, gone: Collection[str]) -> None:
    if gone:
        raise Refused(
            Problem(
                summary="a price that the book quotes is no longer there",
                where=name,
                found=f"no answer for it in {region}",
                fix=f"--forget {name} takes it out of the book: what needs it is then budget-undetermined, never free",
            )
            for name in sorted(gone)
        )
