"""The items of the simulated clouds: one readable JSON file per object, so that a person can make drift.

Edit a file, or delete it, and the next refresh sees it. Writes are atomic, so a kill at any moment leaves whole files.
A secret is never written: a keyed digest stands in its place, and only who knows the value can match it.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.problem import Problem, Refused
from sandbox.values import HIDDEN, Secret

CREATOR: ContextVar[str] = ContextVar("creator", default="")
"""The URN on whose behalf the current call acts; new objects record it."""

SEALED: ContextVar[frozenset[str]] = ContextVar("sealed", default=frozenset())
"""Inputs of the current call in which every number and boolean is a secret too, for they cannot say so themselves."""

IGNORED: ContextVar[tuple[str, ...]] = ContextVar("ignored", default=())
"""Property paths whose changes the resource of the current call ignores: others own them."""

DIGEST = "$secret"
_SAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(kw_only=True)
class Item:
    """One object: `inputs` is what was asked for, `computed` what the cloud decided; `urn` is its creator's."""

    package: str
    type: str
    id: str
    name: str = ""
    urn: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    computed: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def pending(self) -> str:
        """The status of an object that is gone for its users but not yet for the cloud (`PendingDeletion`), or empty."""
        return str(self.notes.get("pending", ""))

    @property
    def state(self) -> dict[str, Any]:
        """All properties: what was asked for, completed by what the cloud decided, at every depth."""
        return overlay(self.computed, self.inputs)  # type: ignore[no-any-return]


def overlay(below: Any, above: Any) -> Any:
    """`above`, completed by `below` wherever it says nothing."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        merged = {key: overlay(value, above.get(key)) for key, value in below.items()}
        return {**merged, **{key: copy.deepcopy(value) for key, value in above.items() if key not in below}}
    return copy.deepcopy(below if above is None else above)


class ItemStore:
    """The objects under one folder; safe to use from several threads. Hold `lock` over a look-up and its write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._items: dict[Path, dict[Path, tuple[tuple[int, int], Item]]] = {}
        self._listed: dict[Path, int] = {}
        self._by_id: dict[str, set[Path]] = {}
        self._key = self._secret_key()
        self._births = Counter(self._birth_file.read_text("utf-8").split("\n") if self._birth_file.exists() else ())

    def get(self, package: str, type: str, id: str) -> Item | None:
        """The object as it is now on disk, or None."""
        with self.lock:
            return self._load(self._path(package, type, id))

    def all(self, package: str, type: str | None = None) -> list[Item]:
        """Every object of a package, or of one type, in the order of their ids."""
        with self.lock:
            folders = [self._folder(package, type)] if type else sorted(self._folders(package))
            return [item for folder in folders for item in self._list(folder)]

    def by_id(self, id: str) -> list[Item]:
        """Objects of any type that have this id, name, ARN or alias (`notes["aliases"]`)."""
        with self.lock:
            quick = [item for path in sorted(self._by_id.get(id, ())) if (item := self._load(path))]
            if quick:
                return quick
            for package in self._packages():
                for folder in self._folders(package):
                    self._list(folder)
            return [item for path in sorted(self._by_id.get(id, ())) if (item := self._load(path))]

    def everything(self) -> list[Item]:
        """Every object of every package; one without `urn` was there before anything was deployed."""
        with self.lock:
            return [item for package in sorted(self._packages()) for item in self.all(package)]

    def put(self, item: Item) -> None:
        """Write an object; a new one records the URN of the current call and counts as a birth of it."""
        with self.lock:
            path = self._path(item.package, item.type, item.id)
            there = self._load(path)
            item.urn = item.urn or (there.urn if there else CREATOR.get())
            if there is None:
                self._births[item.urn] += 1
                with self._birth_file.open("a", encoding="utf-8") as births:
                    births.write(item.urn + "\n")
            document = {
                "id": item.id,
                "name": item.name,
                "type": item.type,
                "urn": item.urn,
                "inputs": {key: self._sealed(part, key in SEALED.get()) for key, part in item.inputs.items()},
                "computed": self._sealed(item.computed),
                "notes": self._sealed(item.notes),
            }
            _write(path, json.dumps(document, indent=2, sort_keys=True) + "\n")
            self._load(path)

    def remove(self, item: Item) -> None:
        """Delete an object; nothing happens when it is gone already."""
        with self.lock:
            path = self._path(item.package, item.type, item.id)
            path.unlink(missing_ok=True)
            self._load(path)

    def births(self, urn: str) -> int:
        """How many objects this URN has created since the store began; ids are derived from it."""
        return self._births[urn]

    def known(self, stored: Any, values: Any) -> Any:
        """`stored` with each sealed secret replaced by the value at the same place of `values`, when it is the one."""
        if isinstance(stored, Mapping):
            if set(stored) == {DIGEST}:
                if not hmac.compare_digest(self._digest(values), stored[DIGEST]):
                    return Secret(f"{HIDDEN} another value: {stored[DIGEST][:12]}")
                return Secret("".join(values)) if isinstance(values, str) else values
            inner = values if isinstance(values, Mapping) else {}
            return {key: self.known(value, inner.get(key)) for key, value in stored.items()}
        if isinstance(stored, list):
            inside = values if isinstance(values, list) else []
            return [self.known(part, inside[at] if at < len(inside) else None) for at, part in enumerate(stored)]
        return stored

    @property
    def _birth_file(self) -> Path:
        return self.folder / ".births"

    def _secret_key(self) -> bytes:
        file = self.folder / ".key"
        if not file.exists():
            _write(file, secrets.token_hex(32))
        return file.read_bytes()

    def _digest(self, value: Any) -> str:
        text = "".join(value) if isinstance(value, str) else json.dumps(value)
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _sealed(self, value: Any, secret: bool = False) -> Any:
        if isinstance(value, Secret) or (secret and isinstance(value, bool | int | float)):
            return {DIGEST: self._digest(value)}
        if isinstance(value, Mapping):
            return {key: self._sealed(part, secret) for key, part in value.items()}
        return [self._sealed(part, secret) for part in value] if isinstance(value, list) else value

    def _path(self, package: str, type: str, id: str) -> Path:
        return self._folder(package, type) / f"{_safe(id)}.json"

    def _folder(self, package: str, type: str) -> Path:
        return self.folder / package / _safe(type.replace(":", ".").replace("/", "."))

    def _packages(self) -> list[str]:
        return [entry.name for entry in os.scandir(self.folder) if entry.is_dir()]

    def _folders(self, package: str) -> Iterator[Path]:
        folder = self.folder / package
        return (Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()) if folder.is_dir() else iter(())

    def _list(self, folder: Path) -> list[Item]:
        try:
            stamp = folder.stat().st_mtime_ns
        except FileNotFoundError:
            stamp = 0
        if self._listed.get(folder) != stamp:
            here = (
                {Path(entry.path) for entry in os.scandir(folder) if entry.name.endswith(".json")} if stamp else set()
            )
            for path in here | set(self._items.get(folder, ())):
                self._load(path)
            self._listed[folder] = stamp
        return [item for path in sorted(self._items.get(folder, ())) if (item := self._load(path))]

    def _load(self, path: Path) -> Item | None:
        try:
            status = path.stat()
        except FileNotFoundError:
            self._forget(path)
            return None
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._items.get(path.parent, {}).get(path)
        if known and known[0] == stamp:
            return known[1]
        self._forget(path)
        try:
            item = Item(package=path.parent.parent.name, **json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            fix = "mend or delete the file"
            problem = Problem(
                summary="unreadable file of the sandbox's world", file=str(path), found=str(error), fix=fix
            )
            raise Refused(problem) from error
        self._items.setdefault(path.parent, {})[path] = (stamp, item)
        for name in _names(item):
            self._by_id.setdefault(name, set()).add(path)
        return item

    def _forget(self, path: Path) -> None:
        known = self._items.get(path.parent, {}).pop(path, None)
        if known:
            for name in _names(known[1]):
                self._by_id.get(name, set()).discard(path)


def _names(item: Item) -> set[str]:
    named = (item.id, item.name, item.computed.get("arn"), *item.notes.get("aliases", ()))
    return {name for name in named if isinstance(name, str) and name}


def _safe(name: str) -> str:
    plain = _SAFE.sub("_", name)
    return (
        plain
        if plain == name and len(plain) < 120
        else f"{plain[:120]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
