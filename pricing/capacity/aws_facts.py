"""Facts about AWS that are no prices but decide whether a plan can run: vCPU quotas, and until when versions are supported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from pricing.book import facts

_FAMILY_QUOTAS = {
    ("g", False): "L-DB2E81BA",
    ("g", True): "L-3819A6DF",
    ("p", False): "L-417A185B",
    ("p4", True): "L-7212CCBC",
    ("p3", True): "L-7212CCBC",
    ("p5", True): "L-C4BD4855",
    ("standard", False): "L-1216C47A",
    ("standard", True): "L-34B43A08",
}
_GROUPS = {"g": "g", "gr": "g", "vt": "g", "p": "p"}
_STANDARD = frozenset("acdhimrtz")
_FAMILY = re.compile(r"([a-z]+)(\d)")


@dataclass(frozen=True, kw_only=True)
class Quota:
    """An EC2 service quota in vCPUs, with the value that a new account starts with."""

    code: str
    name: str
    default: int
    source: str


@dataclass(frozen=True, kw_only=True)
class EksSupport:
    """Until when an EKS minor version is in standard support, and in (dearer) extended support when that is known."""

    standard_ends: date
    extended_ends: date | None


@dataclass(frozen=True, kw_only=True)
class RdsSupport:
    """Until when RDS supports a major version: for nothing, and then for money, which is more from the third year on."""

    standard_ends: date
    year_3_starts: date
    extended_ends: date


def quota_of(instance_type: str, *, spot: bool) -> Quota | None:
    """The vCPU quota that an instance of this type counts against; None when not known (spot of p6, for example)."""
    match = _FAMILY.match(instance_type)
    if not match:
        return None
    letters, generation = match.groups()
    group = _GROUPS.get(letters, "standard" if letters in _STANDARD else "")
    code = _FAMILY_QUOTAS.get((group + generation, spot)) or _FAMILY_QUOTAS.get((group, spot))
    for row in facts.load("aws_facts")["quotas"]:
        if row["code"] == code:
            return Quota(code=row["code"], name=row["name"], default=row["default"], source=row["source"])
    return None


def eks_support(version: str) -> EksSupport | None:
    """The support dates of a Kubernetes minor version (`1.36`) on EKS, or None when no source gives them."""
    for row in facts.load("aws_facts")["eks_support"]["versions"]:
        if row["version"] == version:
            end = row.get("extended_support_ends")
            return EksSupport(
                standard_ends=date.fromisoformat(row["standard_support_ends"]),
                extended_ends=date.fromisoformat(end) if end else None,
            )
    return None


def rds_postgresql_support(major: str) -> RdsSupport | None:
    """The support dates of a PostgreSQL major version (`17`) on RDS, or None when no source gives them."""
    for row in facts.load("aws_facts")["rds_postgresql_support"]["versions"]:
        if row["version"] == major:
            return RdsSupport(
                standard_ends=date.fromisoformat(row["standard_support_ends"]),
                year_3_starts=date.fromisoformat(row["year_3_starts"]),
                extended_ends=date.fromisoformat(row["extended_support_ends"]),
            )
    return None
