"""Reads what prompts say from the files that a stack file names: texts, chat messages, and schemas of their answers.

A file ends with a newline that is not part of the text. A file lies beside the stack file or, when the stack file is a
copy somewhere else, in the repository. A link is followed as long as it stays there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.registry.content.spec import ModelConfigSpec, PromptSpec
from core import plain_json, plain_yaml
from core.clear_text import refuse_secrets
from core.problem import Problem, Refused

CHAT = ".chat.yaml"
"""How the name of a file of chat messages ends."""
REPOSITORY = Path(__file__).resolve().parents[2]
_MAX_BYTES = 1_000_000
LONGEST_TEXT = 100_000
"""Characters of a prompt that MLflow keeps (mlflow 3.17, MAX_MODEL_REGISTRY_TAG_VALUE_LENGTH)."""


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
    place = f"{where}.file"
    text = _read(place, spec.file, folders)
    if not text.strip():
        raise Refused(Problem(summary="the prompt is empty", where=place, file=spec.file, line=1))
    content: dict[str, Any] = (
        {"messages": _messages(place, spec.file, text)} if spec.file.endswith(CHAT) else {"text": text}
    )
    kept = text if "text" in content else json.dumps(content["messages"])
    if len(kept) > LONGEST_TEXT:
        raise Refused(
            Problem(
                summary="the prompt is longer than MLflow keeps",
                where=place,
                found=f"{len(kept)} characters",
                allowed=f"at most {LONGEST_TEXT}",
                file=spec.file,
                line=1,
            )
        )
    refuse_secrets(text, spec.file, place)
    if spec.parameters is not None:
        content["modelConfig"] = _parameters(where, spec.parameters)
    if spec.response_format_file is not None:
        place = f"{where}.responseFormatFile"
        schema = _read(place, spec.response_format_file, folders)
        refuse_secrets(schema, spec.response_format_file, place)
        content["responseFormat"] = _map(place, schema, spec.response_format_file)
    return content


def _read(where: str, name: str, folders: Sequence[Path]) -> str:
    """A file's text without the mark of its encoding, its lines ending in one character. Raises Refused."""
    for folder in folders:
        path = folder / name
        if not path.is_file():
            continue
        if not _stays(path.resolve(), folders):
            allowed = "a file of the repository, outside folders that start with a dot"
            raise Refused(
                Problem(summary="the link leads out of the repository", where=where, found=name, allowed=allowed)
            )
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Refused(
                Problem(summary=f"the file cannot be read: {error.strerror}", where=where, found=name)
            ) from None
        if len(data) > _MAX_BYTES:
            raise Refused(Problem(summary="the file is too large", where=where, found=f"{len(data)} bytes"))
        return _decoded(where, name, data)
    fix = "write it there, or mend the path: it is relative to the stack file"
    raise Refused(Problem(summary="there is no such file", where=where, found=name, fix=fix))


def _decoded(where: str, name: str, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Refused(
            Problem(summary="the file is not UTF-8 text", where=where, fix="save it as UTF-8", file=name, line=line)
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise Refused(
            Problem(summary="the file has a character that no database keeps", where=where, file=name, line=line)
        )
    return text.replace("\r\n", "\n").removesuffix("\n")


def _stays(target: Path, folders: Sequence[Path]) -> bool:
    """Whether a resolved path could have been written as a file's own: below one of the folders, no step with a dot."""
    below = [target.relative_to(folder.resolve()) for folder in folders if target.is_relative_to(folder.resolve())]
    return any(not any(step.startswith(".") for step in path.parts) for path in below)


def _messages(where: str, name: str, text: str) -> list[dict[str, Any]]:
    """The messages of a chat prompt: each a map of a role and a content, which is a text or a list of typed parts."""
    try:
        read = plain_yaml.read(text, name)
    except Refused as refused:
        raise Refused([replace(problem, where=where) for problem in refused.problems]) from None
    if not isinstance(read.value, list) or not read.value:
        allowed = "a list of maps with `role` and `content`"
        raise Refused(Problem(summary="no chat messages", where=where, allowed=allowed, file=name, line=read.line("")))
    wrong = [
        Problem(summary=summary, where=where, allowed=allowed, file=name, line=read.line(place))
        for number, each in enumerate(read.value)
        for place, summary, allowed in _faults(f"[{number}]", each)
    ]
    if wrong:
        raise Refused(wrong)
    return list(read.value)


def _faults(place: str, message: Any) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a message: where, what, and what may stand there."""
    if not isinstance(message, dict):
        yield place, "a message is a map", "role and content"
        return
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or not role.strip():
        yield f"{place}.role", "a message says who speaks", "a role, for example system, user or assistant"
    parts = isinstance(content, list) and content and all(isinstance(each, dict) and "type" in each for each in content)
    if not parts and not (isinstance(content, str) and content.strip()):
        yield f"{place}.content", "a message says something", "a text; a number is written in quotes"
    rest = {key: value for key, value in message.items() if key not in ("role", "content") or value is not None}
    for inside in _nothing(rest, place):
        yield inside, "nothing stands here", "a value, or no key at all"


def _nothing(value: Any, place: str) -> Iterator[str]:
    """Where nothing stands: the engine leaves it out, and the registry would hold another prompt than the file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _nothing(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _nothing(inner, f"{place}[{number}]")
    elif value is None:
        yield place


def _parameters(where: str, spec: ModelConfigSpec) -> dict[str, Any]:
    said = spec.model_dump(mode="python", exclude_none=True, exclude={"extra_json"})
    numbers = {key: float(value) if key in _FRACTIONS else value for key, value in said.items()}
    return {**numbers, **(_map(f"{where}.parameters.extraJson", spec.extra_json) if spec.extra_json else {})}


_FRACTIONS = {"temperature", "top_p", "frequency_penalty", "presence_penalty"}


def _map(where: str, text: str, file: str = "") -> dict[str, Any]:
    """A JSON map; `file` is where it was read, if not in the stack file. Raises Refused."""
    try:
        found = plain_json.loads(text)
        json.dumps(found).encode("ascii")
        _whole(found, 0)
    except json.JSONDecodeError as error:
        raise Refused(
            Problem(summary=f"not valid JSON: {error.msg}", where=where, file=file, line=error.lineno if file else 0)
        ) from None
    except ValueError as error:
        raise Refused(
            Problem(summary=f"not valid JSON: {error}", where=where, file=file, line=1 if file else 0)
        ) from None
    if not isinstance(found, dict):
        raise Refused(
            Problem(summary="not a JSON map", where=where, found=type(found).__name__, file=file, line=1 if file else 0)
        )
    return found


def _whole(value: Any, depth: int) -> None:
    """Raises ValueError for what the engine cannot be given: half a character, a number that a float loses, too many levels."""
    if depth > plain_yaml.DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, int) and abs(value) >= 10**plain_yaml.DIGITS:
        raise ValueError(f"a number has more than {plain_yaml.DIGITS} digits")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _whole(key, depth)
            _whole(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _whole(inner, depth + 1)
