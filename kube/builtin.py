"""The kinds that Kubernetes itself brings, as shapes, read from the API schemas that `kubernetes-validate` bundles.

That package compiles its schemas anew at every call, some 100 ms each; here one version's definitions are read once and
a kind's shape is built when the kind is first met. Only its data is used, so that its own imports cost nothing.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from core import versions
from core.problem import ExitCode, Problem, Refused
from kube.shape import QUANTITY, Shape

_FACTS = Path(__file__).parent / "data" / "kubernetes.json"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_TYPES = {"object": "map", "array": "list"}


@functools.cache
def facts() -> dict[str, Any]:
    """What the schemas do not say: kinds outside namespaces, what Pod Security allows; source in the file."""
    loaded: dict[str, Any] = json.loads(_FACTS.read_text(encoding="utf-8"))
    return loaded


def _folders() -> dict[tuple[int, ...], Path]:
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        problem = Problem(summary="kubernetes-validate is not installed", fix="install requirements/base.txt")
        raise Refused(problem, ExitCode.UNAVAILABLE)
    root = Path(spec.origin).parent / "kubernetes-json-schema"
    found = {}
    for folder in root.glob("v*-local-strict"):
        found[tuple(int(part) for part in folder.name[1:].split("-")[0].split(".")[:2])] = folder
    return found


class Schemas:
    """The API of one Kubernetes version: which kinds it has, and their shapes. `version` is the bundled one used."""

    def __init__(self, version: str) -> None:
        wanted = tuple(int(part) for part in version.split(".")[:2])
        folders = _folders()
        chosen = max((known for known in folders if known <= wanted), default=min(folders))
        self.version = ".".join(map(str, chosen))
        text = (folders[chosen] / "_definitions.json").read_text(encoding="utf-8")
        self._definitions: dict[str, Any] = json.loads(text)["$defs"]
        self._shapes: dict[str, Shape] = {}
        self._names: dict[tuple[str, str], str] = {}
        for name, schema in self._definitions.items():
            meta = schema.get("properties", {}).get("metadata", {}).get("$ref", "")
            if not meta.endswith(_OBJECT_META):
                continue
            for gvk in schema.get("x-kubernetes-group-version-kind", ()):
                group = f"{gvk['group']}/" if gvk["group"] else ""
                self._names[f"{group}{gvk['version']}", gvk["kind"]] = name

    def kinds(self) -> dict[tuple[str, str], str]:
        """Every (apiVersion, kind) of this version, with the name of its definition."""
        return dict(self._names)

    def shape(self, api_version: str, kind: str) -> Shape | None:
        """The shape of a kind, or None when this version has no such kind."""
        name = self._names.get((api_version, kind))
        return self._named(name) if name else None

    def metadata(self) -> Shape:
        """The shape of `metadata`, which custom resources share."""
        return self._named(_OBJECT_META)

    def _named(self, name: str) -> Shape:
        if name not in self._shapes:
            shape = self._shapes[name] = Shape()
            self._fill(shape, self._definitions[name])
            if name == _QUANTITY:
                shape.pattern = re.compile(QUANTITY)
            self._tighten(name.removeprefix("io.k8s.api."), shape)
        return self._shapes[name]

    def _tighten(self, name: str, shape: Shape) -> None:
        for field_name, place in shape.fields.items():
            known = facts()["fields"].get(f"{name}.{field_name}")
            inner = facts()["fields"].get(f"{name}.{field_name}[]")
            if known:
                place.enum = tuple(known.get("enum", ()))
                place.bounds = tuple((limit, known[limit]) for limit in ("min", "max") if limit in known)
            if inner and place.items is not None:
                place.items.enum = tuple(inner["enum"])

    def _of(self, schema: dict[str, Any]) -> Shape:
        if "$ref" in schema:
            return self._named(schema["$ref"].rsplit("/", 1)[-1])
        shape = Shape()
        self._fill(shape, schema)
        return shape

    def _fill(self, shape: Shape, schema: dict[str, Any]) -> None:
        types: set[str] = set()
        for choice in (schema, *schema.get("oneOf", ())):
            listed = choice.get("type", ())
            types.update([listed] if isinstance(listed, str) else listed)
        shape.kinds = frozenset(_TYPES.get(name, name) for name in types - {"null"})
        shape.fields = {name: self._of(inner) for name, inner in schema.get("properties", {}).items()}
        shape.required = tuple(schema.get("required", ()))
        shape.enum = tuple(item for item in schema.get("enum", ()) if item is not None)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            shape.entries = self._of(extra)
        shape.open = "map" in shape.kinds and not shape.fields and extra in (None, True)
        if isinstance(schema.get("items"), dict):
            shape.items = self._of(schema["items"])


@functools.cache
def schemas(version: str = versions.KUBERNETES) -> Schemas:
    """The API of `version`, or of the nearest one bundled below it; read once a process."""
    return Schemas(version)
