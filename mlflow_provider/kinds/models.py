"""Registered models and aliases. Versions of a model are made by training and by nothing here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlflow_provider.api import Rejected, Server
from mlflow_provider.kinds.base import V2, Found, Kind, Props, changed_tags, gone, pairs, public, said, tags_of

IS_PROMPT = "mlflow.prompt.is_prompt"
_MODELS = f"{V2}/registered-models"


class RegisteredModel(Kind):
    """Inputs: name, description, tags. The id is the name."""

    name = "RegisteredModel"
    replaces = frozenset({"name"})

    def create(self, server: Server, inputs: Props, secret: str) -> Found:
        described = {"description": inputs["description"]} if inputs.get("description") else {}
        try:
            server.post(f"{_MODELS}/create", name=inputs["name"], tags=pairs(inputs.get("tags", {})), **described)
            return Found(inputs["name"], inputs)
        except Rejected as error:
            there = self.read(server, inputs["name"]) if error.exists else None
            if there is None:
                raise
        return self.taken_over(inputs, there)

    def read(self, server: Server, id: str) -> Found | None:
        item = entry(server, id)
        return None if item is None or is_prompt(item) else found(item)

    def update(self, server: Server, id: str, olds: Props, news: Props, secret: str) -> Props:
        describe(server, id, olds, news)
        return {}

    def delete(self, server: Server, id: str, inputs: Props) -> None:
        remove(server, id, "model")

    def every(self, server: Server) -> Iterator[Found]:
        for item in server.pages(f"{_MODELS}/search", "registered_models", max_results=1000):
            if not is_prompt(item):
                yield found(item)


class Alias(Kind):
    """Inputs: what it is an alias of, alias, version. The id is `name@alias`."""

    def __init__(self, name: str, of: str) -> None:
        self.name, self.of = name, of  # type: ignore[misc]
        self.replaces = frozenset({of, "alias"})  # type: ignore[misc]

    def create(self, server: Server, inputs: Props, secret: str) -> Found:
        id = f"{inputs[self.of]}@{inputs['alias']}"
        there = self.read(server, id)
        if there is not None:
            return self.taken_over(inputs, there)
        self.update(server, id, {}, inputs, secret)
        return Found(id, inputs)

    def read(self, server: Server, id: str) -> Found | None:
        name, _, alias = id.rpartition("@")
        item = entry(server, name)
        versions = [each["version"] for each in (item or {}).get("aliases", []) if each["alias"] == alias]
        return Found(id, {self.of: name, "alias": alias, "version": int(versions[0])}) if versions else None

    def update(self, server: Server, id: str, olds: Props, news: Props, secret: str) -> Props:
        name, version = news[self.of], str(news["version"])
        try:
            server.post(f"{_MODELS}/alias", name=name, alias=news["alias"], version=version)
        except Rejected as error:
            if not error.missing:
                raise
            made = "each change of its text makes one" if self.of == "prompt" else "training makes them, not this"
            raise Rejected(error.code, f"{self.of} {name} has no version {version}: {made}", error.status) from None
        return {}

    def delete(self, server: Server, id: str, inputs: Props) -> None:
        name, _, alias = id.rpartition("@")
        try:
            server.delete(f"{_MODELS}/alias", name=name, alias=alias)
        except Rejected as error:
            gone(error)

    def every(self, server: Server) -> Iterator[Found]:
        for item in entries(server, prompts=self.of == "prompt"):
            for alias in item.get("aliases", []):
                inputs = {self.of: item["name"], "alias": alias["alias"], "version": int(alias["version"])}
                yield Found(f"{item['name']}@{alias['alias']}", inputs)


def entry(server: Server, name: str) -> Mapping[str, Any] | None:
    """A registered model or a prompt as MLflow keeps both, with its newest version and its aliases; None when it is gone."""
    try:
        item: Mapping[str, Any] = server.get(f"{_MODELS}/get", name=name)["registered_model"]
        return item
    except Rejected as error:
        gone(error)
        return None


def entries(server: Server, *, prompts: bool) -> Iterator[Mapping[str, Any]]:
    """All prompts, or all models that are none."""
    only = {"filter": f"tags.`{IS_PROMPT}` = 'true'"} if prompts else {}
    yield from server.pages(f"{_MODELS}/search", "registered_models", max_results=1000, **only)


def is_prompt(item: Mapping[str, Any]) -> bool:
    """Whether an entry of the registry is a prompt."""
    return tags_of(item).get(IS_PROMPT) == "true"


def found(item: Mapping[str, Any]) -> Found:
    """A model's inputs as a stack file would declare them."""
    inputs = {"name": item["name"], "description": item.get("description", ""), "tags": public(tags_of(item))}
    return Found(item["name"], said(inputs))


def describe(server: Server, name: str, olds: Props, news: Props) -> None:
    """Brings description and tags from `olds` to `news`."""
    if olds.get("description") != news.get("description"):
        server.patch(f"{_MODELS}/update", name=name, description=news.get("description", ""))
    setting, taking = changed_tags(olds, news)
    for key, value in setting.items():
        server.post(f"{_MODELS}/set-tag", name=name, key=key, value=value)
    for key in taking:
        server.delete(f"{_MODELS}/delete-tag", name=name, key=key)


def remove(server: Server, name: str, what: str) -> None:
    """Deletes a model or prompt with all its versions. Raises Rejected while an alias says that somebody uses one."""
    item = entry(server, name)
    if item is None:
        return
    if used := [f"{alias['alias']} (version {alias['version']})" for alias in item.get("aliases", [])]:
        message = f"{what} {name} is in use: {', '.join(used)} point to it; take them away first"
        raise Rejected("", message, 409)
    try:
        server.delete(f"{_MODELS}/delete", name=name)
    except Rejected as error:
        gone(error)
