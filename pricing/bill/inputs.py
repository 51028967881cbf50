"""What each input of a priced type does to its price: priced, free with the reason, or unpriced when set.

The tables are data, `data/inputs/<service>.yaml`, type by type. An input is named by its path without list indexes
(`blockDeviceMappings.ebs.iops`). An entry covers what stands below it, unless a deeper entry says otherwise. An object of
which only parts are listed covers nothing by itself: a part that nobody has listed is a finding. Only a type of which no
other input can ever cost says `rest`, with the reason: then what is not listed is free.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core import yaml_lines
from pricing.items.graph import UNKNOWN, Node, Value

FOLDER = Path(__file__).parent / "data" / "inputs"
REGION = "region"
"""Every regional resource of AWS takes one of its own; what it costs elsewhere is not in the book."""
GLOBAL = ("aws:budgets/", "aws:costexplorer/", "aws:iam/")
"""What the type tokens of AWS that are not regional begin with."""
_KEYS = {"priced", "free", "unpriced", "rest"}


class Kind(enum.Enum):
    """What an input does to the price of its resource."""

    PRICED = "priced"
    FREE = "free"
    UNPRICED = "unpriced"


@dataclass(frozen=True, kw_only=True)
class Input:
    """One classified input: `why` it is free, or what it would cost; `unless` are the values with which it costs nothing."""

    path: str
    kind: Kind
    why: str = ""
    unless: tuple[Value, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Table:
    """All classified inputs of one type, by path."""

    token: str
    inputs: Mapping[str, Input]
    rest: str = ""
    """Why every input that is not listed is free; empty where each has to be listed."""

    def findings(self, node: Node, region: str) -> tuple[str, ...]:
        """One clause for each set input that keeps the resource from being priced in `region`; values are not repeated."""
        return tuple(dict.fromkeys(self._object(node.inputs, "", region)))

    def covering(self, path: str) -> Input | None:
        """The entry that decides about a path: its own or the nearest above that has no deeper ones; None without one."""
        for at in _upwards(path):
            if at in self.inputs:
                return self.inputs[at]
            if at in self._objects:
                break
        return Input(path=path, kind=Kind.FREE, why=self.rest) if self.rest else None

    @cached_property
    def _objects(self) -> frozenset[str]:
        """The paths of objects of which parts are listed."""
        return frozenset(above for path in self.inputs for above in list(_upwards(path))[1:])

    def _object(self, value: Mapping[str, Value], path: str, region: str) -> Iterator[str]:
        for key, part in value.items():
            if not key.startswith("__"):
                yield from self._value(part, f"{path}.{key}" if path else key, region)

    def _value(self, value: Value, path: str, region: str) -> Iterator[str]:
        if value is None:
            return
        found = self.inputs.get(path)
        if path in self._objects:
            yield from self._parts(value, path, region)
        elif found is None and not self.rest:
            yield f"nobody has said what its input {path} costs"
        if found and found.kind is Kind.UNPRICED and not _harmless(value, found.unless):
            yield f"its input {path} {'is not known' if value is UNKNOWN else 'is not priced'}: {found.why}"
        if path == REGION and found and found.kind is Kind.PRICED and value != region:
            yield f"its input {REGION} names another region than the one that is priced"

    def _parts(self, value: Value, path: str, region: str) -> Iterator[str]:
        if isinstance(value, Mapping):
            yield from self._object(value, path, region)
        elif isinstance(value, tuple):
            for each in value:
                yield from self._parts(each, path, region)
        elif value is not None and value is not UNKNOWN and not self.rest:
            yield f"its input {path} is one value, where parts are expected"
        elif value is UNKNOWN and any(
            each.kind is Kind.UNPRICED and each.path.startswith(f"{path}.") for each in self.inputs.values()
        ):
            yield f"its input {path} is not known, and parts of it are not priced"


def findings(node: Node, region: str) -> tuple[str, ...]:
    """Why the inputs of a resource keep it from being priced in `region`; none for a type without a table."""
    table = tables().get(node.type)
    return table.findings(node, region) if table else ()


@cache
def tables() -> Mapping[str, Table]:
    """Every table by type token. Raises ValueError for a file that says something twice, or what no table can say."""
    found: dict[str, Table] = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        content = yaml_lines.load(file.read_text(encoding="utf-8"))
        for token, said in content.items():
            if token in found:
                raise ValueError(f"{file.name}: {token} has a table already")
            found[token] = read(token, said)
    return MappingProxyType(found)


def read(token: str, said: Mapping[str, Any]) -> Table:
    """The table of one type as the file says it. Raises ValueError for another key, and for an input that stands twice."""
    if odd := set(said) - _KEYS:
        raise ValueError(f"{token}: a table has {', '.join(sorted(_KEYS))}, not {', '.join(sorted(odd))}")
    listed = [Input(path=path, kind=Kind.PRICED) for path in said.get("priced", ())]
    if token.startswith("aws:") and not token.startswith(GLOBAL):
        listed.append(Input(path=REGION, kind=Kind.PRICED))
    for why, paths in said.get("free", {}).items():
        listed += [Input(path=path, kind=Kind.FREE, why=why) for path in paths]
    for path, costs in said.get("unpriced", {}).items():
        listed.append(_unpriced(token, path, costs))
    by_path = {each.path: each for each in listed}
    if len(by_path) != len(listed):
        twice = sorted({each.path for each in listed if each is not by_path[each.path]})
        raise ValueError(f"{token}: classified twice: {', '.join(twice)}")
    return Table(token=token, inputs=MappingProxyType(by_path), rest=str(said.get("rest", "")))


def _unpriced(token: str, path: str, costs: Any) -> Input:
    if isinstance(costs, str):
        return Input(path=path, kind=Kind.UNPRICED, why=costs)
    if not isinstance(costs, Mapping) or set(costs) != {"costs", "unless"} or not isinstance(costs["unless"], list):
        raise ValueError(f"{token}: {path} says what it costs, or `costs` and a list `unless`")
    return Input(path=path, kind=Kind.UNPRICED, why=str(costs["costs"]), unless=tuple(costs["unless"]))


def _harmless(value: Value, unless: tuple[Value, ...]) -> bool:
    """Whether a value is one with which the input costs nothing; each of a list has to be, so an empty list is."""
    if isinstance(value, tuple):
        return all(_harmless(each, unless) for each in value)
    return any(each == value and isinstance(each, bool) == isinstance(value, bool) for each in unless)


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition(".")[0]
