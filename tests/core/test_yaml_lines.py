"""Any YAML with its lines: several documents, keys that stand twice, and aliases that stand for a tree without end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.problem import Refused
from core.yaml_lines import documents, load

ROOT = Path(__file__).parents[2]
TABLES = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "policies/*.yaml", "pricing/*.yaml", "sandbox/aws/*.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
]


def test_every_document_has_its_value_and_its_lines() -> None:
    one, two = documents("a: 0644\n---\nitems:\n  - b: yes\n  - c\n", "x.yaml")
    assert (one.value, two.value) == ({"a": 0o644}, {"items": [{"b": True}, "c"]})
    assert [two.line(where) for where in ("items", "items[0].b", "items[1]", "items[1].none")] == [3, 4, 5, 5]


@pytest.mark.parametrize(
    ("text", "where", "line"),
    [("a: 1\na: 2\n", "", 2), ("b:\n  - a: 1\n    a: 1\n", "b[0]", 3), ("x: 1\n---\nc: {a: 1, a: 2}\n", "c", 3)],
)
def test_a_key_that_stands_twice_is_refused_at_its_line(text: str, where: str, line: int) -> None:
    with pytest.raises(Refused) as told:
        documents(text, "x.yaml")
    (problem,) = told.value.problems
    assert (problem.where, problem.file, problem.line) == (where, "x.yaml", line)


def test_a_text_and_a_number_are_two_keys() -> None:
    assert documents('1: a\n"1": b\n', "x.yaml")[0].value == {1: "a", "1": "b"}


def test_aliases_that_stand_for_a_tree_without_end_are_refused() -> None:
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    with pytest.raises(Refused) as told:
        documents(laughs, "x.yaml")
    assert [(problem.line, "aliases" in problem.summary) for problem in told.value.problems] == [(15, True)]


def test_an_alias_that_stands_for_little_is_read() -> None:
    (read,) = documents("a: &a {x: 1}\nb: *a\nc: *a\n", "x.yaml")
    assert read.value == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1}} and read.line("c") == 3


@pytest.mark.parametrize(
    "text", ["a: [hunter2", "a: *hunter2", "a: !hunter2 x", "[" * 2000, "a: 2026-13-45", "a: \x00"]
)
def test_what_cannot_be_read_is_refused_with_a_line_and_not_repeated(text: str) -> None:
    with pytest.raises(Refused) as told:
        documents(text, "x.yaml")
    (problem,) = told.value.problems
    assert problem.line == 1 and "hunter2" not in problem.text()


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        documents(text, "x.yaml")
    except Refused as refused:
        assert all(problem.line for problem in refused.problems)


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.name)
def test_the_tables_of_the_code_say_nothing_twice_and_are_the_same_for_the_fast_reader(table: Path) -> None:
    text = table.read_text(encoding="utf-8")
    (read,) = documents(text, table.name)
    assert read.value == load(text)
