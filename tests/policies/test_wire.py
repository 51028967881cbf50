"""How properties come in from the engine: unknowns one by one, secrets noted, nothing that raises when touched."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime import rpc
from pulumi_policy import proxy

from engine.marks import OUTPUT, SECRET, SIGNATURE, UNKNOWNS
from policies.wire import plain, redact
from pricing.items.graph import UNKNOWN


def _plain(value: Any) -> tuple[Any, set[str]]:
    struct, secrets = struct_pb2.Struct(), set[str]()
    struct.update({"value": value})
    return plain(struct, secrets)["value"], secrets


def test_the_marks_are_those_of_the_sdk() -> None:
    assert (rpc._special_sig_key, rpc._special_secret_sig) == (SIGNATURE, SECRET)
    assert {getattr(proxy, name) for name in dir(proxy) if name.startswith("UNKNOWN_")} == UNKNOWNS


@pytest.mark.parametrize("value", [None, True, "text", 1.5, ["a", {"b": "c"}]])
def test_a_plain_value_comes_through(value: Any) -> None:
    assert _plain(value) == (value, set())


def test_a_whole_number_is_an_int_again() -> None:
    assert isinstance(_plain(3.0)[0], int)


@pytest.mark.parametrize("mark", sorted(UNKNOWNS))
def test_an_unknown_of_each_kind_is_unknown_and_its_neighbours_are_not(mark: str) -> None:
    assert _plain({"a": mark, "b": [mark, "known"]})[0] == {"a": UNKNOWN, "b": [UNKNOWN, "known"]}


def test_a_secret_is_readable_and_noted_at_every_depth() -> None:
    value, secrets = _plain({SIGNATURE: SECRET, "value": {"user": "root", "key": ["line one\nline two"]}})
    assert value == {"user": "root", "key": ["line one\nline two"]}
    assert secrets == {"root", "line one\nline two", "line one", "line two"}


def test_an_output_value_is_its_value_or_unknown() -> None:
    assert _plain({SIGNATURE: OUTPUT, "value": "a", "secret": True}) == ("a", {"a"})
    assert _plain({SIGNATURE: OUTPUT, "value": "a", "secret": False}) == ("a", set())
    assert _plain({SIGNATURE: OUTPUT}) == (UNKNOWN, set())


def test_redaction_takes_the_longest_secret_first_and_leaves_very_short_ones() -> None:
    assert redact("token hunter22 on port 443", {"hunter", "hunter22", "443"}) == "token [secret] on port 443"
    assert redact("port 4433", {"4433"}) == "port [secret]"
