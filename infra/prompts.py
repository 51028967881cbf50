"""Reads what prompts say from the files that a stack file names: texts, chat messages, and schemas of their answers.

A file ends with a newline that is not part of the text. A file lies beside the stack file or, when the stack file is a
copy somewhere else, in the repository. A link is followed as long as it stays there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.registry_content_spec import ModelConfigSpec, PromptSpec
from problem import Problem, Refused

CHAT = ".chat.yaml"
"""How the name of a file of chat messages ends."""
REPOSITORY = Path(__file__).resolve().parent.parent
_MAX_BYTES = 1_000_000


def contents(prompts: Mapping[str, PromptSpec], beside: Path | None = None) -> dict[str, dict[str, Any]]:
    """The content of every prompt as the registry's provider takes it. Raises Refused with every file's problem."""
    folders = [folder for folder in (beside, REPOSITORY) if folder is not None]
    found: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for name, spec in prompts.items():
        try:
            found[name] = _content(f"registry.prompts.{name}", spec, folders)
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(problems)
    return found


def _content(where: str, spec: PromptSpec, folders: Sequence[Path]) -> dict[str, Any]:
    text = _read(f"{where}.file", spec.file, folders)
    content: dict[str, Any] = (
        {"messages": _messages(where, spec.file, text)} if spec.file.endswith(CHAT) else {"text": text}
    )
    if not text.strip():
        raise Refused(Problem(summary="the prompt says nothing", where=f"{where}.file", found=spec.file))
    if spec.parameters is not None:
        content["modelConfig"] = _parameters(where, spec.parameters)
    if spec.response_format_file is not None:
        place = f"{where}.responseFormatFile"
        content["responseFormat"] = _map(place, _read(place, spec.response_format_file, folders))
    return content


def _read(where: str, name: str, folders: Sequence[Path]) -> str:
    for folder in folders:
        path = folder / name
        if not path.is_file():
            continue
        if not _stays(path.resolve(), folders):
            allowed = "a file of the repository, outside folders that start with a dot"
            raise Refused(
                Problem(summary="the link leads out of the repository", where=where, found=name, allowed=allowed)
            )
        data = path.read_bytes()
        if len(data) > _MAX_BYTES:
            raise Refused(Problem(summary="the file is too large", where=where, found=f"{len(data)} bytes"))
        try:
            return data.decode("utf-8").replace("\r\n", "\n").removesuffix("\n")
        except UnicodeDecodeError as error:
            raise Refused(Problem(summary=f"the file is not UTF-8: {error.reason}", where=where, found=name)) from None
    fix = "write it there, or mend the path: it is relative to the stack file"
    raise Refused(Problem(summary="there is no such file", where=where, found=name, fix=fix))


def _stays(target: Path, folders: Sequence[Path]) -> bool:
    """Whether a resolved path could have been written as a file's own: below one of the folders, no step with a dot."""
    below = [target.relative_to(each.resolve()) for each in folders if target.is_relative_to(each.resolve())]
    return any(not any(step.startswith(".") for step in each.parts) for each in below)


def _messages(where: str, name: str, text: str) -> list[dict[str, Any]]:
    try:
        messages = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise Refused(Problem(summary="not valid YAML", where=f"{where}.file", found=f"{name}, line {line}")) from None
    good = isinstance(messages, list) and all(
        isinstance(each, dict) and {"role", "content"} <= set(each) for each in messages
    )
    if not good or not messages:
        allowed = "a list of maps with `role` and `content`"
        raise Refused(Problem(summary="no chat messages", where=f"{where}.file", found=name, allowed=allowed))
    return list(messages)


def _parameters(where: str, spec: ModelConfigSpec) -> dict[str, Any]:
    said = spec.model_dump(mode="python", exclude_none=True, exclude={"extra_json"})
    numbers = {key: float(value) if key in _FRACTIONS else value for key, value in said.items()}
    return {**numbers, **(_map(f"{where}.parameters.extraJson", spec.extra_json) if spec.extra_json else {})}


_FRACTIONS = {"temperature", "top_p", "frequency_penalty", "presence_penalty"}


def _map(where: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Refused(Problem(summary="not valid JSON", where=where, found=str(error))) from None
    if not isinstance(found, dict):
        raise Refused(Problem(summary="not a JSON map", where=where, found=type(found).__name__))
    return found
