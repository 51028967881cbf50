"""What the AWS provider accepts and returns, read from the argument types that `pulumi_aws` itself publishes.

The Python SDK is generated from the provider's schema, so its classes say which properties exist, of which type, and
which are required, at every depth. They are read as source text: importing the SDK would take seconds. What was read is
cached as JSON, per type and version of the SDK.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import functools
import importlib.metadata
import importlib.util
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.marks import SIGNATURE, UNKNOWN
from sandbox.provider import Fault

INTERNAL = "__defaults"
_PARSER = threading.Lock()
_SCALARS = {"str": "str", "bool": "bool", "int": "int", "float": "float"}
_WORDS = {"str": "a string", "bool": "a boolean", "int": "a whole number", "float": "a number"}

Type = Any
"""`str`, `bool`, `int`, `float`, `any`, `object`, or a list: ["list", T], ["map", T], ["ref", name], ["union", T, T]."""


@dataclass(frozen=True)
class Member:
    """One property: its type, and whether it must be given (of an output: whether it always has a value)."""

    type: Type
    required: bool


@dataclass(frozen=True)
class Shape:
    """One resource type: inputs, outputs (inputs included), and the nested object types by name."""

    inputs: dict[str, Member]
    outputs: dict[str, Member]
    types: dict[str, dict[str, Member]]

    def faults(self, news: Mapping[str, Any]) -> list[Fault]:
        """Every unknown, missing or wrongly typed property, with its path."""
        return list(self._object(self.inputs, news, ""))

    def _object(self, members: Mapping[str, Member], value: Mapping[str, Any], path: str) -> Iterator[Fault]:
        for key, part in value.items():
            here = f"{path}.{key}" if path else key
            if key == INTERNAL or part is None:
                continue
            if key not in members:
                near = difflib.get_close_matches(key, members, 1)
                hint = f' Did you mean "{near[0]}"?' if near else f" Known here: {', '.join(sorted(members))}."
                yield Fault(here, f'Unsupported argument: an argument named "{key}" is not expected here.{hint}')
            else:
                yield from self._value(members[key].type, part, here)
        for key, member in members.items():
            if member.required and value.get(key) is None:
                here = f"{path}.{key}" if path else key
                yield Fault(here, f'Missing required argument: the argument "{key}" is required.')

    def _value(self, kind: Type, value: Any, path: str) -> Iterator[Fault]:
        if value == UNKNOWN or kind in ("any", "object"):
            return
        if isinstance(kind, str):
            if not _is(kind, value):
                yield Fault(path, f"Incorrect attribute value type: {_WORDS[kind]} is required, found {_what(value)}.")
        elif kind[0] == "union":
            tries = [list(self._value(option, value, path)) for option in kind[1:]]
            if all(tries):
                objects = [found for option, found in zip(kind[1:], tries, strict=True) if isinstance(option, list)]
                yield from objects[0] if objects and isinstance(value, Mapping) else tries[0]
        elif kind[0] == "list":
            if not isinstance(value, list):
                yield Fault(path, f"Incorrect attribute value type: a list is required, found {_what(value)}.")
                return
            for index, part in enumerate(value):
                yield from self._value(kind[1], part, f"{path}[{index}]")
        elif not isinstance(value, Mapping) or SIGNATURE in value:
            yield Fault(path, f"Incorrect attribute value type: an object is required, found {_what(value)}.")
        elif kind[0] == "map":
            for key, part in value.items():
                yield from self._value(kind[1], part, f"{path}.{key}")
        else:
            yield from self._object(self.types[kind[1]], value, path)


class Schemas:
    """Shapes by type token, read once and cached under `cache`."""

    def __init__(self, cache: Path) -> None:
        self.version = importlib.metadata.version("pulumi_aws")
        self.cache = cache / f"pulumi_aws-{self.version}"
        spec = importlib.util.find_spec("pulumi_aws")
        self.root = Path(str(spec.origin)).parent if spec else Path()
        self._known: dict[str, Shape | None] = {}

    def shape(self, token: str) -> Shape | None:
        """The shape of a resource type; None when the SDK has no such type."""
        if token not in self._known:
            self._known[token] = self._cached(token)
        return self._known[token]

    def _cached(self, token: str) -> Shape | None:
        file = self.cache / (re.sub(r"[^A-Za-z0-9]", "_", token) + ".json")
        if file.exists():
            stored = json.loads(file.read_text(encoding="utf-8"))
            types = {name: _members_of(members) for name, members in stored["types"].items()}
            return Shape(_members_of(stored["inputs"]), _members_of(stored["outputs"]), types)
        shape = self._read(token)
        if shape:
            self.cache.mkdir(parents=True, exist_ok=True)
            draft = file.with_suffix(f".{id(shape)}.new")
            draft.write_text(json.dumps(asdict(shape)), encoding="utf-8")
            draft.replace(file)
        return shape

    def _read(self, token: str) -> Shape | None:
        module, _, name = token.partition(":")[2].partition(":")
        folder = module.split("/")[0].replace("index", "")
        file = self._file(folder, module.rpartition("/")[2], f'type_token("{token}")')
        if file is None:
            return None
        source = _text(file)
        types: dict[str, dict[str, Member]] = {}
        inputs = self._members(_class(source, f"{name}(?:Init)?Args"), folder, types)
        outputs = {
            key: Member(_type(annotation, None), not _optional(annotation))
            for key, (_, annotation) in _getters(_class(source, name)).items()
        }
        return Shape(inputs, outputs, types)

    def _file(self, folder: str, module: str, mark: str) -> Path | None:
        likely = self.root / folder / (re.sub(r"(?<!^)(?=[A-Z])", "_", module).lower() + ".py")
        if likely.exists() and mark in _text(likely):
            return likely
        return next((file for file in sorted((self.root / folder).glob("*.py")) if mark in _text(file)), None)

    def _members(self, node: ast.ClassDef, folder: str, types: dict[str, dict[str, Member]]) -> dict[str, Member]:
        required, members = _required(node), {}
        for key, (argument, annotation) in _getters(node).items():
            kind = _type(annotation, folder)
            members[key] = Member(kind, argument in required)
            for name in _refs(kind):
                if name not in types:
                    types[name] = {}
                    place, _, plain = name.rpartition("/")
                    types[name].update(
                        self._members(_class(_text(self.root / place / "_inputs.py"), plain), place, types)
                    )
        return members


@functools.cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _class(source: str, name: str) -> ast.ClassDef:
    start = re.search(rf"^class {name}\b", source, re.MULTILINE)
    if start is None:
        raise LookupError(name)
    end = re.search(r"^(?:class |@)", source[start.end() :], re.MULTILINE)
    node = _parsed(source[start.start() : start.end() + end.start() if end else len(source)]).body[0]
    if isinstance(node, ast.ClassDef):
        return node
    raise LookupError(name)


def _parsed(source: str) -> ast.Module:
    """The syntax tree. CPython 3.11.7 and before count the depth of all parsers of a process together: two may fail."""
    for _ in range(9):
        with _PARSER, contextlib.suppress(SystemError):
            return ast.parse(source)
    return ast.parse(source)


def _members_of(stored: Mapping[str, Any]) -> dict[str, Member]:
    return {key: Member(**member) for key, member in stored.items()}


def _getters(node: ast.ClassDef) -> dict[str, tuple[str, ast.expr]]:
    """Each property's own name, with its Python name and its type."""
    found: dict[str, tuple[str, ast.expr]] = {}
    for function in node.body:
        if isinstance(function, ast.FunctionDef) and function.returns is not None:
            for mark in function.decorator_list:
                if ast.unparse(mark).startswith("pulumi.getter"):
                    name = ast.literal_eval(mark.keywords[0].value) if isinstance(mark, ast.Call) else function.name
                    found[str(name)] = (function.name, function.returns)
    return found


def _required(node: ast.ClassDef) -> set[str]:
    """The arguments of the class that have no default."""
    for function in node.body:
        if isinstance(function, ast.FunctionDef) and function.name == "__init__":
            pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
            return {argument.arg for argument, default in pairs if default is None}
    return set()


def _optional(annotation: ast.expr) -> bool:
    return "Optional[" in ast.unparse(annotation).replace("pulumi.Output[", "", 1)[:9]


def _type(node: ast.expr, folder: str | None) -> Type:
    if isinstance(node, ast.Constant):
        name = str(node.value).removeprefix("_")
        if folder is None or not name.endswith("Args"):
            return "object" if folder is None else "str"
        place, _, plain = name.rpartition(".")
        return ["ref", f"{place or folder}/{plain}"]
    if isinstance(node, ast.Subscript):
        outer = ast.unparse(node.value).rpartition(".")[2]
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer == "Sequence":
            return ["list", _type(parts[0], folder)]
        if outer == "Mapping":
            return ["map", _type(parts[-1], folder)]
        if outer == "Union":
            options = [_type(part, folder) for part in parts]
            unique = [option for at, option in enumerate(options) if option not in options[:at]]
            return unique[0] if len(unique) == 1 else ["union", *unique]
        return _type(parts[0], folder)
    return _SCALARS.get(ast.unparse(node).rpartition(".")[2], "any")


def _refs(kind: Type) -> list[str]:
    if isinstance(kind, list):
        return [kind[1]] if kind[0] == "ref" else [name for part in kind[1:] for name in _refs(part)]
    return []


def _is(kind: str, value: Any) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "str":
        return isinstance(value, str)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and (kind == "float" or isinstance(value, int))


def _what(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "a string")
