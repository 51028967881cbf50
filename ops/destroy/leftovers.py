"""What is left after a `destroy`: what AWS keeps by design, told from the state, and what still carries the platform's tag.

Nothing is deleted here. Outside an account both are of the simulated world, and are marked so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from components.budget.component import TAG
from ops.doctor.account import Unanswered

Resource = Mapping[str, Any]
Tagged = Callable[[str, str], list[str]]
"""The ARNs of a region (the first argument) that carry the platform's tag with a value (the second). Raises Unanswered."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One thing that a delete leaves: for how long, and the command that changes that. `arn` is empty for what has none."""

    what: str
    name: str
    arn: str = ""
    until: str
    then: str = ""

    @property
    def line(self) -> str:
        """It in words."""
        return f"{self.what} {self.name}: {self.until}{f'; {self.then}' if self.then else ''}"


@dataclass(frozen=True, kw_only=True)
class Remains:
    """What is left. `tags` says what was looked for; `unknown` why an account did not answer."""

    simulated: bool
    kept: tuple[Kept, ...]
    tags: tuple[str, ...]
    tagged: tuple[str, ...]
    unknown: tuple[str, ...]

    @classmethod
    def of(cls, before: Iterable[Resource], after: Iterable[Resource], tagged: Tagged, *, simulated: bool) -> Remains:
        """What is left of the resources of a state `before`, of which those in `after` are still the stack's."""
        before, still = list(before), {str(each["urn"]) for each in after}
        kept = tuple(each for resource in before if str(resource["urn"]) not in still for each in by_design(resource))
        known = {each.arn for each in kept} | {_arn(resource) for resource in before if str(resource["urn"]) in still}
        found: list[str] = []
        unknown, platforms = [], sorted({each for resource in before for each in platform(resource)})
        for region, name in platforms:
            try:
                found += [arn for arn in tagged(region, name) if arn not in known]
            except Unanswered as why:
                unknown.append(f"{region}: {why}; {why.fix}")
        return cls(
            simulated=simulated,
            kept=kept,
            tags=tuple(f"{TAG}={name} in {region}" for region, name in platforms),
            tagged=tuple(sorted(found)),
            unknown=tuple(unknown),
        )

    def as_value(self) -> dict[str, Any]:
        """It for a machine."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """It for a person; nothing where there was nothing of AWS."""
        mark = "SIMULATED: " if self.simulated else ""
        if self.kept:
            yield f"{mark}AWS keeps by design:"
            yield from (f"  {kept.line}" for kept in self.kept)
        if self.tagged:
            yield f"{mark}left over, with the tag {', '.join(self.tags)} (AWS may name what is gone for some minutes more):"
            yield from (f"  {arn}" for arn in self.tagged)
        for each in self.unknown:
            yield f"left over: could not be looked up by tag: {each}"
        if self.tags and not self.tagged and not self.unknown:
            yield f"{mark}left over, with the tag {', '.join(self.tags)}: nothing"


def by_design(resource: Resource) -> Iterator[Kept]:
    """What AWS keeps of one resource that is deleted from a state."""
    outputs, kind, arn = dict(resource.get("outputs") or {}), str(resource["type"]), _arn(resource)
    if resource.get("retainOnDelete") and kind.startswith("aws:"):
        yield Kept(what=kind, name=str(resource.get("id", "")), arn=arn, until="left as it is (retainOnDelete)")
    elif kind == "aws:kms/key:Key":
        key = str(resource.get("id", ""))
        yield Kept(
            what="KMS key",
            name=f"{key} ({outputs.get('description', '')})",
            arn=arn,
            until=f"pending deletion, gone in {_days(outputs.get('deletionWindowInDays'))}",
            then=f"`aws kms cancel-key-deletion --key-id {key}` keeps it, and what is encrypted with it readable",
        )
    elif kind == "aws:secretsmanager/secret:Secret" and outputs.get("recoveryWindowInDays") != 0:
        name = str(outputs.get("name", ""))
        yield Kept(
            what="secret",
            name=name,
            arn=arn,
            until=f"in recovery with its name taken, gone in {_days(outputs.get('recoveryWindowInDays'))}",
            then=f"`aws secretsmanager restore-secret --secret-id {name}` brings it back, "
            f"`aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {name}` frees the name",
        )
    elif kind == "aws:rds/instance:Instance" and outputs.get("skipFinalSnapshot") is not True:
        snapshot = str(outputs.get("finalSnapshotIdentifier", ""))
        yield Kept(
            what="snapshot",
            name=snapshot,
            arn=f"{arn.rpartition(':db:')[0]}:snapshot:{snapshot}",
            until="stays until you delete it",
            then=f"it can be read for as long as its key {outputs.get('kmsKeyId', '')} is there",
        )
    elif outputs.get("provisioner") == "ebs.csi.aws.com" and outputs.get("reclaimPolicy") == "Retain":
        yield Kept(
            what="EBS volumes",
            name=f"of the storage class {resource.get('id', '')}",
            until="stay until you delete them",
            then="`aws ec2 describe-volumes --filters Name=status,Values=available "
            "Name=tag-key,Values=kubernetes.io/created-for/pvc/name` lists them",
        )


def platform(resource: Resource) -> Iterator[tuple[str, str]]:
    """Region and platform's name, when the resource is a provider that tags all it makes."""
    if resource["type"] == "pulumi:providers:aws":
        inputs = dict(resource.get("inputs") or {})
        tags = inputs.get("defaultTags") or {}
        name = (json.loads(tags) if isinstance(tags, str) else tags).get("tags", {}).get(TAG)
        if name:
            yield str(inputs.get("region", "")), str(name)


def _arn(resource: Resource) -> str:
    return str((resource.get("outputs") or {}).get("arn", ""))


def _days(days: Any) -> str:
    return f"{int(days or 30)} days"
