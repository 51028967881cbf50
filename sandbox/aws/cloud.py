"""The simulated AWS: checks what is asked against the SDK's types and the table's rules, and keeps it in the store."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import yaml_lines
from core.versions import KUBERNETES
from engine.marks import UNKNOWN
from engine.paths import at, differences, steps
from engine.values import has_unknown
from sandbox.aws.invokes import Invokes
from sandbox.aws.outputs import Maker, outputs
from sandbox.aws.rules.accounts import Account
from sandbox.aws.rules.rules import Rules
from sandbox.aws.schema import INTERNAL, Schemas, Shape
from sandbox.aws.table import row
from sandbox.aws.view import PACKAGE
from sandbox.items import CREATOR, Item, ItemStore
from sandbox.provider import Change, Checked, CloudError

_UNORDERED = re.compile(r"subnets|\w+Ids|\w+Cidrs|\w*[cC]idrBlocks|\w*[gG]roups|\w+LogTypes|\w+LogsExports")
"""Properties whose lists AWS keeps as sets, so that an order means nothing."""


class AwsCloud:
    """AWS in one region of the account 000000000000, as far as the tables and the rules know it.

    `account` is how that account stands in AWS Organizations: by default as most do, a member that another one pays for.
    """

    package = PACKAGE
    label = f"SIMULATED {PACKAGE}"

    def __init__(self, store: ItemStore, cache: Path, region: str = "", account: Account = Account.MEMBER) -> None:
        self.store = store
        self.schemas = Schemas(cache)
        self.version = self.schemas.version
        self.region = region
        self.tags: dict[str, str] = {}
        self.rules = Rules(store, account)
        self.invokes = Invokes(store)

    def configure(self, variables: dict[str, Any]) -> None:
        """Take region and default tags."""
        settings = {key.removeprefix("aws:config:"): value for key, value in variables.items()}
        self.region = settings.get("region") or self.region
        tags = settings.get("defaultTags") or {}
        self.tags = dict((json.loads(tags) if isinstance(tags, str) else tags).get("tags") or {})
        if not self.region:
            raise CloudError("MissingRegion", "Missing region configuration: set aws:region")
        if not self.store.all(PACKAGE):
            text = Path(__file__).with_name("given.yaml").read_text(encoding="utf-8")
            self.give(yaml_lines.load(text.replace("{region}", self.region).replace("{kubernetes}", KUBERNETES)))

    def check(self, token: str, name: str, olds: dict[str, Any], news: dict[str, Any]) -> Checked:
        """Refuse what the SDK's types or the service do not accept; fill in a generated name and the default tags."""
        shape = self._shape(token)
        inputs = {key: _document(shape, key, value) for key, value in news.items()}
        wrong = shape.faults(news)
        if self.tags and "tags" in shape.inputs and inputs.get("tags") != UNKNOWN:
            inputs["tags"] = {**self.tags, **(inputs.get("tags") or {})}
        self._autoname(token, name, shape, olds, inputs)
        return Checked(inputs, (*wrong, *self.rules.check(token, inputs)))

    def diff(self, token: str, olds: dict[str, Any], news: dict[str, Any]) -> Change:
        """Every property that differs (JSON documents by meaning); what the table calls immutable replaces."""
        immutable = (*row(token).replaces, *(path for path in row(token).once if at(olds, path) is not None))
        both = (_unordered("", _bare(values)) for values in (olds, news))
        changed = [path for path in differences(*both) if not _same_document(path, olds, news)]
        replaces = tuple(path for path in changed if _within(path, immutable))
        named = row(token).autoname
        kept = bool(named and news.get(named) and olds.get(named) == news.get(named))
        before = bool(replaces) and kept and named not in (news.get(INTERNAL) or ())
        return Change(tuple(changed), replaces, before)

    def create(self, token: str, name: str, inputs: dict[str, Any], *, preview: bool) -> tuple[str, dict[str, Any]]:
        """Make the object, when everything it needs exists and nothing like it does."""
        bare = _bare(inputs)
        urn = CREATOR.get()
        with self.store.lock:
            maker = self._maker(token, bare, f"{urn or name} {self.store.births(urn)}")
            self.rules.create(token, bare, maker, preview=preview)
            if preview:
                return "", maker.preview()
            item = self._put(maker, maker.id(), bare)
        return item.id, item.state

    def give(self, entries: list[dict[str, Any]]) -> None:
        """Put `{type, id, inputs}` into the store as somebody else's: nobody's URN, no rules asked."""
        with self.store.lock:
            for entry in entries:
                if self.store.get(PACKAGE, entry["type"], entry["id"]) is None:
                    self._put(self._maker(entry["type"], entry["inputs"], entry["id"]), entry["id"], entry["inputs"])

    def read(
        self, token: str, id: str, inputs: dict[str, Any], state: dict[str, Any]
    ) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
        """What the store holds now; what is only scheduled for deletion is gone."""
        item = self.store.get(PACKAGE, token, id)
        if item is None or item.pending:
            return None
        now = self.store.known(item.inputs, inputs or state)
        marks = {INTERNAL: inputs[INTERNAL]} if INTERNAL in inputs else {}
        return item.id, outputs(self.store.known(item.computed, state), {}, now), {**now, **marks}

    def update(
        self,
        token: str,
        id: str,
        olds: dict[str, Any],  # noqa: ARG002 (the store knows better)
        news: dict[str, Any],
        *,
        preview: bool,
    ) -> dict[str, Any]:
        """Change the object in place."""
        bare = _bare(news)
        with self.store.lock:
            item = self.store.get(PACKAGE, token, id)
            if item is None:
                raise CloudError("ResourceNotFoundException", f"{id} does not exist")
            version = int(item.notes.get("version", 1)) + 1
            maker = self._maker(token, bare, str(item.notes.get("seed", id)), version)
            self.rules.update(item, bare, maker, preview=preview)
            computed = outputs(maker.computed(id), maker.defaults(id), {})
            if preview:
                return outputs({**computed, **dict.fromkeys(row(token).volatile, UNKNOWN)}, {}, bare)
            notes = {**item.notes, "version": version, "aliases": _aliases(computed)}
            changed = Item(
                package=PACKAGE,
                type=token,
                id=id,
                name=item.name,
                urn=item.urn,
                inputs=bare,
                computed=computed,
                notes=notes,
            )
            self.store.put(changed)
        return changed.state

    def delete(self, token: str, id: str, state: dict[str, Any]) -> None:  # noqa: ARG002
        """Remove the object, and what goes with it, when nothing that must go first is still there."""
        with self.store.lock:
            item = self.store.get(PACKAGE, token, id)
            if item is not None:
                self.rules.delete(item)

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer a data source from the store."""
        return self.invokes.answer(token, args)

    def _shape(self, token: str) -> Shape:
        shape = self.schemas.shape(token)
        if shape is None:
            raise CloudError("UnknownResourceType", f"pulumi_aws {self.version} has no resource type {token}")
        return shape

    def _put(self, maker: Maker, id: str, bare: dict[str, Any]) -> Item:
        computed = outputs(maker.computed(id), maker.defaults(id), {})
        named = bare.get(row(maker.token).autoname or "name") or bare.get("name") or ""
        notes = {"seed": maker.seed, "version": 1, "aliases": _aliases(computed)}
        item = Item(
            package=PACKAGE, type=maker.token, id=id, name=str(named), inputs=bare, computed=computed, notes=notes
        )
        self.store.put(item)
        return item

    def _maker(self, token: str, inputs: Mapping[str, Any], seed: str, version: int = 1) -> Maker:
        region = inputs.get("region") or self.region
        return Maker(
            token=token,
            seed=seed,
            region=region,
            shape=self._shape(token),
            inputs=inputs,
            lookup=self.rules.view.property_of,
            version=version,
        )

    def _autoname(self, token: str, name: str, shape: Shape, olds: dict[str, Any], inputs: dict[str, Any]) -> None:
        chosen = row(token)
        key = chosen.autoname
        member = shape.inputs.get(key or "")
        if key is None or member is None or member.required or member.type != "str" or inputs.get(key) is not None:
            return
        if key in (olds.get(INTERNAL) or ()) and olds.get(f"{key}Prefix") == inputs.get(f"{key}Prefix"):
            inputs[key] = olds[key]
        else:
            urn = CREATOR.get()
            suffix = hashlib.sha256(f"{urn or name} {self.store.births(urn)} name".encode()).hexdigest()[:7]
            prefix = inputs.get(f"{key}Prefix") or inputs.get(f"{key.removesuffix('Name')}Prefix") or f"{name}-"
            if prefix == UNKNOWN:
                inputs[key] = UNKNOWN
                return
            made = chosen.autoname_prefix + prefix + suffix + (".fifo" if inputs.get("fifoQueue") else "")
            inputs[key] = made.lower() if key == "bucket" else made
        inputs[INTERNAL] = [key]


def _bare(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in inputs.items() if key != INTERNAL and value is not None}


def _unordered(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _unordered(name, part) for name, part in value.items()}
    if isinstance(value, list):
        is_set = _UNORDERED.fullmatch(key) and all(isinstance(part, str) for part in value)
        return frozenset(value) if is_set else [_unordered("", part) for part in value]
    return value


def _document(shape: Shape, key: str, value: Any) -> Any:
    if isinstance(value, Mapping) and key in shape.inputs and shape.inputs[key].type[0] == "union":
        return UNKNOWN if has_unknown(value) else json.dumps(value, sort_keys=True, separators=(",", ":"))
    return value


def _within(path: str, parents: tuple[str, ...]) -> bool:
    mine = steps(path)
    return any(mine[: len(theirs)] == theirs for theirs in map(steps, parents))


def _same_document(path: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    old, new = olds.get(path), news.get(path)
    if not isinstance(old, str) or not isinstance(new, str) or old[:1] not in ("{", "[") or new[:1] not in ("{", "["):
        return False
    try:
        return bool(json.loads(old) == json.loads(new))
    except ValueError:
        return False


def _aliases(computed: Any) -> list[str]:
    if isinstance(computed, Mapping):
        return [name for part in computed.values() for name in _aliases(part)]
    if isinstance(computed, list):
        return [name for part in computed for name in _aliases(part)]
    return (
        [computed] if isinstance(computed, str) and computed.startswith(("sg-", "rtb-", "acl-", "eni-", "arn:")) else []
    )
