"""What keeps a `destroy` from starting: it deletes everything or nothing, so it looks before it deletes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.problem import Problem, Refused
from ops.doctor.account import Unanswered
from ops.worlds.world import Place

BUCKET = "aws:s3/bucket:Bucket"
Holds = Callable[[str, str], bool]
"""Whether the bucket of a region (the first argument) with a name (the second) holds anything. Raises Unanswered."""

PROTECTION = "cluster.deletionProtection"
PROTECTIONS = {
    "modelyard:index:Registry": "registry.database.deletionProtection",
    "modelyard:index:RegistryArtifacts": "registry.artifacts.deletionProtection",
    "modelyard:index:RegistryDatabase": "registry.database.deletionProtection",
}
"""The settings that protect resources against deletion, as paths in a stack file: by component, else the cluster's."""


def protected(state: dict[str, Any], place: Place) -> list[Problem]:
    """A problem for each resource of a state that Pulumi is told to protect, with the setting that does it."""
    found = [resource for resource in state.get("resources", []) if resource.get("protect")]
    by_urn = sorted(found, key=lambda resource: str(resource["urn"]))
    return [
        Problem(
            summary="the resource is protected, so nothing was deleted",
            where=f"{resource['type']} {str(resource['urn']).rsplit('::', 1)[-1]}",
            found=str(resource.get("id", "")),
            fix=f"set {_setting(resource)}: false, run `modelyard up`, then destroy again",
            file=place.stack_file.name,
            line=_line(place, _setting(resource)),
        )
        for resource in by_urn
    ]


def full(state: dict[str, Any], holds: Holds) -> list[Problem]:
    """A problem for each unprotected bucket that S3 would not delete, for it holds something; also when that is not known."""
    return [
        problem
        for resource in state.get("resources", [])
        if resource["type"] == BUCKET and not resource.get("protect")
        if dict(resource.get("outputs") or {}).get("forceDestroy") is not True
        for problem in _full(resource, holds)
    ]


def _full(resource: dict[str, Any], holds: Holds) -> list[Problem]:
    name = str(resource.get("id", ""))
    where = f"{BUCKET} {str(resource['urn']).rsplit('::', 1)[-1]}"
    try:
        if not holds(str(resource["outputs"].get("region", "")), name):
            return []
    except Unanswered as why:
        summary = "whether the bucket is empty is not known, so nothing was deleted"
        return [Problem(summary=summary, where=where, found=f"{name}: {why}", fix=why.fix)]
    versions = f"aws s3api list-object-versions --bucket {name} --max-items 1000 --output json --query "
    versions += "'{Objects: [Versions, DeleteMarkers][].{Key: Key, VersionId: VersionId}}'"
    return [
        Problem(
            summary="the bucket is not empty, and S3 deletes only an empty one, so nothing was deleted",
            where=where,
            found=name,
            fix=f"copy what you want to keep (`aws s3 sync s3://{name} DIR`), then `modelyard up`, after which a destroy empties "
            f'it; or empty it, 1000 versions at a time: `aws s3api delete-objects --bucket {name} --delete "$({versions})"`',
        )
    ]


def _setting(resource: dict[str, Any]) -> str:
    kinds = str(resource["urn"]).split("::")[2].split("$")
    return next((PROTECTIONS[kind] for kind in reversed(kinds) if kind in PROTECTIONS), PROTECTION)


def _line(place: Place, setting: str) -> int:
    """The line of the setting in the stack file, or of what it would stand under."""
    try:
        return place.file.line(setting)
    except Refused:
        return 0
