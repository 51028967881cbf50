"""Ids, ARNs and computed properties: templates from the table, and a rule by name for what the table does not know.

Everything is derived from a seed (the creator's URN and how often it has created), so a fresh store gives the same ids
every time.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.versions import KUBERNETES
from engine.marks import UNKNOWN
from engine.paths import at
from sandbox.aws.schema import Shape
from sandbox.aws.table import Row, row
from sandbox.items import overlay
from sandbox.values import Secret

ACCOUNT = "000000000000"
NOW = "2026-01-01T00:00:00Z"
_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_ZERO = {"str": "", "bool": False, "int": 0, "float": 0}


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Fills in what the cloud decides about one object; `lookup(name, property)` reads other objects of the store."""

    token: str
    seed: str
    region: str
    shape: Shape
    inputs: Mapping[str, Any]
    lookup: Callable[[str, str], str]
    version: int = 1

    def id(self) -> str:
        """The object's id."""
        template = row(self.token).id
        if template:
            return str(self._fill(template, ""))
        named = self.inputs.get("name")
        kind = re.sub(r"(?<!^)(?=[A-Z])", "-", self.token.rpartition(":")[2]).lower()
        return named if isinstance(named, str) else f"{kind}-{self._hex(17)}"

    def defaults(self, id: str = "") -> dict[str, Any]:
        """What is known before the object exists: documented defaults, the region, all tags."""
        known = self._filled(row(self.token).defaults, id)
        if "tagsAll" in self.shape.outputs:
            known["tagsAll"] = dict(self.inputs.get("tags") or {})
        if "region" in self.shape.outputs:
            known["region"] = self.region
        return known

    def computed(self, id: str) -> dict[str, Any]:
        """What the cloud decides: the table's templates, then a value for every other output of the type."""
        chosen: Row = row(self.token)
        arn = str(self._fill(chosen.arn, id)) if chosen.arn else ""
        made = {**({"arn": arn} if arn else {}), **self._filled(chosen.computed, id)}
        given = {**self.defaults(id), **made}
        rest = {
            key: self._by_name(key, member.type, id)
            for key, member in self.shape.outputs.items()
            if key not in self.shape.inputs and key not in given
        }
        return {key: value for key, value in {**rest, **made}.items() if value is not None}

    def preview(self) -> dict[str, Any]:
        """All outputs before the object exists: what the cloud decides is unknown."""
        return outputs(_unknown(self.computed("")), self.defaults(), self.inputs)

    def _filled(self, templates: Mapping[str, Any], id: str) -> dict[str, Any]:
        return {key: self._walk(value, id) for key, value in templates.items()}

    def _walk(self, value: Any, id: str) -> Any:
        if isinstance(value, str):
            return self._fill(value, id)
        if isinstance(value, Mapping):
            return self._filled(value, id)
        return [self._walk(part, id) for part in value] if isinstance(value, list) else value

    def _fill(self, template: str, id: str) -> Any:
        if template == "{version:int}":
            return self.version
        if template == "{default:int}":
            return self.version if self.inputs.get("updateDefaultVersion") else 1
        return _HOLE.sub(lambda hole: self._hole(hole[1], id) if hole[1] else hole[0][0], template)

    def _hole(self, name: str, id: str) -> str:
        digits = re.fullmatch(r"(hex|HEX)(\d+)(?::(\w+))?", name)
        if digits:
            return self._hex(int(digits[2]), digits[3] or "") if digits[1] == "hex" else self._code(int(digits[2]))
        fixed = {"id": id, "region": self.region, "account": ACCOUNT, "now": NOW, "kubernetes": KUBERNETES}
        if name in fixed:
            return fixed[name]
        if name == "uuid":
            return str(uuid.UUID(hashlib.sha256(f"{self.seed} uuid".encode()).hexdigest()[:32]))
        if name.rstrip("-") in ("publicip", "privateip"):
            numbers = hashlib.sha256(f"{self.seed} ip".encode()).digest()
            address = f"203.0.113.{numbers[0]}" if name.startswith("public") else f"10.0.{numbers[1]}.{numbers[2]}"
            return address.replace(".", "-") if name.endswith("-") else address
        verb, _, rest = name.partition(":")
        if not rest:
            return self._input(name)
        if verb == "of":
            path, _, wanted = rest.partition(":")
            return self.lookup(self._input(path), wanted)
        if verb == "base64":
            return base64.b64encode((rest + self.seed).encode()).decode()
        if verb == "zoneid":
            zone = self._input(rest) or f"{self.region}a"
            return zone_id(zone)
        if verb == "nohttps":
            return self._input(rest).removeprefix("https://")
        return "/" + self._input(rest).removeprefix("/")

    def _input(self, path: str) -> str:
        value = at(self.inputs, path)
        if value is None:
            value = row(self.token).defaults.get(path, "")
        return value.reveal() if isinstance(value, Secret) else str(value)

    def _hex(self, length: int, label: str = "") -> str:
        text = hashlib.sha256(f"{self.seed} {label}".encode()).hexdigest()
        return "0" + text[: length - 1] if length == 17 else text[:length]

    def _code(self, length: int) -> str:
        return hashlib.sha256(f"{self.seed} code".encode()).hexdigest().upper()[:length]

    def _by_name(self, key: str, kind: Any, id: str) -> Any:
        if isinstance(kind, list):
            return [] if kind[0] == "list" else {} if kind[0] == "map" else None
        if kind in ("object", "any"):
            return None
        if kind != "str":
            return _ZERO[kind]
        service = self.token.split(":")[1].split("/")[0]
        if key == "arn":
            return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{id}"
        if key in ("ownerId", "accountId", "owner"):
            return ACCOUNT
        if key.endswith(("At", "Date", "Time")):
            return NOW
        if key in ("status", "state"):
            return "ACTIVE"
        if key.endswith("Arn"):
            return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{key}/{self._hex(17, key)}"
        if key.endswith(("Id", "Name")):
            return f"{re.sub('(?<!^)(?=[A-Z])', '-', key).lower()}-{self._hex(17, key)}"
        if key.lower().endswith(("url", "endpoint", "dnsname")):
            return f"{self._hex(10, key)}.{service}.{self.region}.amazonaws.com"
        return ""


def outputs(computed: Mapping[str, Any], defaults: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """All outputs: inputs, completed by defaults and by what the cloud decided."""
    made: dict[str, Any] = overlay(overlay(computed, defaults), inputs)
    return made


def zone_id(zone: str) -> str:
    """The id of an Availability Zone: `us-east-1a` is `use1-az1`."""
    area, direction, number = zone[:-1].split("-")[-3:] if zone.count("-") >= 2 else ("", "", "")
    short = "".join(word[0] for word in re.findall("north|south|east|west|central", direction))
    return f"{area}{short}{number}-az{ord(zone[-1:] or 'a') - 96}"


def _unknown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unknown(part) for key, part in value.items()}
    return UNKNOWN
