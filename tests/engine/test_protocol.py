"""The codec of the engine's values, the paths in them, and what a pack's process reads before it answers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.marks import OUTPUT, SIGNATURE, UNKNOWN, UNKNOWNS
from engine.paths import differences, steps
from engine.values import decode, encode, has_unknown, marked

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _shown(value: Any) -> Any:
    return ("hidden", value)


@given(st.dictionaries(st.text(), plain, max_size=4))
def test_what_is_written_is_read_back(value: dict[str, Any]) -> None:
    assert decode(encode(value), secret=_shown) == value


def test_a_secret_becomes_what_its_reader_says_at_every_depth() -> None:
    written = encode({"a": marked("b"), "c": [{"d": marked({"e": marked(1)})}]})
    assert decode(written, secret=_shown) == {
        "a": ("hidden", "b"),
        "c": [{"d": ("hidden", {"e": ("hidden", 1)})}],
    }


@pytest.mark.parametrize("mark", sorted(UNKNOWNS))
def test_every_unknown_is_the_one_that_its_reader_names(mark: str) -> None:
    assert decode(encode({"a": [mark]}), secret=_shown) == {"a": [UNKNOWN]}
    assert decode(encode({"a": [mark]}), secret=_shown, unknown=None) == {"a": [None]}
    assert has_unknown({"a": [UNKNOWN]}) and not has_unknown({"a": ["known"]})


def test_an_output_is_its_value_and_a_secret_one_is_a_secret() -> None:
    outputs = {
        "known": {SIGNATURE: OUTPUT, "value": 1},
        "secret": {SIGNATURE: OUTPUT, "value": 1, "secret": True},
        "later": {SIGNATURE: OUTPUT},
    }
    assert decode(encode(outputs), secret=_shown) == {"known": 1, "secret": ("hidden", 1), "later": UNKNOWN}


def test_an_asset_keeps_its_mark_unless_its_reader_wants_none() -> None:
    asset = {"file": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": "a"}}
    assert decode(encode(asset), secret=_shown) == asset
    assert decode(encode(asset), secret=_shown, signatures=False) == {"file": {"text": "a"}}


def test_the_two_notations_of_a_path_name_the_same_place() -> None:
    olds, news = {"a": {"b": [1], "c.d": 1}}, {"a": {"b": [2], "c.d": 2}}
    short, quoted = list(differences(olds, news)), list(differences(olds, news, quoted=True))
    assert (short, quoted) == (["a.b[0]", 'a["c.d"]'], ['a["b"][0]', 'a["c.d"]'])
    assert list(map(steps, short)) == list(map(steps, quoted)) == [["a", "b", 0], ["a", "c.d"]]


def test_a_pack_starts_without_the_sdk_and_without_the_library_of_the_specs() -> None:
    asked = "import policies.process, policies.packs, sys; print({'pulumi', 'pydantic'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
