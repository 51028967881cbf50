"""Judges what an account says against what a stack needs: each check is a value, and what is not known is not passed."""

from __future__ import annotations

import enum
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from components import catalogue
from core.problem import Problem
from core.versions import ADDONS
from infra.stack.stack import Stack
from ops.doctor.account import Unanswered, Zone
from pricing.capacity.pool import Buying
from pricing.capacity.quota_load import Load

SPOT_ROLE = "aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
ADDRESS_QUOTA = "L-0263D0A3"
"""EC2-VPC Elastic IPs of a region."""

NO_CONTROL_PLANE = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Zone ids in which EKS takes no cluster subnets (EKS user guide, network requirements, read 2026-11)."""

_CONNECT_SECONDS = 5.0


class Status(enum.StrEnum):
    """How a check ended; `UNKNOWN` stops an `up` as `FAIL` does."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at: what was found, what is needed, and what to do when that is not the same."""

    name: str
    status: Status
    found: str = ""
    needed: str = ""
    fix: str = ""

    @property
    def stops(self) -> bool:
        """Whether an `up` must not go on."""
        return self.status in {Status.FAIL, Status.UNKNOWN}

    def problem(self) -> Problem:
        """The check as a refusal."""
        return Problem(summary=f"{self.name}: {self.status}", found=self.found, allowed=self.needed, fix=self.fix)


class Answers(Protocol):
    """What is asked of an account; see `ops.doctor.account.Account`."""

    def caller(self) -> tuple[str, str]: ...
    def region(self, name: str) -> str: ...
    def zones(self) -> list[Zone]: ...
    def offered(self, types: list[str]) -> set[tuple[str, str]]: ...
    def quota(self, code: str) -> int: ...
    def role(self, name: str) -> bool: ...
    def addon_versions(self, addon: str, kubernetes: str) -> set[str]: ...
    def payer(self) -> str: ...
    def addresses(self) -> list[dict[str, str]]: ...
    def key(self, id: str) -> str: ...
    def endpoint(self, cluster: str) -> str: ...
    def network(self, vpc: str) -> dict[str, Any]: ...
    def cluster(self, name: str) -> dict[str, Any]: ...


def judged(account: Answers, stack: Stack) -> Iterator[Check]:
    """Who the caller is, then every other check; what the account does not answer is `UNKNOWN` and says why."""
    known = answered("account", lambda: caller(account, stack))
    yield from known
    if known[0].status is Status.UNKNOWN:
        return
    for name, check in CHECKS:
        yield from answered(name, lambda check=check: check(account, stack))  # type: ignore[misc]


def answered(name: str, ask: Callable[[], Iterator[Check]]) -> list[Check]:
    """The checks that `ask` gives, or one that says why there is no answer."""
    try:
        return list(ask())
    except Unanswered as why:
        return [Check(name=name, status=Status.UNKNOWN, found=str(why), fix=why.fix)]


def caller(account: Answers, stack: Stack) -> Iterator[Check]:
    """Who deploys: the cluster's creator gets no rights by itself, so it must be one of its administrators."""
    number, arn = account.caller()
    yield Check(name="account", status=Status.OK, found=number)
    if stack.on_aws.cluster.existing is not None:
        return
    admins = stack.on_aws.cluster.access.admin_roles
    # The ARN of an assumed role leaves its path out, and names of roles are an account's own.
    ok = _role(arn) in {admin.rpartition("/")[2] for admin in admins}
    yield Check(
        name="deployer",
        status=Status.OK if ok else Status.FAIL,
        found=arn,
        needed=f"one of the roles {', '.join(admins)}",
        fix="" if ok else "assume one of these roles, or name the caller's under cluster.access.adminRoles",
    )


def _role(arn: str) -> str:
    """The role behind a caller's ARN, assumed or plain; empty for a user or the account's root."""
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    return {"assumed-role": rest.partition("/")[0], "role": rest.rpartition("/")[2]}.get(kind, "")


def region(account: Answers, stack: Stack) -> Iterator[Check]:
    """Whether the region is enabled in this account."""
    status = account.region(stack.region)
    ok = status in {"opt-in-not-required", "opted-in"}
    yield Check(
        name="region",
        status=Status.OK if ok else Status.FAIL,
        found=f"{stack.region}: {status}",
        fix="" if ok else f"`aws account enable-region --region-name {stack.region}`",
    )


def zones(account: Answers, stack: Stack) -> Iterator[Check]:
    """Whether the zones exist, are open and take a control plane."""
    if stack.on_aws.network.existing is not None:
        return
    known = {zone.name: zone for zone in account.zones()}
    good = sorted(name for name, zone in known.items() if zone.open and zone.id not in NO_CONTROL_PLANE)
    for name in (stack.region + letter for letter in stack.on_aws.network.zones):
        zone = known.get(name)
        found = f"{zone.id}{'' if zone.open else ', not available'}" if zone else "no such zone in this account"
        ok = name in good
        yield Check(
            name=f"zone {name}",
            status=Status.OK if ok else Status.FAIL,
            found=found,
            needed="" if ok else f"one of {', '.join(good)}",
            fix="" if ok else "change network.zones",
        )


def offerings(account: Answers, stack: Stack) -> Iterator[Check]:
    """Whether each part finds an instance type in each of its zones: some GPU types are in a few zones only."""
    wanted = {machine.key: (machine.types, machine.zones) for machine in catalogue.machines(stack)}
    offered = account.offered(sorted({name for names, _ in wanted.values() for name in names}))
    for part, (names, letters) in wanted.items():
        places = [stack.region + letter for letter in letters]
        bare = [zone for zone in places if not any((name, zone) in offered for name in names)]
        gone = [name for name in names if not any((name, zone) in offered for zone in places)]
        status = Status.FAIL if len(bare) == len(places) else Status.WARN if bare or gone else Status.OK
        found = "; ".join(
            part
            for part in (
                f"none of its types in {', '.join(bare)}" if bare else "",
                f"{', '.join(gone)} in none of its zones" if gone else "",
            )
            if part
        )
        fix = f"change instanceTypes or zones of {part}" if status is not Status.OK else ""
        yield Check(name=f"types of {part}", status=status, found=found or f"{len(names)} types", fix=fix)


def loads(stack: Stack) -> list[Load]:
    """The vCPUs of the system nodes, the general pool and each GPU pool's NodePools, each at its worst mix of types."""
    return [load for machines in catalogue.machines(stack) for load in machines.loads]


def quotas(account: Answers, stack: Stack) -> Iterator[Check]:
    """Whether the vCPU quotas hold all that the stack may run at once, system nodes included."""
    by_code: dict[str, list[Load]] = defaultdict(list)
    for load in loads(stack):
        if load.quota is None:
            found = "no source says which quota counts"
            fix = "look at Service Quotas for EC2 by hand"
            yield Check(
                name=f"vCPUs of {load.part}",
                status=Status.WARN,
                found=found,
                needed=f"{load.vcpus} vCPUs of {', '.join(load.types)}",
                fix=fix,
            )
        else:
            by_code[load.quota.code].append(load)
    for code, group in sorted(by_code.items()):
        yield from answered(f"quota {code}", lambda code=code, group=group: _quota(account, code, group))  # type: ignore[misc]


def _quota(account: Answers, code: str, group: Sequence[Load]) -> Iterator[Check]:
    value = account.quota(code)
    steady, spare = sum(load.vcpus for load in group), sum(load.spare for load in group)
    status = Status.FAIL if value < steady else Status.WARN if value < steady + spare else Status.OK
    name = group[0].quota.name if group[0].quota else code
    yield Check(
        name=f"quota {name}",
        status=status,
        found=f"{value} vCPUs ({code}), what else runs in the account included",
        needed=f"{steady} vCPUs at the limits ({', '.join(f'{load.part} {load.vcpus}' for load in group)}), "
        f"{steady + spare} while nodes are replaced",
        fix=""
        if status is Status.OK
        else f"`aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {code} "
        f"--desired-value {steady + spare}`, or lower the limits",
    )


def roles(account: Answers, stack: Stack) -> Iterator[Check]:
    """Whether the administrators' roles are there, and the role without which nobody gets a spot instance."""
    for name in stack.on_aws.cluster.access.admin_roles:
        there = account.role(name)
        yield Check(
            name=f"role {name}",
            status=Status.OK if there else Status.FAIL,
            found="" if there else "no such role under that path",
            fix="" if there else "make it, or change cluster.access.adminRoles: `aws iam get-role` tells a role's path",
        )
    if any(share.buying is Buying.SPOT for bound in stack.pools.values() for share in bound.shares):
        there = account.role(SPOT_ROLE)
        fix = "" if there else "`aws iam create-service-linked-role --aws-service-name spot.amazonaws.com`"
        yield Check(
            name="spot role",
            status=Status.OK if there else Status.FAIL,
            found=SPOT_ROLE if there else f"no role {SPOT_ROLE}",
            fix=fix,
        )


def addresses(account: Answers, stack: Stack) -> Iterator[Check]:
    """Whether there are Elastic IPs left for the NAT gateways."""
    wanted = catalogue.addresses(stack)
    if not wanted:
        return
    quota = account.quota(ADDRESS_QUOTA)
    mine = f"{stack.settings.full_name}-"
    others = sum(not tags.get("Name", "").startswith(mine) for tags in account.addresses())
    ok = others + wanted <= quota
    yield Check(
        name="Elastic IPs",
        status=Status.OK if ok else Status.FAIL,
        found=f"quota {quota}, {others} taken by others",
        needed=f"{wanted} for NAT gateways",
        fix="" if ok else f"release some, raise quota {ADDRESS_QUOTA}, or say network.nat: single",
    )


def addons(account: Answers, stack: Stack) -> Iterator[Check]:
    """Whether EKS still offers the pinned add-on versions: it takes old builds away."""
    if not stack.on_aws.makes_addons:
        return
    version = stack.on_aws.cluster.version
    for addon in ADDONS[version]:
        offered = account.addon_versions(addon.name, version)
        ok = addon.version in offered
        yield Check(
            name=f"add-on {addon.name}",
            status=Status.OK if ok else Status.FAIL,
            found=addon.version if ok else f"{addon.version} is not offered for Kubernetes {version}",
            needed="" if ok else f"one of {', '.join(sorted(offered)[-5:]) or 'none that EKS knows'}",
            fix="" if ok else "change it in core/versions.py, and in sandbox/aws/rules/names.yaml with the date",
        )


def payer(account: Answers, stack: Stack) -> Iterator[Check]:
    """Whether the account pays its own bill, when the stack says so: elsewhere AWS refuses what it then declares."""
    if not stack.settings.budget.watch.payer_account:
        return
    number, pays = account.caller()[0], account.payer()
    ok = pays in ("", number)
    yield Check(
        name="payer account",
        status=Status.OK if ok else Status.FAIL,
        found=("in no organization" if not pays else "manages its organization")
        if ok
        else f"{number} is a member: {pays} manages its organization",
        needed="the account that pays the bill, as budget.watch.payerAccount says",
        fix=""
        if ok
        else "take budget.watch.payerAccount, activateTags and anomalyUsd out; let the owners of that account activate "
        "the tags Platform, Environment and Owner",
    )


def endpoint(url: str, tunnel: int | None = None, *, first: str = "", fix: str = "") -> Check:
    """Whether the cluster's API server answers from here (a TCP connection, 5 s).

    No URL means a first deployment, of which `first` says what it will do; `fix` is the way in when nothing answers. With
    `tunnel`, a local port, it is asked through the SSM tunnel that has to stand there.
    """
    if not url:
        return Check(name="cluster endpoint", status=Status.OK, found=first or "skipped: nothing is deployed yet")
    parts = urlsplit(url)
    host, port = (parts.hostname or "", parts.port or 443) if tunnel is None else ("127.0.0.1", tunnel)
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        return Check(
            name="cluster endpoint",
            status=Status.FAIL,
            found=f"{url if tunnel is None else f'{url} through {host}:{port}'}: {error}",
            needed="an answer from where `up` runs",
            fix=fix,
        )
    return Check(name="cluster endpoint", status=Status.OK, found=url)


CHECKS: tuple[tuple[str, Callable[[Answers, Stack], Iterator[Check]]], ...] = (
    ("region", region),
    ("zones", zones),
    ("types", offerings),
    ("quotas", quotas),
    ("roles", roles),
    ("Elastic IPs", addresses),
    ("add-ons", addons),
    ("payer account", payer),
)
