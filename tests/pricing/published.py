"""What inputs a type has by its published schema, and how a table of classified inputs differs from it."""

from __future__ import annotations

from collections.abc import Iterator

from pricing.bill.inputs import Kind, Table
from sandbox.aws.schema import Schemas, Shape
from tests.roots import ROOT

AWS = Schemas(ROOT / ".sandbox" / "schemas")


def aws_inputs(token: str) -> dict[str, bool]:
    """Every input of an AWS type by its path, and whether it is an object that has parts of its own."""
    shape = AWS.shape(token)
    assert shape is not None, f"pulumi_aws has no type {token}"
    return dict(_inputs(shape, shape.inputs, "", ()))


def _inputs(shape: Shape, members: object, prefix: str, above: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    assert isinstance(members, dict)
    for key, member in members.items():
        path = f"{prefix}.{key}" if prefix else key
        refs = [name for name in _refs(member.type) if name not in above]
        yield path, bool(refs)
        for name in refs:
            yield from _inputs(shape, shape.types[name], path, (*above, name))


def _refs(kind: object) -> list[str]:
    if not isinstance(kind, list):
        return []
    return [kind[1]] if kind[0] == "ref" else [name for part in kind[1:] for name in _refs(part)]


def unclassified(table: Table, published: dict[str, bool]) -> list[str]:
    """The inputs that the table says nothing about. What is free or priced is named part by part, so that a new part shows."""
    return [path for path, has_parts in published.items() if not has_parts and not _settled(table, path, published)]


def unpublished(table: Table, published: dict[str, bool]) -> list[str]:
    """The classified inputs that the schema does not have."""
    return [path for path in table.inputs if path not in published]


def _settled(table: Table, path: str, published: dict[str, bool]) -> bool:
    found = table.covering(path)
    return found is not None and (found.kind is Kind.UNPRICED or not published.get(found.path, False))
