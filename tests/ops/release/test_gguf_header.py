"""Lengths in a model's header are followed only where they can be true."""

from __future__ import annotations

import contextlib
import struct
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.problem import Refused
from ops.release import gguf_header, model_files
from tests.ops.release.test_pin import gguf_file


def header(keys: bytes, count: int = 1, tensors: int = 0) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, count) + keys


def entry(kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", 1) + b"k" + struct.pack("<I", kind) + value


def array(inner: int, length: int, values: bytes = b"") -> bytes:
    return struct.pack("<IQ", inner, length) + values


def nested(levels: int) -> bytes:
    return array(0, 1, b"x") if levels == 1 else array(9, 1, nested(levels - 1))


def checked(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(data)
    gguf_header.check(file)


@pytest.mark.parametrize(
    "data",
    [
        header(entry(0, b"x")),
        header(entry(8, struct.pack("<Q", 3) + b"abc")),
        header(entry(9, array(4, 2, b"x" * 8))),
        header(entry(9, nested(4))),
        header(b"", 0),
    ],
)
def test_a_header_whose_lengths_are_true_passes(data: bytes, tmp_path: Path) -> None:
    checked(tmp_path, data)


HOSTILE = {
    "a number behind the end": header(entry(4, b"xxx")),
    "a text longer than the file": header(entry(8, struct.pack("<Q", 4) + b"abc")),
    "a name longer than the file": header(struct.pack("<Q", 2**60)),
    "an array of numbers behind the end": header(entry(9, array(0, 2**60))),
    "an array of texts behind the end": header(entry(9, array(8, 2**60))),
    "an array one too long": header(entry(9, array(0, 3, b"xx"))),
    "an array of arrays, five deep": header(entry(9, nested(5))),
    "more values than any model": header(
        entry(9, array(0, gguf_header.MOST_VALUES + 1, b"x" * (gguf_header.MOST_VALUES + 1)))
    ),
    "empty arrays without end": header(entry(9, array(9, 3_000_000))),
    "more keys than any model": header(b"", gguf_header.MOST_ENTRIES + 1),
    "more tensors than any model": header(b"", 0, 2**60),
    "a tensor behind the end": header(b"", 0, 1),
    "an unknown type": header(entry(99, b"x")),
    "nothing": b"",
    "another file": b"PK\x03\x04" * 10,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_header_that_lies_is_refused_at_once(data: bytes, tmp_path: Path) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        checked(tmp_path, data)
    with pytest.raises(Refused):
        model_files.from_gguf(tmp_path / "m.gguf")
    assert time.process_time() - began < 5


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 400), other=st.binary(min_size=1, max_size=9))
def test_a_true_header_with_other_bytes_in_it_is_read_or_refused_in_time(at: int, other: bytes, tmp_path: Path) -> None:
    file = tmp_path / "true.gguf"
    if not file.exists():
        gguf_file(file)
    data = file.read_bytes()
    (tmp_path / "m.gguf").write_bytes(data[:at] + other + data[at + len(other) :])
    began = time.process_time()
    with contextlib.suppress(Refused):
        model_files.from_gguf(tmp_path / "m.gguf")
    assert time.process_time() - began < 5
