"""What fields a Kubernetes kind has: the API's schemas that `kubernetes-validate` brings, and the CRDs of `kube/data`."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from core import versions
from kube.builtin import Schemas
from kube.custom import custom
from kube.objects import token_to_gvk
from kube.shape import Shape

CLAIM, POD, SERVICE = "storageClassName", "containers", "externalTrafficPolicy"
"""A field that only the specs of a claim, of a pod and of a Service have."""


@functools.cache
def schemas() -> Schemas:
    return Schemas(versions.KUBERNETES)


def shape(token: str) -> Shape | None:
    """The shape of a kind by its token; None where no schema of it is at hand."""
    version, kind = token_to_gvk(token)
    known = custom(version, kind)
    if known is not None:
        return Shape(fields={"apiVersion": Shape(), "kind": Shape(), "metadata": Shape(), "spec": known.spec})
    return schemas().shape(version, kind)


def fields(token: str) -> dict[str, bool]:
    """Every field of a kind by its path without list indexes, and whether it has parts; `metadata` is one field."""
    found = shape(token)
    assert found is not None, f"no schema of {token} is at hand"
    return dict(_fields(found, "", ()))


def _fields(of: Shape, prefix: str, above: tuple[int, ...]) -> Iterator[tuple[str, bool]]:
    for key, inner in of.fields.items():
        path = f"{prefix}.{key}" if prefix else key
        while inner.items is not None:
            inner = inner.items
        parts = path != "metadata" and bool(inner.fields) and id(inner) not in above
        yield path, parts
        if parts:
            yield from _fields(inner, path, (*above, id(inner)))
