"""IAM policy documents, read as the grammar writes them; what is written otherwise is refused, not guessed.

Source: IAM User Guide, "Grammar of the IAM JSON policy language", read on 2026-12-01.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.graph import UNKNOWN, items, mapping
from policies.rule import Finding, refuse, undetermined

_DOCUMENT = frozenset(("Version", "Id", "Statement"))
_STATEMENT = frozenset(
    (
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    )
)
_EFFECTS = ("Allow", "Deny")


@dataclass(frozen=True)
class Statement:
    """One statement that allows something: its path, and its elements under their exact names."""

    where: str
    elements: Mapping[str, Any]

    @property
    def actions(self) -> tuple[str, ...]:
        """The patterns under Action."""
        return texts(self.elements.get("Action"))

    @property
    def resources(self) -> tuple[str, ...]:
        """The patterns under Resource."""
        return texts(self.elements.get("Resource"))

    @property
    def conditions(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """(operator, key in lower case, values) of every condition; condition keys have no case, operators do here."""
        for operator, tests in mapping(self.elements.get("Condition")).items():
            for key, values in mapping(tests).items():
                yield operator, str(key).lower(), texts(values)


class _TwiceError(ValueError):
    """A key stands twice in one object, so that readers disagree on what it says."""


def texts(value: object) -> tuple[str, ...]:
    """One value or a list of values, as texts."""
    return tuple(map(str, items(value))) if isinstance(value, list | tuple) else () if value is None else (str(value),)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


def _unknown(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_unknown, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_unknown, value))
    return value is UNKNOWN


def parsed(document: object) -> Any:
    """The document as maps and lists. Raises ValueError when it is no JSON, or has a key twice."""
    return json.loads(document, object_pairs_hook=_once) if isinstance(document, str) else document


def allowed(path: str, document: object) -> Iterator[Statement | Finding]:
    """Each statement that allows something, or a finding where the document cannot be read for certain."""
    if _unknown(document):
        yield undetermined(path)
        return
    if document is None:
        return
    try:
        whole = parsed(document)
    except (ValueError, RecursionError) as error:
        told = "an element stands twice" if isinstance(error, _TwiceError) else "the policy is not JSON"
        yield refuse(path, told, allowed="a policy document")
        return
    statements = mapping(whole).get("Statement")
    if not isinstance(statements, dict | list | tuple | Mapping):
        yield refuse(path, "the policy has no statements", allowed="a policy document with a Statement")
        return
    if odd := sorted(mapping(whole).keys() - _DOCUMENT):
        yield _misspelt(path, odd, _DOCUMENT)
    for index, statement in enumerate(items(statements)):
        yield from _statement(f"{path}.Statement[{index}]", statement)


def _statement(where: str, statement: object) -> Iterator[Statement | Finding]:
    if not isinstance(statement, Mapping):
        yield refuse(where, "the statement is no object", allowed="Effect, Action and Resource")
    elif odd := sorted(statement.keys() - _STATEMENT):
        yield _misspelt(where, odd, _STATEMENT)
    elif statement.get("Effect") not in _EFFECTS:
        yield refuse(f"{where}.Effect", "the effect is neither of the two", found="another text", allowed="Allow, Deny")
    elif statement["Effect"] == "Allow":
        yield Statement(where, statement)


def _misspelt(where: str, odd: list[str], known: frozenset[str]) -> Finding:
    return refuse(
        where,
        "the policy has elements that the grammar does not have",
        found=", ".join(odd),
        allowed=", ".join(sorted(known)),
        fix="write the elements exactly as the grammar does, capitals included",
    )
