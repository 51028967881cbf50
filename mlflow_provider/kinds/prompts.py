"""Prompts: each change of the text, the messages or the model's parameters is a new version; the same again is none.

MLflow keeps a prompt as a registered model with marks on it (mlflow 3.17, `mlflow/prompt/constants.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from core import plain_json
from mlflow_provider.api import Rejected, Server
from mlflow_provider.kinds.base import V2, Found, Kind, Props, own, pairs, said, tags_of, whole
from mlflow_provider.kinds.models import IS_PROMPT, describe, entries, entry, found, is_prompt, remove

CONTENT = ("text", "messages", "modelConfig", "responseFormat")
"""The inputs of which each change is a new version."""

LONGEST_TEXT = 100_000
"""Characters of a prompt that MLflow keeps (MAX_MODEL_REGISTRY_TAG_VALUE_LENGTH)."""

_TEXT, _TYPE = "mlflow.prompt.text", "_mlflow_prompt_type"
_CONFIG, _FORMAT = "_mlflow_prompt_model_config", "_mlflow_prompt_response_format"


class Prompt(Kind):
    """Inputs: name, description, tags, and text or messages with modelConfig and responseFormat. Adds `version`."""

    name = "Prompt"
    replaces = frozenset({"name"})
    numbers = frozenset({"version"})

    def faults(self, inputs: Props) -> Iterator[tuple[str, str]]:
        if ("text" in inputs) == ("messages" in inputs):
            yield "text", "a prompt has either a text or messages"
        elif len(_written(inputs)) > LONGEST_TEXT:
            yield "text", f"MLflow keeps at most {LONGEST_TEXT} characters"

    def create(self, server: Server, inputs: Props, secret: str) -> Found:
        name = inputs["name"]
        described = {"description": inputs["description"]} if inputs.get("description") else {}
        tags = pairs({**inputs.get("tags", {}), IS_PROMPT: "true"})
        try:
            server.post(f"{V2}/registered-models/create", name=name, tags=tags, **described)
        except Rejected as error:
            item = entry(server, name) if error.exists else None
            if item is None or not is_prompt(item):
                raise
            self.taken_over(_outside(inputs), Found(name, own(_outside(_found(item).inputs), inputs)))
            return Found(name, inputs, {"version": _settled(server, item, inputs)})
        return Found(name, inputs, {"version": _add(server, inputs)})

    def read(self, server: Server, id: str) -> Found | None:
        item = entry(server, id)
        return None if item is None or not is_prompt(item) else _found(item)

    def update(self, server: Server, id: str, olds: Props, news: Props, secret: str) -> Props:
        describe(server, id, olds, news)
        item = entry(server, id)
        if item is None:
            raise Rejected("", f"prompt {id} is gone: `modelyard refresh` sees that, and `up` makes it again", 404)
        return {"version": _settled(server, item, news)}

    def delete(self, server: Server, id: str, inputs: Props) -> None:
        remove(server, id, "prompt")

    def every(self, server: Server) -> Iterator[Found]:
        for item in entries(server, prompts=True):
            yield _found(item)


def _outside(inputs: Props) -> Props:
    return {key: value for key, value in inputs.items() if key not in CONTENT}


def _settled(server: Server, item: Mapping[str, Any], inputs: Props) -> int:
    """The number of the newest version, which is as declared or is made now."""
    newest = _newest(item)
    if newest is not None and _content(newest) == {key: inputs[key] for key in CONTENT if key in inputs}:
        return int(newest["version"])
    return _add(server, inputs)


def _add(server: Server, inputs: Props) -> int:
    marks = {IS_PROMPT: "true", _TEXT: _written(inputs), _TYPE: "text" if "text" in inputs else "chat"}
    for key, mark in (("modelConfig", _CONFIG), ("responseFormat", _FORMAT)):
        if key in inputs:
            marks[mark] = json.dumps(inputs[key])
    path = f"{V2}/model-versions/create"
    # MLflow asks for a source that it does not use; its server takes two words for a prompt's, and this is one.
    made = server.post(path, name=inputs["name"], source="prompt-template", tags=pairs(marks))
    return int(made["model_version"]["version"])


def _written(inputs: Props) -> str:
    return str(inputs["text"]) if "text" in inputs else json.dumps(inputs["messages"])


def _newest(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    versions = item.get("latest_versions", [])
    return max(versions, key=lambda version: int(version["version"])) if versions else None


def _content(version: Mapping[str, Any]) -> Props:
    marks = tags_of(version)
    text = marks.get(_TEXT, "")
    content: Props = {"messages": plain_json.loads(text)} if marks.get(_TYPE) == "chat" else {"text": text}
    for key, mark in (("modelConfig", _CONFIG), ("responseFormat", _FORMAT)):
        if mark in marks:
            content[key] = plain_json.loads(marks[mark])
    return {key: whole(value) for key, value in said(content).items()}


def _found(item: Mapping[str, Any]) -> Found:
    newest = _newest(item)
    around = found(item)
    if newest is None:
        return Found(item["name"], around.inputs)
    return Found(item["name"], {**around.inputs, **_content(newest)}, {"version": int(newest["version"])})
