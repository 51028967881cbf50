"""Whether the lengths in a GGUF file's header can be true, before a library follows them.

The library reads past the end of a file without a word: an array that says it has 2^60 numbers is read for years.
Source: ggml, docs/gguf.md (layout and types of version 3; version 2 is laid out alike).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MOST_VALUES = 4_000_000
"""Values in all arrays of a header. The largest vocabularies have some 1.3 million with merges, scores and types."""
MOST_ENTRIES = 100_000
"""Keys of a header, and tensors."""
DEEPEST = 4
"""Arrays in arrays."""
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of each type of number."""
_TEXT, _ARRAY = 8, 9


@dataclass
class _Header:
    file: BinaryIO
    size: int
    order: str = "<"
    values: int = 0

    def number(self, form: str) -> int:
        data = self.file.read(struct.calcsize(form))
        if len(data) < struct.calcsize(form):
            raise ValueError("the file ends in its header")
        return int(struct.unpack(f"{self.order}{form}", data)[0])

    def skip(self, length: int) -> None:
        if length > self.size - self.file.tell():
            raise ValueError("a length in the header leads behind the file's end")
        self.file.seek(length, 1)

    def value(self, kind: int, depth: int = 0) -> None:
        if kind == _TEXT:
            self.skip(self.number("Q"))
        elif kind == _ARRAY:
            inner, length = self.number("I"), self.number("Q")
            self.values += length
            if self.values > MOST_VALUES or depth >= DEEPEST:
                raise ValueError("an array in the header is too long, or too deep")
            if inner in _SIZES:
                self.skip(_SIZES[inner] * length)
            else:
                for _ in range(length):
                    self.value(inner, depth + 1)
        elif kind in _SIZES:
            self.skip(_SIZES[kind])
        else:
            raise ValueError("a value in the header has a type that nobody knows")


def check(path: Path) -> None:
    """Raises ValueError for a header whose lengths cannot be true, or are larger than any model's; OSError as reading does."""
    with path.open("rb") as file:
        header = _Header(file, path.stat().st_size)
        if file.read(4) != b"GGUF":
            raise ValueError("the file does not begin as one")
        # A file of the other byte order has its version the wrong way round.
        if header.number("I") & 65535 == 0:
            header.order = ">"
        tensors, keys = header.number("Q"), header.number("Q")
        if tensors > MOST_ENTRIES or keys > MOST_ENTRIES:
            raise ValueError("the header has more entries than any model")
        for _ in range(keys):
            header.skip(header.number("Q"))
            header.value(header.number("I"))
        for _ in range(tensors):
            header.skip(header.number("Q"))
            header.skip(8 * header.number("I"))
            header.skip(4 + 8)
