"""Names of things that AWS owns: what the table `names.yaml` does not have is refused as AWS refuses it.

A policy's ARN, an add-on's version or an instance type is nobody's invention: it exists at AWS or it does not.
"""

from __future__ import annotations

import datetime
import fnmatch
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import yaml_lines
from engine.marks import UNKNOWN
from engine.paths import at
from sandbox.aws.rules.limits import everywhere
from sandbox.aws.rules.references import refused

REGION = "{region}"
_HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of name: the list, where it was read and when.

    `form` finds such names in any text; it is None for names that only their place tells. `said` is AWS's answer to another
    name as `Code: text`, empty where AWS takes any.
    """

    source: str
    read: datetime.date
    names: frozenset[str]
    form: re.Pattern[str] | None = None
    said: str = ""

    def knows(self, name: str, region: str = "") -> bool:
        """Whether AWS has this name, in `region` where it holds one."""
        here = name.replace(region, REGION) if region else name
        return here in self.names or any("*" in each and fnmatch.fnmatchcase(here, each) for each in self.names)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a type holds a name of this kind; `name` is a template over the inputs, with `{value}` for what stands there."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Named:
    """A name that somebody uses: its kind, the name as the table would have it, and the path and text of its place."""

    kind: str
    name: str
    path: str
    value: str


def kinds() -> Mapping[str, Kind]:
    """Every kind of name."""
    return _table()[0]


def places() -> Mapping[str, Mapping[str, Place]]:
    """By type and path, the places that hold a name and nothing else."""
    return _table()[1]


def held(token: str, inputs: Mapping[str, Any]) -> Iterator[Named]:
    """The names at the known places of one type; a value that is not known yet, or completes no template, is none."""
    for path, place in places().get(token, {}).items():
        for where, value in everywhere(_opened(inputs, path), path.split(".")):
            if isinstance(value, str) and value != UNKNOWN:
                known = {**{key: str(at(inputs, key) or UNKNOWN) for key in _HOLE.findall(place.name)}, "value": value}
                name = _HOLE.sub(lambda hole, known=known: known[hole[1]], place.name)  # type: ignore[misc]
                if UNKNOWN not in name:
                    yield Named(kind=place.kind, name=name, path=where, value=value)


def written(text: str) -> Iterator[tuple[str, str]]:
    """Every name in a text that its form alone gives away, as (kind, name)."""
    for kind, facts in kinds().items():
        for found in facts.form.finditer(text) if facts.form else ():
            yield kind, found[0]


def check(token: str, inputs: Mapping[str, Any], region: str) -> None:
    """Raise CloudError, in AWS's words, for the first name that AWS does not have."""
    for named in held(token, inputs):
        facts = kinds()[named.kind]
        own = re.match(r"arn:aws:iam::\d{12}:", named.name)
        if facts.said and not own and not facts.knows(named.name, region):
            raise refused(facts.said, {**inputs, "name": named.name, "value": named.value})


def _opened(inputs: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """The inputs with the document that `path` goes into read, when it is one in JSON."""
    first = path.partition(".")[0]
    text = inputs.get(first)
    if not (isinstance(text, str) and text.startswith("{")):
        return inputs
    try:
        return {**inputs, first: json.loads(text)}
    except ValueError:
        return inputs


@functools.cache
def _table() -> tuple[Mapping[str, Kind], Mapping[str, Mapping[str, Place]]]:
    text = Path(__file__).with_name("names.yaml").read_text(encoding="utf-8")
    raw = yaml_lines.load(text)
    where = raw.pop("places")
    return {name: _kind(facts) for name, facts in raw.items()}, {
        token: {path: _place(said) for path, said in paths.items()} for token, paths in where.items()
    }


def _kind(facts: Mapping[str, Any]) -> Kind:
    families = facts.get("families", {})
    grown = (f"{facts.get('prefix', '')}{family}.{size}" for family, sizes in families.items() for size in sizes)
    form = facts.get("form")
    return Kind(
        source=facts["source"],
        read=facts["read"],
        names=frozenset([*facts.get("names", ()), *grown]),
        form=re.compile(form) if form else None,
        said=facts.get("said", ""),
    )


def _place(said: str) -> Place:
    kind, _, name = said.partition(" ")
    return Place(kind=kind, name=name or "{value}")
