"""What keeps a `destroy` from starting: it deletes everything or nothing, so it looks before it deletes."""

from __future__ import annotations

from typing import Any

from ops.world import Place
from problem import Problem, Refused

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
    held = sorted(found, key=lambda resource: str(resource["urn"]))
    return [
        Problem(
            summary="the resource is protected, so nothing was deleted",
            where=f"{resource['type']} {str(resource['urn']).rsplit('::', 1)[-1]}",
            found=str(resource.get("id", "")),
            fix=f"set {_setting(resource)}: false, run `modelyard up`, then destroy again",
            file=place.stack_file.name,
            line=_line(place, _setting(resource)),
        )
        for resource in held
    ]


def _setting(resource: dict[str, Any]) -> str:
    kinds = str(resource["urn"]).split("::")[2].split("$")
    return next((PROTECTIONS[kind] for kind in reversed(kinds) if kind in PROTECTIONS), PROTECTION)


def _line(place: Place, setting: str) -> int:
    """The line of the setting in the stack file, or of what it would stand under."""
    from infra.stackfile import StackFile

    try:
        return StackFile.read(place.stack_file).line(setting)
    except Refused:
        return 0
