"""Regions, zones, names, ids and ARNs of AWS, each with AWS's own rule.

Sources: IAM user guide, "IAM and AWS STS quotas" (names of roles) and "IAM identifiers" (paths); Amazon EKS user guide, "Create
access entries" (the ARN of a role with a path names the path too); IAM Identity Center user guide, "Referencing permission
sets" (where its roles are); EC2, ACM, SNS, RDS and EKS API references for ids and ARNs. Read 2026-11-30. Regions and zones
are in `components/kinds/data/regions.json`.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from pathlib import Path
from typing import Annotated

from components.kinds.kind import Kind
from core.problem import Problem

_FACTS = Path(__file__).parent / "data" / "regions.json"
_NAME = r"[A-Za-z0-9_+=,.@-]"
_PATH = rf"({_NAME}+/)*"
_SSO, _SSO_PATH = "AWSReservedSSO_", "aws-reserved/sso.amazonaws.com/"
_HEX = r"([0-9a-f]{8}|[0-9a-f]{17})"
_PARTITION = r"arn:aws(-cn|-us-gov)?"
_REGION = r"[a-z]{2}(-[a-z]+)+-[0-9]"


@functools.cache
def zones() -> dict[str, str]:
    """The letters that zones have, by region."""
    found: dict[str, str] = json.loads(_FACTS.read_text(encoding="utf-8"))["zones"]
    return found


def region_problem(region: str, where: str) -> Problem | None:
    """What is wrong with a region's name; None when AWS has that region."""
    if region in zones():
        return None
    folded = region.strip().lower().replace("_", "-")
    near = [folded] if folded in zones() else difflib.get_close_matches(folded, zones(), n=1, cutoff=0.6)
    without_zone = [folded[:-1]] if folded[:-1] in zones() else near
    return Problem(
        summary="AWS has no region of that name",
        where=where,
        found=region,
        allowed=", ".join(sorted(zones())),
        fix=f"did you mean {without_zone[0]}?" if without_zone else "",
    )


def zone_problem(region: str, letters: list[str], where: str) -> Problem | None:
    """What is wrong with letters of zones in a region; None when it has a zone of each."""
    there = zones().get(region, "")
    if not (unknown := [letter for letter in letters if letter not in there]):
        return None
    return Problem(
        summary=f"{region} has no such zone",
        where=where,
        found=", ".join(unknown),
        allowed=", ".join(there),
        fix="`aws ec2 describe-availability-zones` lists the account's own",
    )


def _zone_fix(text: str) -> str:
    return f"write {text[-1]}" if text[:-1] in zones() else ""


def _admin(text: str) -> str:
    if text.startswith("arn:") or "::" in text:
        return "an administrator is named by the role's path and name, not by its ARN"
    path, _, name = text.rpartition("/")
    if name.startswith(_SSO) and not f"{path}/".startswith(_SSO_PATH):
        return "EKS finds a role of IAM Identity Center by its path and name"
    return "" if re.fullmatch(rf"{_PATH}{_NAME}{{1,64}}", text, re.ASCII) else "this is not the name of an IAM role"


def _admin_fix(text: str) -> str:
    kind, _, rest = text.rpartition(":")[2].partition("/")
    if text.startswith("arn:") and kind == "role" and not _admin(rest):
        return f"write {rest}"
    role = rest.partition("/")[0] if kind == "assumed-role" else text.rpartition("/")[2]
    if role.startswith(_SSO):
        ask = f"aws iam get-role --role-name {role} --query Role.Arn"
        return (
            f"write {_SSO_PATH}REGION/{role}, with the region of Identity Center; `{ask}` says what stands after role/"
        )
    return f"write {role}" if kind == "assumed-role" else ""


def _in_a_region(text: str) -> str:
    return "" if text.split(":")[3] in zones() else "the ARN names a region that AWS does not have"


ZoneLetter = Annotated[
    str, Kind(what="the letter of a zone", allowed="for example [a, b, c]", pattern="[a-z]", fix=_zone_fix)
]
VpcId = Annotated[str, Kind(what="the id of a VPC", allowed="vpc-0123456789abcdef0", pattern=rf"vpc-{_HEX}")]
SubnetId = Annotated[
    str, Kind(what="the id of a subnet", allowed="subnet-0123456789abcdef0", pattern=rf"subnet-{_HEX}")
]
SecurityGroupId = Annotated[
    str, Kind(what="the id of a security group", allowed="sg-0123456789abcdef0", pattern=rf"sg-{_HEX}")
]
ReservationId = Annotated[
    str,
    Kind(what="the id of a capacity reservation", allowed="cr-0123456789abcdef0", pattern=rf"cr-{_HEX}"),
]
RoleName = Annotated[
    str,
    Kind(
        what="the name of an IAM role",
        allowed="up to 64 letters, digits and +=,.@_-, without path or ARN",
        pattern=rf"{_NAME}{{1,64}}",
    ),
]
AdminRole = Annotated[
    str,
    Kind(
        what="the name of an IAM role",
        allowed="up to 64 letters, digits and +=,.@_-, after the role's path where it has one",
        why=_admin,
        fix=_admin_fix,
        longest=512,
    ),
]
ClusterName = Annotated[
    str,
    Kind(
        what="the name of an EKS cluster",
        allowed="up to 100 letters, digits, - and _",
        pattern=r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}",
    ),
]
CertificateArn = Annotated[
    str,
    Kind(
        what="the ARN of a certificate",
        allowed="arn:aws:acm:REGION:ACCOUNT:certificate/ID",
        pattern=rf"{_PARTITION}:acm:{_REGION}:[0-9]{{12}}:certificate/[0-9a-f-]+",
        why=_in_a_region,
    ),
]
TopicArn = Annotated[
    str,
    Kind(
        what="the ARN of an SNS topic",
        allowed="arn:aws:sns:REGION:ACCOUNT:NAME",
        pattern=rf"{_PARTITION}:sns:{_REGION}:[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}",
        why=_in_a_region,
    ),
]
TopicName = Annotated[
    str, Kind(what="the name of an SNS topic", allowed="letters, digits, - and _", pattern=r"[A-Za-z0-9_-]{0,256}")
]
InstanceType = Annotated[
    str,
    Kind(
        what="an EC2 instance type",
        allowed="for example m7g.large",
        pattern=r"[a-z][a-z0-9-]*\.([0-9]*[a-z]+|metal-[0-9a-z]+)",
    ),
]
DatabaseClass = Annotated[
    str,
    Kind(what="an RDS instance class", allowed="for example db.m7g.large", pattern=r"db\.[a-z0-9]+\.[a-z0-9]+"),
]
DailyWindow = Annotated[
    str,
    Kind(
        what="a daily window of time", allowed="UTC, like 03:00-03:30", pattern=r"[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}"
    ),
]
WeeklyWindow = Annotated[
    str,
    Kind(
        what="a weekly window of time",
        allowed="UTC, like sun:04:00-sun:05:00",
        pattern=r"[a-z]{3}:[0-9]{2}:[0-9]{2}-[a-z]{3}:[0-9]{2}:[0-9]{2}",
    ),
]
