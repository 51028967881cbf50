"""`modelyard prices refresh`: reads today's prices, shows what moves, and writes the fact files that the book is made of."""

from __future__ import annotations

import datetime
from collections import ChainMap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from infra.stack.consistency import bounds
from infra.stack.stack import Stack
from ops.prices.reader import Reader
from ops.worlds.world import Place
from pricing.book import book, facts, price_list, refreshed, spot_history, wanted
from pricing.book.book import PriceBook
from pricing.book.refreshed import Moved
from pricing.book.wanted import Service
from pricing.capacity import gpus

Files = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """What a refresh would write: the changed files by name, what moved in each region, and what still has no price."""

    files: dict[str, Any] = field(default_factory=dict)
    moved: dict[str, list[Moved]] = field(default_factory=dict)
    unknown: dict[str, list[str]] = field(default_factory=dict)


def refresh(
    reader: Reader,
    regions: Sequence[str],
    services: Collection[Service],
    today: datetime.date,
    *,
    forget: Collection[str] = (),
    files: Files | None = None,
) -> Refresh:
    """Reads the prices of `services` in `regions` and lays them over `files`. Raises Refused, and then nothing is written."""
    found, day = Refresh(), today.isoformat()
    problems: list[Problem] = []
    seen: ChainMap[str, Any] = ChainMap(found.files, dict(files or facts.Files()))
    for region in regions:
        for service in sorted(services):
            try:
                name, data, moved, unknown = _one(reader, seen, region, service, today, day, forget)
            except Refused as refused:
                if refused.code is ExitCode.UNAVAILABLE:
                    raise
                problems += refused.problems
                continue
            found.files[name] = data
            found.moved.setdefault(region, []).extend(moved)
            found.unknown.setdefault(region, []).extend(unknown)
    if problems:
        raise Refused(problems)
    return found


def _one(
    reader: Reader,
    seen: Files,
    region: str,
    service: Service,
    today: datetime.date,
    day: str,
    forget: Collection[str],
) -> tuple[str, dict[str, Any], list[Moved], list[str]]:
    if service is Service.EC2:
        return _instances(reader, seen, region, day, forget)
    if service is Service.SPOT:
        return _spot(reader, seen, region, today, day, forget)
    wants = list(wanted.SERVICES[service])
    template = seen["services"]
    if service is Service.RDS:
        keys = dict.fromkeys(row["key"] for row in template["prices"])
        wants += [each for key in keys if (each := wanted.databases(key))]
    read: dict[str, tuple[price_list.Rate, ...]] = {}
    for want in wants:
        rates = price_list.wanted(want.key, reader.products(want.service, want.filters(region)), want)
        read |= {want.key: rates} if rates else {}
    asked = [want.key for want in wants]
    name = book.services_file(seen, region)
    data, moved = refreshed.services(seen.get(name, {}), template, region, read, day, asked=asked, forget=forget)
    return name, data, moved, [key for key in asked if key not in read]


def _instances(
    reader: Reader, seen: Files, region: str, day: str, forget: Collection[str]
) -> tuple[str, dict[str, Any], list[Moved], list[str]]:
    known = types(seen)
    filters = {"productFamily": "Compute Instance", "regionCode": region, **price_list.LINUX}
    products = [
        product
        for product in reader.products("AmazonEC2", filters)
        if product["product"]["attributes"].get("instanceType") in known
    ]
    read = price_list.instances(products)
    source = f"AWS Price List API, GetProducts, {region}, read {day}"
    data, moved = refreshed.batches(seen["on_demand"], region, read, day, source=source, forget=forget)
    return "on_demand", data, moved, []


def _spot(
    reader: Reader, seen: Files, region: str, today: datetime.date, day: str, forget: Collection[str]
) -> tuple[str, dict[str, Any], list[Moved], list[str]]:
    end = datetime.datetime.combine(today, datetime.time(), datetime.UTC)
    start = end - datetime.timedelta(days=spot_history.DAYS)
    changes = reader.spot(region, _on_spot(seen), start, end)
    prices = {name: spot_history.percentile(each, start, end) for name, each in changes.items()}
    read = {name: usd for name, usd in prices.items() if usd}
    source = f"EC2 DescribeSpotPriceHistory, {region}, read {day}"
    data, moved = refreshed.batches(
        seen["spot"], region, read, day, source=source, measure=spot_history.MEASURE, forget=forget
    )
    return "spot", data, [Moved(key=f"{each.key} on spot", before=each.before, after=each.after) for each in moved], []


def types(files: Files) -> set[str]:
    """The instance types that the product knows: those with GPUs, and those that have a price anywhere."""
    return {*gpus.gpu_types(), *(name for batch in files["on_demand"]["batches"] for name in batch["usd"])}


def _on_spot(files: Files) -> list[str]:
    return sorted({*gpus.gpu_types(), *(name for batch in files["spot"]["batches"] for name in batch["usd"])})


def limits_moved(stacks: Iterable[Place], found: Refresh, files: Files | None = None) -> Iterator[str]:
    """Each compiled limit of each stack that the new prices change; a limit of nodes is a promise to a team."""
    here: Files = files or facts.Files()
    for place in stacks:
        name = place.stack_file.name
        try:
            stack = place.loaded.stack
        except Refused as refused:
            yield f"{name}: not compared, refused with the prices on file: {refused.problems[0].summary}"
            continue
        if stack.aws is None or stack.region not in found.moved:
            continue
        before = _limits(stack, book.read(here, stack.region, "before"))
        after = _limits(stack, book.read(ChainMap(found.files, dict(here)), stack.region, "after"))
        for key, now in sorted(after.items()):
            was = before.get(key, "a limit")
            if was != now:
                yield f"{name}: {key}: {was} -> {now}"


def _limits(stack: Stack, prices: PriceBook) -> dict[str, str]:
    """What Karpenter would be told of each pool at the prices of a book; why not, where nothing can be worked out."""
    aws = stack.on_aws
    try:
        general, pools = bounds(stack.settings, aws.network, aws.general_pool, prices)
    except Refused as refused:
        return {problem.where: f"refused, {problem.summary}" for problem in refused.problems}
    found = {"generalPool": f"{general.vcpus} vCPUs"}
    for name, bound in pools.items():
        for share in bound.shares:
            told = ", ".join(f"{key} {value}" for key, value in share.limits().items())
            found[f"gpuPools.{name} {share.buying.value}"] = told
    return found


def write(found: Refresh, folder: Path) -> list[str]:
    """Writes the changed files, one after the other, and gives their names."""
    for name, data in found.files.items():
        (folder / f"{name}.json").write_text(refreshed.text(data), encoding="utf-8")
    return sorted(f"{name}.json" for name in found.files)


def told(found: Refresh, most: int = 20) -> Iterator[str]:
    """What moves, the largest first, for a person."""
    for region, moved in found.moved.items():
        yield f"{region}: {len(moved)} price(s) move"
        for each in sorted(moved, key=_largest)[:most]:
            yield f"  {each.key}: {_usd(each.before)} -> {_usd(each.after)}{_percent(each)}"
        if len(moved) > most:
            yield f"  and {len(moved) - most} more"
        if missing := found.unknown.get(region):
            yield f"  without a price here: {', '.join(sorted(missing))}"


def _largest(each: Moved) -> tuple[Decimal, str]:
    share = abs(each.after - each.before) / each.before if each.before and each.after else Decimal(10**9)
    return -share, each.key


def _usd(amount: Decimal | None) -> str:
    return "nothing" if amount is None else f"{amount:f} USD"


def _percent(each: Moved) -> str:
    if not each.before or not each.after:
        return ""
    return f" ({(each.after - each.before) * 100 / each.before:+.1f} %)"


def chosen(names: str) -> list[Service]:
    """The services that a list with commas names; all of them when it is empty. Raises Refused for any other name."""
    if not names:
        return list(Service)
    asked = [each.strip() for each in names.split(",")]
    wrong = [each for each in asked if each not in {service.value for service in Service}]
    if wrong:
        allowed = ", ".join(service.value for service in Service)
        raise Refused(Problem(summary="no such service", where="--services", found=", ".join(wrong), allowed=allowed))
    return [Service(each) for each in asked]
