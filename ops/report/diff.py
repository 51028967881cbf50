"""What differs between two sets of properties, readable: maps by key, lists by name, documents by their parts, texts by line.

Secrets are taken out of each value before it is compared for show, so that no diff can cut one in two.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from core import plain_json, yaml_lines
from engine.marks import UNKNOWNS
from ops.report import redact
from ops.report.model import Property

UNKNOWN = "(known after up)"
LONGEST = 200_000
"""Characters; a longer text is only counted."""
CONTEXT = 2
_NAMES = ("name", "key", "id", "topologyKey", "path")
_DOCUMENT = re.compile(r"\.(?:ya?ml|json)$|(?i:policy|kubeconfig|values|document)$")
_PROSE = re.compile(r"\.(?:md|txt|j2|tmpl|prompt)$", re.IGNORECASE)
_ALIAS = re.compile(r"(?m)(?:^|[\s\[{,:-])[*&][\w-]")
_MISSING = object()


def properties(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, kind: str = "") -> Iterator[Property]:
    """Every property in which two resources differ; `kind` is their type token."""
    yield from _differ("", "", old or {}, new or {}, kind)


def _differ(path: str, key: str, old: Any, new: Any, kind: str) -> Iterator[Property]:
    if _same(old, new):
        return
    before, after = _opened(key, old), _opened(key, new)
    if before is old and after is new:
        yield from _parts(path, key, old, new, kind)
        return
    properties = list(_parts(f"{path} » ", key, before, after, kind))
    yield from properties or [Property(path=path, after="the same document, written otherwise")]


def _parts(path: str, key: str, old: Any, new: Any, kind: str) -> Iterator[Property]:
    if _same(old, new):
        return
    if _either(old, new, Mapping):
        yield from _maps(path, old, new, kind)
    elif _either(old, new, list) and (pairs := _named(old, new)):
        for name, one, two in pairs:
            yield from _differ(f"{path}[{redact.text(name)}]", key, one, two, kind)
    elif _either(old, new, list) and _nested(old, new):
        one, two = (each if isinstance(each, list) else [] for each in (old, new))
        for place in range(max(len(one), len(two))):
            yield from _differ(
                f"{path}[{place}]",
                key,
                one[place] if place < len(one) else _MISSING,
                two[place] if place < len(two) else _MISSING,
                kind,
            )
    else:
        yield _leaf(path.removesuffix(" » "), key, old, new, kind)


def _maps(path: str, old: Any, new: Any, kind: str) -> Iterator[Property]:
    one, two = (each if isinstance(each, Mapping) else {} for each in (old, new))
    if kind.endswith(":Secret") and path in {"data", "stringData"}:
        hidden = {str(key): (redact.HIDDEN if one.get(key) == two.get(key) else key) for key in {*one, *two}}
        for key in sorted(each for each, how in hidden.items() if how != redact.HIDDEN):
            before, after = (redact.HIDDEN if key in each else None for each in (one, two))
            yield Property(path=f"{path}.{redact.text(key)}", before=before, after=after)
        return
    named = next((str(each["name"]) for each in (two, one) if isinstance(each.get("name"), str)), "")
    for key in [*one, *(each for each in two if each not in one)]:
        plain = redact.text(str(key))
        step = plain if re.fullmatch(r"[\w-]+", plain) else f'["{plain}"]'
        where = f"{path}{'' if not path or step.startswith('[') or path.endswith(' ') else '.'}{step}"
        inner = named if key == "value" and named else str(key)
        yield from _differ(where, inner, one.get(key, _MISSING), two.get(key, _MISSING), kind)


def _leaf(path: str, key: str, old: Any, new: Any, kind: str) -> Property:
    one, two = (None if each is _MISSING else _shown(redact.value(_known(each), key, kind)) for each in (old, new))
    if one is not None and two is not None and one == two:
        return Property(path=path, before=redact.HIDDEN, after=f"{redact.HIDDEN}, another one")
    if any(each is not None and "\n" in each.strip() for each in (one, two)):
        return Property(path=path, lines=_lines(one or "", two or ""))
    return Property(path=path, before=one, after=two)


def _lines(old: str, new: str) -> list[str]:
    found = difflib.unified_diff(old.splitlines(), new.splitlines(), n=CONTEXT, lineterm="")
    return [("…" if line.startswith("@@") else line) for line in found if not line.startswith(("---", "+++"))][1:]


def _opened(key: str, value: Any) -> Any:
    """A text that holds a document becomes that document; anything else stays what it is."""
    if not isinstance(value, str) or len(value) > LONGEST or _PROSE.search(key):
        return value
    start = value.lstrip()[:1]
    if start in {"{", "["}:
        try:
            found = plain_json.loads(value)
        except ValueError:
            found = None
        if isinstance(found, (dict, list)):
            return found
    if not _DOCUMENT.search(key) or ":" not in value or _ALIAS.search(value):
        return value
    try:
        found = yaml_lines.load(value)
    except (yaml.YAMLError, ValueError, RecursionError):
        return value
    return found if isinstance(found, (dict, list)) else value


def _either(old: Any, new: Any, kind: type) -> bool:
    return all(each is _MISSING or isinstance(each, kind) for each in (old, new))


def _nested(old: Any, new: Any) -> bool:
    return any(isinstance(item, (Mapping, list)) for each in (old, new) if isinstance(each, list) for item in each)


def _named(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """The items of two lists in pairs by the name that each has; empty when some have none or share one."""
    one, two = (each if isinstance(each, list) else [] for each in (old, new))
    items = [item for item in (*one, *two) if isinstance(item, Mapping)]
    if len(items) != len(one) + len(two):
        return []
    for field in _NAMES:
        pairs = [{str(item.get(field, "")): item for item in each} for each in (one, two)]
        if all("" not in pair for pair in pairs) and [len(pair) for pair in pairs] == [len(one), len(two)]:
            names = [*pairs[0], *(name for name in pairs[1] if name not in pairs[0])]
            return [(name, pairs[0].get(name, _MISSING), pairs[1].get(name, _MISSING)) for name in names]
    return []


def _same(old: Any, new: Any) -> bool:
    # 1 and True are equal in Python and are not the same value.
    return (type(old) is type(new) and old == new) or ({type(old), type(new)} == {int, float} and old == new)


def _known(value: Any) -> Any:
    if isinstance(value, str):
        return UNKNOWN if value in UNKNOWNS else value
    if isinstance(value, list):
        return [_known(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _known(each) for key, each in value.items()}
    return value


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value if len(value) <= LONGEST else f"(a text of {len(value)} characters)"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list) and not any(isinstance(each, (Mapping, list)) for each in value):
        return f"[{', '.join(_shown(each) for each in value)}]"
    return json.dumps(value, default=str, ensure_ascii=False)
