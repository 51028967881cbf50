"""Any file of a prompt gives either a prompt that the engine and MLflow take, or problems that say file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mlflow.types.chat import ChatMessage

from components.registry.content.spec import PromptSpec
from core.problem import Problem, Refused
from infra.stack.prompts import LONGEST_TEXT, contents

CHAT = "- role: system\n  content: Answer in one word.\n- role: user\n  content: '{{ticket}}'\n"


def read(folder: Path, data: bytes | str, name: str = "p.chat.yaml", schema: bytes | None = None) -> dict[str, Any]:
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    spec: dict[str, Any] = {"file": name}
    if schema is not None:
        (folder / "s.json").write_bytes(schema)
        spec["responseFormatFile"] = "s.json"
    return contents({"p": PromptSpec.model_validate(spec)}, folder)["p"]


def refusal(folder: Path, data: bytes | str, name: str = "p.chat.yaml", schema: bytes | None = None) -> Problem:
    with pytest.raises(Refused) as caught:
        read(folder, data, name, schema)
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("Answer in one word.", "no", 2, "true or false"),
        ("Answer in one word.", "42", 2, "says something"),
        ("Answer in one word.", "2026-11-30", 2, "a date"),
        ("Answer in one word.", "true", 2, "says something"),
        ("Answer in one word.", "", 2, "says something"),
        ("Answer in one word.", "~", 2, "says something"),
        ("Answer in one word.", "' '", 2, "says something"),
        ("Answer in one word.", "[a]", 2, "says something"),
        ("Answer in one word.", "{a: b}", 2, "says something"),
        ("Answer in one word.", "[{type: text, text: ~}]", 2, "nothing stands here"),
        ("Answer in one word.", "*hunter2", 2, "undefined alias"),
        ("Answer in one word.", "!!python/object:os.system x", 2, "tags"),
        ("Answer in one word.", "[" * 60 + "]" * 60, 2, "too deeply"),
        ("role: user", "role: 1", 3, "who speaks"),
        ("role: user", "rôle: user", 3, "who speaks"),
        ("- role: user\n  content: '{{ticket}}'", "- just text", 3, "a message is a map"),
        (CHAT, "role: system\ncontent: x", 1, "no chat messages"),
        (CHAT, "[]", 1, "no chat messages"),
        (CHAT, " \n ", 1, "is empty"),
        ("Answer in one word.", "x" * LONGEST_TEXT, 1, "longer than MLflow keeps"),
    ],
)
def test_a_chat_prompt_that_says_nothing_readable_is_refused_at_its_line(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in CHAT
    problem = refusal(tmp_path, CHAT.replace(old, new))
    assert (problem.where, problem.file, problem.line) == ("registry.prompts.p.file", "p.chat.yaml", line)
    assert says in problem.summary
    assert "hunter2" not in problem.text()


def test_texts_and_typed_parts_are_chat_messages(tmp_path: Path) -> None:
    assert read(tmp_path, CHAT)["messages"][1] == {"role": "user", "content": "{{ticket}}"}
    parts = "- role: user\n  content: [{ type: text, text: 'yes' }]\n"
    assert read(tmp_path, parts)["messages"] == [{"role": "user", "content": [{"type": "text", "text": "yes"}]}]
    assert read(tmp_path, "- { role: user, content: '42' }")["messages"] == [{"role": "user", "content": "42"}]


def test_the_mark_of_an_encoding_is_no_part_of_a_prompt(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfAnswer.\r\nBriefly.\r\n", "p.md")["text"] == "Answer.\nBriefly."
    assert read(tmp_path, b"\xef\xbb\xbf" + CHAT.encode())["messages"][0]["role"] == "system"


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b"one\ntwo \xff", 2, "UTF-8"),
        (b"one\ntwo\nth\0ree", 3, "no database keeps"),
        (b"\n", 1, "is empty"),
        (b"", 1, "is empty"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused_at_its_line(tmp_path: Path, data: bytes, line: int, says: str) -> None:
    problem = refusal(tmp_path, data, "p.md")
    assert (problem.file, problem.line) == ("p.md", line)
    assert says in problem.summary


def test_the_longest_text_is_kept_and_one_more_character_is_not(tmp_path: Path) -> None:
    assert len(read(tmp_path, "x" * LONGEST_TEXT, "p.md")["text"]) == LONGEST_TEXT
    assert "longer" in refusal(tmp_path, "x" * (LONGEST_TEXT + 1), "p.md").summary


@pytest.mark.parametrize(
    ("schema", "line", "says"),
    [
        (b'{"a": 1,\n "b": }', 2, "not valid JSON"),
        (b'{"a": NaN}', 1, "NaN"),
        (b'{"a": "\\ud800"}', 1, "not valid JSON"),
        (b'{"a": 12345678901234567890}', 1, "15 digits"),
        (b"[" * 30_000, 1, "not valid JSON"),
        (b"[1]", 1, "not a JSON map"),
        (b"", 1, "not valid JSON"),
    ],
)
def test_a_schema_that_the_engine_cannot_be_given_is_refused_at_its_line(
    tmp_path: Path, schema: bytes, line: int, says: str
) -> None:
    problem = refusal(tmp_path, "Answer.", "p.md", schema)
    assert (problem.where, problem.file, problem.line) == ("registry.prompts.p.responseFormatFile", "s.json", line)
    assert says in problem.summary


PIECES = [
    "- ",
    "role",
    "content",
    ": ",
    "\n",
    "  ",
    "user",
    "no",
    "42",
    "~",
    "[",
    "]",
    "{",
    "}",
    "type: text",
    "'",
    '"',
    "\\",
    "*a",
    "2026-11-30",
    "\0",
    "\ufeff",
    "é",
]
files = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(str.encode),
    st.lists(st.sampled_from(PIECES), max_size=25).map(lambda parts: "".join(parts).encode()),
    st.builds(lambda old, new: CHAT.replace(old, new, 1).encode(), st.sampled_from(CHAT.split()), st.text(max_size=8)),
)


@pytest.mark.parametrize("name", ["p.chat.yaml", "p.md"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=files)
@example(data=b"- {role: user, content: [{type: text, text: 1}]}")
def test_any_bytes_are_a_prompt_or_problems_with_file_and_line(tmp_path: Path, name: str, data: bytes) -> None:
    try:
        found = read(tmp_path, data, name)
    except Refused as refused:
        for problem in refused.problems:
            assert (problem.file, problem.where) == (name, "registry.prompts.p.file")
            assert problem.line >= 1
        return
    struct = struct_pb2.Struct()
    struct.update(json.loads(json.dumps(found)))
    struct.SerializeToString()
    for message in found.get("messages", []):
        if isinstance(message["content"], str):
            ChatMessage.model_validate(message)
