"""Whatever is read is read by every reader in the same way; everything else is refused at its line and not repeated."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import plain_yaml
from core.problem import Problem, Refused

PIECES = [
    "0",
    "1",
    "2",
    "9",
    "20",
    "_",
    ".",
    ":",
    "-",
    "+",
    "e",
    "E",
    "x",
    "o",
    "b",
    "yes",
    "no",
    "on",
    "true",
    "~",
    "inf",
    "/",
    "T",
    "a",
]
scalars = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join),
    st.from_regex(r"[-+]?[0-9_.:]{1,8}([eE][-+]?[0-9]{1,3})?", fullmatch=True),
    st.integers(-(10**18), 10**18).map(str),
)


def value(text: str) -> Any:
    return plain_yaml.read(f"a: {text}\n", "x.yaml").value["a"]


def refusal(text: str) -> Problem:
    with pytest.raises(Refused) as caught:
        plain_yaml.read(text, "x.yaml")
    return caught.value.problems[0]


def go(text: str) -> Any:
    """How gopkg.in/yaml.v3 resolves a plain scalar into a value of no given type (`resolve.go`), which the engine uses."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if re.fullmatch(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", text):
        return float("nan")
    if not re.match(r"[-+.0-9]", text):
        return text
    if re.fullmatch(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?", text):
        return ("moment", text)
    plain = text.replace("_", "")
    based = re.fullmatch(r"([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)", plain)
    if based:
        digits = based[2] if not re.fullmatch("0[0-7]+", based[2]) else f"0o{based[2][1:]}"
        whole = int(based[1] + digits, 0)
        return whole if abs(whole) < 2**63 else float(whole)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", plain):
        return float(plain)
    return text


ENGINE = {
    "010000": 4096,
    "1:23:20": "1:23:20",
    "yes": "yes",
    "1e3": 1000,
    "-_0": 0,
    "0o17": 15,
    "1_000": 1000,
    ".5": 0.5,
    "1.30": 1.3,
    "08": 8,
    "3.": 3,
    "+5": 5,
    "y": "y",
    "True": True,
    "5000": 5000,
    "0.2": 0.2,
}
"""What `pulumi config --json` of engine 3.259.0 shows for each; tried by hand on 2026-11-30."""


def test_the_model_of_the_engines_reader_says_what_the_engine_said() -> None:
    assert {text: go(text) for text in ENGINE} == ENGINE


@settings(max_examples=600)
@given(scalars)
@example("0200")
@example("1:23:20")
@example("1e3")
@example("0o17")
@example("12345678901234567890")
@example("2026-1-2")
@example("-_0")
@example("._5")
def test_a_value_that_is_read_is_the_same_for_python_and_for_the_engine(text: str) -> None:
    try:
        ours = value(text)
    except Refused:
        return
    theirs = yaml.safe_load(f"a: {text}\n")["a"]
    assert (type(ours), ours) == (type(theirs), theirs)
    assert (type(ours), ours) == (type(go(text)), go(text)) or (isinstance(ours, str) and ours == text == go(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0", 0),
        ("-5", -5),
        ("5000", 5000),
        ("0.2", 0.2),
        ("1.36", 1.36),
        ("999999999999999", 999999999999999),
        ("true", True),
        ("~", None),
        ("sun:04:00-sun:05:00", "sun:04:00-sun:05:00"),
        ("03:00-03:30", "03:00-03:30"),
        ("10.20.0.0/16", "10.20.0.0/16"),
        ("g6.xlarge", "g6.xlarge"),
        ("1.2.3", "1.2.3"),
        ("'yes'", "yes"),
        ('"010000"', "010000"),
        ("y", "y"),
        ("nope", "nope"),
    ],
)
def test_plain_values_and_texts_are_read(text: str, found: object) -> None:
    assert (value(text), type(value(text))) == (found, type(found))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("010000", "octal"),
        ("0200", "octal"),
        ("08", "octal"),
        ("0x1F", "base 2, 8 or 16"),
        ("0o17", "base 2, 8 or 16"),
        ("1:23:20", "base 60"),
        ("1_000", "underscore"),
        ("+5", "sign"),
        ("1e3", "exponent"),
        (".5", "bare dot"),
        ("5.", "bare dot"),
        (".inf", "not a number"),
        ("-.inf", "not a number"),
        (".nan", "not a number"),
        ("yes", "true or false"),
        ("No", "true or false"),
        ("off", "true or false"),
        ("2026-11-30", "a date"),
        ("2026-11-30T10:00:00Z", "a date"),
        ("1000000000000000", "more than 15 digits"),
        ("<<", "meaning of its own"),
        ("!!int 5", "not allowed here: tags"),
        ('"\\ud83d"', "half of a character"),
        ('"\\UFFFFFFFF"', "names no character"),
        ("&x 5\nb: *x", "not allowed here: aliases"),
    ],
)
def test_a_value_that_readers_disagree_about_is_refused_at_its_line(text: str, says: str) -> None:
    problem = refusal(f"first: 1\na: {text}\n")
    assert says in problem.summary
    assert problem.file == "x.yaml"
    assert problem.line >= 1


@pytest.mark.parametrize("key", ["1", "yes", "~", "true", "1.5", "2026-11-30", "0x1", "[a]", "{a: b}"])
def test_a_key_is_a_text(key: str) -> None:
    assert refusal(f"? {key}\n: 1\n").line == 1


@pytest.mark.parametrize(
    "text",
    [
        "a: *hunter2",
        "a: !hunter2 x",
        "a: %hunter2",
        "a: @hunter2",
        "a: `hunter2`",
        "a: 'hunter2",
        "a: hunter2: x",
        "a: [hunter2",
        "a: {hunter2: 1, hunter2 2}}",
        'a: "\\hunter2"',
        "%hunter2 1\n---\na: 1",
        "a: &hunter2",
        "a: 0x0hunter2\n  b",
        "\thunter2: 1",
        "a: |hunter2",
        "hunter2\n--- \nhunter2",
        "a: hunter2\0",
    ],
)
def test_no_refusal_repeats_a_value(text: str) -> None:
    try:
        plain_yaml.read(text, "x.yaml")
    except Refused as refused:
        assert "hunter2" not in str(refused)


def test_a_loose_value_is_not_repeated_for_it_may_be_a_password() -> None:
    assert "0123456789" not in refusal("password: 0123456789").text()


@settings(max_examples=200)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["a: ", "- ", "{", "}", "[", "\n", "  ", "'", '"', "*", "&x", "!", "|", "\\u", "0x", ":", "?"]
            ),
            max_size=20,
        ).map("".join),
    )
)
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    try:
        plain_yaml.read(text, "x.yaml")
    except Refused as refused:
        for problem in refused.problems:
            assert problem.summary
            assert problem.file == "x.yaml"
            assert 1 <= problem.line <= text.count("\n") + 2


def test_forty_levels_are_read_and_forty_one_are_not() -> None:
    deep = plain_yaml.DEEPEST - 1
    plain_yaml.read("[" * deep + "1" + "]" * deep, "x.yaml")
    assert "too deeply" in refusal("[" * (deep + 1) + "1" + "]" * (deep + 1)).summary
    assert "too deeply" in refusal("[" * 1200).summary


def test_every_path_has_its_line_and_a_number_keeps_its_words() -> None:
    read = plain_yaml.read('a:\n  b: 1.30\n  c:\n    - x\n    - { d: "1.30" }\n', "x.yaml")
    assert read.value == {"a": {"b": 1.3, "c": ["x", {"d": "1.30"}]}}
    assert [read.line(where) for where in ("a", "a.b", "a.c[1]", "a.c[1].d", "a.c[1].e", "a.c[7]", "z")] == [
        1,
        2,
        5,
        5,
        5,
        3,
        1,
    ]
    assert read.words == {"a.b": "1.30"}


def test_a_day_is_a_date_only_where_it_is_asked_for() -> None:
    assert plain_yaml.read("a: 2026-11-30\n", "x.yaml", days=True).value == {"a": datetime.date(2026, 11, 30)}
    assert plain_yaml.read('a: "2026-11-30"\n', "x.yaml", days=True).value == {"a": "2026-11-30"}
    for text in ("2026-11-30T10:00:00", "2026-13-45", "2026-1-3"):
        with pytest.raises(Refused):
            plain_yaml.read(f"a: {text}\n", "x.yaml", days=True)
