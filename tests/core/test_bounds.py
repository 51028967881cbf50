"""Whatever is parsed ends: each bound has a last text that is read and a first that is not, and hostile text ends in time."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core import bounded_yaml, plain_json, plain_yaml, yaml_lines
from core.problem import Refused

SECONDS = 8.0
"""What any text of the largest size may take, on a slow machine."""


def bomb(levels: int, width: int = 9) -> str:
    lines = [f"a: &l0 [{', '.join(['x'] * width)}]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


HOSTILE = {
    "an alias bomb": bomb(9),
    "a bomb of merges": "a: &a {k: v}\n" + "".join(f"b{n}: &b{n} {{<<: [{'*a, ' * 9}*a]}}\n" for n in range(3)),
    "merges of merges": "l0: &l0 {k: v}\n"
    + "".join(f"l{n}: &l{n}\n  <<: [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9)),
    "a value in itself": "a: &a [*a]",
    "a map in itself": "&a {k: *a}",
    "levels of lists": "[" * 500_000,
    "levels of maps": "{a: " * 100_000,
    "levels of dashes": "- " * 200_000,
    "levels of indents": "".join(f"{' ' * n}a:\n" for n in range(1200)),
    "explicit keys": "? " * 200_000,
    "many values": "- a\n" * 200_000,
    "many keys": "".join(f"k{n}: 1\n" for n in range(90_000)),
    "many documents": "---\n" * 200_000,
    "a long number": "a: " + "9" * 900_000,
    "a number in base 60": "a: " + "1:" * 300_000 + "1",
    "a real in base 60": "a: " + "1:" * 300_000 + "1.5",
    "a huge exponent": "a: 1.0e+3000000",
    "one long text": "a: '" + "x" * 990_000 + "'",
    "one long line of words": "a: " + "x " * 400_000,
    "too long": "#" + "x" * 2_000_000,
    "a long tag": "a: !" + "x" * 500_000 + " b",
    "anchors": "".join(f"- &a{n} x\n" for n in range(60_000)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("read", [plain_yaml.read, yaml_lines.documents])
def test_hostile_yaml_ends_in_time(read: Any, text: str) -> None:
    began = time.process_time()
    try:
        read(text, "x.yaml")
    except Refused as refused:
        assert all(problem.line and problem.file == "x.yaml" for problem in refused.problems)
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize(
    ("last", "first"),
    [
        (f"a: {'[' * 99}{']' * 99}", f"a: {'[' * 100}{']' * 100}"),
        ("a: " + "9" * 100, "a: " + "9" * 101),
        ("- a\n" * (bounded_yaml.MOST_NODES - 1), "- a\n" * bounded_yaml.MOST_NODES),
        ("x" * bounded_yaml.LARGEST, "x" * (bounded_yaml.LARGEST + 1)),
        ("a: &a [1, 2]\nb: *a", "a: &a [1, 2, *a]\nb: 1"),
    ],
    ids=["levels", "digits", "values", "characters", "aliases"],
)
def test_each_bound_of_yaml_has_a_last_text_that_is_read(last: str, first: str) -> None:
    assert yaml_lines.documents(last, "x.yaml")
    with pytest.raises(Refused):
        yaml_lines.documents(first, "x.yaml")


def test_what_aliases_make_is_counted() -> None:
    many = f"a: &a [{', '.join(['x'] * 499)}]\nb: [{', '.join(['*a'] * 98)}]\n"
    assert yaml_lines.documents(many, "x.yaml")
    with pytest.raises(Refused, match="aliases"):
        yaml_lines.documents(many.replace("b: [", "b: [*a, *a, "), "x.yaml")


def test_one_document_is_one() -> None:
    assert yaml_lines.one("a: 1\n", "x.yaml") == {"a": 1} and yaml_lines.one("", "x.yaml") is None
    with pytest.raises(Refused):
        yaml_lines.one("a: 1\n---\nb: 1\n", "x.yaml")


@pytest.mark.parametrize(
    ("last", "first"),
    [
        ("[" * 100 + "]" * 100, "[" * 101 + "]" * 101),
        ("[" * 100 + "]" * 100, "[" * 100_000 + "]" * 100_000),
        ("9" * 100, "9" * 101),
        ("1e308", "1e309"),
        ("1.5", "1e3000000"),
        ("0", "NaN"),
        ("0", "-Infinity"),
        ("{}", "{"),
    ],
)
def test_each_bound_of_json_has_a_last_text_that_is_read(last: str, first: str) -> None:
    plain_json.loads(last)
    plain_json.loads(last.encode())
    for text in (first, first.encode()):
        with pytest.raises(ValueError, match=r"."):
            plain_json.loads(text)


def test_json_has_a_largest_size() -> None:
    assert plain_json.loads("12345", largest=5) == 12345
    with pytest.raises(ValueError, match="longer"):
        plain_json.loads("123456", largest=5)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_ordinary_json_is_read_as_it_is(value: Any) -> None:
    import json

    assert plain_json.loads(json.dumps(value)) == value


@given(values)
def test_ordinary_yaml_is_read_as_it_is(value: Any) -> None:
    text = yaml.safe_dump(value, default_flow_style=True)
    try:
        (read,) = yaml_lines.documents(text, "x.yaml")
    except Refused:
        # A key that YAML reads as another one, such as an empty one beside a null, may stand twice.
        return
    assert read.value == yaml.safe_load(text)


PIECES = (
    *("&a ", "*a ", "[", "]", "{", "}", ", ", ": ", "- ", "? ", "\n", "  ", "<<", "1:1", "9" * 200),
    *("!x ", "|", ">", "'", '"', "%", "k"),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=200).map("".join), st.integers(1, 40))
def test_pieces_of_yaml_in_any_order_end_in_time(text: str, times: int) -> None:
    began = time.process_time()
    for read in (plain_yaml.read, yaml_lines.documents):
        try:
            read(text * times, "x.yaml")
        except Refused as refused:
            assert all(problem.line for problem in refused.problems)
    assert time.process_time() - began < SECONDS
