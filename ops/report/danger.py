"""Which changes are set apart, and why: what is lost, what stops, what takes nodes away under a running model.

Which fields make Karpenter replace nodes is from its documentation of drift: everything in a NodePool's template and in an
EC2NodeClass does, `requirements` and selector terms only for nodes that no longer match, `limits`, `weight` and
`disruption` never.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ops.report import diff
from ops.report.model import Danger, Hazard

NODE_POOL, NODE_CLASS, NODE_GROUP = "NodePool", "EC2NodeClass", "aws:eks/nodeGroup:NodeGroup"
ROLLS_GROUP = ("amiType", "instanceTypes", "launchTemplate", "releaseVersion", "version", "diskSize")
"""Fields of a managed node group that roll its nodes."""
SELECTS = ("amiSelectorTerms", "subnetSelectorTerms", "securityGroupSelectorTerms", "capacityReservationSelectorTerms")
DATABASES = (
    "aws:rds/", "aws:dynamodb/table:", "aws:elasticache/", "aws:docdb/", "aws:neptune/", "aws:memorydb/",
    "aws:redshift/", "aws:opensearch/",
)  # fmt: skip
BESIDE_DATA = ("subnetGroup:", "SubnetGroup", "eventSubscription:", "optionGroup:")
DATA = (
    "aws:s3/bucket:Bucket", "aws:ebs/volume:", "aws:efs/fileSystem:", "aws:kms/key:Key", "aws:secretsmanager/secret:Secret",
    "kubernetes:core/v1:PersistentVolumeClaim", "kubernetes:core/v1:Namespace", "kubernetes:apps/v1:StatefulSet",
)  # fmt: skip
REPLACES = frozenset({"replace", "create-replacement", "delete-replaced"})
GOES = frozenset({"delete", "discard", *REPLACES})

Inputs = Mapping[str, Any]


def danger(
    op: str, kind: str, name: str, old: Inputs, new: Inputs, keys: tuple[str, ...], protect: tuple[bool, bool]
) -> Danger | None:
    """Why this change is set apart, or None; `keys` forced the replacement, `protect` is its protection before and after."""
    found = dict(_hazards(op, kind, old, new, keys, protect))
    if not found:
        return None
    why = "; ".join(text for text in found.values() if text)
    return Danger(hazards=list(found), resource=f"{kind} {name}", why=why)


def _hazards(
    op: str, kind: str, old: Inputs, new: Inputs, keys: tuple[str, ...], protect: tuple[bool, bool]
) -> Iterator[tuple[Hazard, str]]:
    was, is_now = protect
    if op in REPLACES:
        yield Hazard.REPLACE, f"it is replaced, as {', '.join(keys)} cannot be changed" if keys else "it is replaced"
    elif op in GOES:
        yield Hazard.DELETE, "it is deleted"
    if was and op in GOES:
        yield Hazard.PROTECTED, "it is protected, so an `up` fails here"
    elif was and not is_now and op not in GOES:
        yield Hazard.UNPROTECT, "its protection against deletion ends"
    if kind.startswith(DATABASES) and not any(each in kind for each in BESIDE_DATA) and op != "create":
        lost = "its data goes with it" if op in GOES else "a change to a database"
        yield Hazard.DATABASE, lost
    elif kind.startswith(DATA) and op in GOES:
        yield Hazard.DATA, "what it holds goes with it"
    if op == "update" and (fields := list(_rolls(kind, old, new))):
        yield Hazard.NODES, f"because of {', '.join(fields)}"


def _rolls(kind: str, old: Inputs, new: Inputs) -> Iterator[str]:
    """The fields that differ and make nodes go."""
    if kind == NODE_GROUP:
        yield from (field for field in ROLLS_GROUP if old.get(field) != new.get(field))
    elif kind.startswith("kubernetes:karpenter") and kind.endswith((NODE_POOL, NODE_CLASS)):
        below = "template" if kind.endswith(NODE_POOL) else ""
        before, after = (_at(each, "spec", below) for each in (old, new))
        for path in dict.fromkeys(_head(each.path) for each in diff.properties(before, after)):
            chosen = path == "spec.requirements" or path in SELECTS
            yield f"{'.'.join(filter(None, ('spec', below, path)))}{' (those that no longer match)' if chosen else ''}"


def _head(path: str) -> str:
    """`spec.requirements[zone].values` becomes `spec.requirements`; the first step alone where there is no map."""
    steps = path.split("[", 1)[0].split(".")
    return ".".join(steps[:2]) if steps[0] in {"spec", "metadata"} else steps[0]


def _at(inputs: Inputs, *steps: str) -> dict[str, Any]:
    here: Any = inputs
    for step in filter(None, steps):
        here = here.get(step) if isinstance(here, Mapping) else None
    return dict(here) if isinstance(here, Mapping) else {}
