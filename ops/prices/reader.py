"""Reads prices from an account page by page, and keeps each page: a run that was cut goes on where it stopped.

What has been read is good for the day on which it was asked for; the folder of another day is never looked at.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from ops.doctor.account import Unanswered, asking
from pricing.book.spot_history import Change

PRICE_LIST_REGION = "us-east-1"
"""The Price List has endpoints in a few regions only, each with the prices of all."""
PAGE, SPOT_PAGE = 100, 1000
TRIES = 5
_BUSY = ("Throttling", "TooManyRequests", "RequestLimitExceeded")
_STALE = ("InvalidNextToken", "ExpiredNextToken")


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Asks through `client` (service, region -> a boto3 client), keeps pages under `folder`, tells `told` how far it is."""

    folder: Path
    client: Callable[[str, str], Any]
    told: Callable[[str], None]
    pause: Callable[[float], None] = time.sleep

    def products(self, service: str, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Every product of a service that has these attributes. Raises Refused when the account does not answer."""
        asked = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in sorted(filters.items())]
        call = self.client("pricing", PRICE_LIST_REGION).get_products
        whole = {"ServiceCode": service, "Filters": asked, "FormatVersion": "aws_v1", "MaxResults": PAGE}
        found = self._pages(service, "pricing:GetProducts", call, whole, lambda page: page["PriceList"])
        # The numbers of a product stand there as text, so nothing is lost in a float.
        return [json.loads(each) if isinstance(each, str) else each for each in found]

    def spot(
        self, region: str, types: Sequence[str], start: datetime.datetime, end: datetime.datetime
    ) -> dict[str, list[Change]]:
        """The changes of each type's spot price, zone by zone; a type that is not offered on spot is left out."""
        whole = {
            "InstanceTypes": sorted(types),
            "ProductDescriptions": ["Linux/UNIX"],
            "StartTime": start.isoformat(),
            "EndTime": end.isoformat(),
            "MaxResults": SPOT_PAGE,
        }
        call = self.client("ec2", region).describe_spot_price_history
        by_type: dict[str, list[Change]] = {}
        for row in self._pages(f"spot {region}", "ec2:DescribeSpotPriceHistory", call, whole, _rows, region):
            change = Change(
                zone=row["zone"], at=datetime.datetime.fromisoformat(row["at"]), usd=Decimal(str(row["usd"]))
            )
            by_type.setdefault(row["type"], []).append(change)
        return by_type

    def _pages(
        self,
        what: str,
        permission: str,
        call: Callable[..., Any],
        whole: Mapping[str, Any],
        take: Callable[[Any], list[Any]],
        *more: str,
    ) -> list[Any]:
        name = hashlib.sha256(json.dumps([permission, whole, more], sort_keys=True).encode()).hexdigest()[:20]
        file = self.folder / f"{name}.json"
        kept = _kept(file)
        if kept["done"]:
            return list(kept["rows"])
        pages = kept["pages"]
        while True:
            token = {"NextToken": kept["next"]} if kept["next"] else {}
            try:
                page = self._asked(call, permission, {**whole, **token})
            except Unanswered as why:
                if token and str(why).startswith(_STALE):
                    kept, pages = _NOTHING, 0
                    continue
                raise _unanswered(what, permission, pages, why) from None
            pages += 1
            kept = {"rows": [*kept["rows"], *take(page)], "next": page.get("NextToken") or "", "pages": pages}
            kept["done"] = not kept["next"]
            _keep(file, kept)
            self.told(f"{what}: {len(kept['rows'])} rows on {pages} page(s)")
            if kept["done"]:
                return list(kept["rows"])

    def _asked(self, call: Callable[..., Any], permission: str, arguments: Mapping[str, Any]) -> Any:
        """One page; when AWS is busy it is asked again after 1, 2, 4 and 8 s."""
        for tries in range(TRIES):
            try:
                with asking(permission):
                    return call(**arguments)
            except Unanswered as why:
                if not str(why).startswith(_BUSY) or tries + 1 == TRIES:
                    raise
                self.pause(2.0**tries)
        raise AssertionError("the last try answers or raises")


_NOTHING: Mapping[str, Any] = {"rows": [], "next": "", "pages": 0, "done": False}


def _rows(page: Any) -> list[dict[str, str]]:
    return [
        {
            "type": str(each["InstanceType"]),
            "zone": str(each["AvailabilityZone"]),
            "at": each["Timestamp"].isoformat(),
            "usd": str(each["SpotPrice"]),
        }
        for each in page["SpotPriceHistory"]
    ]


def _kept(file: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _NOTHING
    return found


def _keep(file: Path, content: Mapping[str, Any]) -> None:
    """Written beside and then moved, so that a cut leaves the page before or this one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(content), encoding="utf-8")
    beside.replace(file)


def _unanswered(what: str, permission: str, pages: int, why: Unanswered) -> Refused:
    more = f"; {pages} page(s) are kept, run the command again today to go on" if pages else ""
    problem = Problem(
        summary=f"AWS gives no prices of {what}", found=str(why), allowed=permission, fix=f"{why.fix}{more}"
    )
    return Refused(problem, ExitCode.UNAVAILABLE)


def of_account(folder: Path, told: Callable[[str], None]) -> Reader:
    """A reader with the environment's credentials."""
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    config = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 5, "mode": "standard"})
    return Reader(
        folder=folder,
        client=lambda service, region: boto3.client(service, region_name=region, config=config),
        told=told,
    )
