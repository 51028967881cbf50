"""What passes through on its way from the model to the user: counted and read, never changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reading:
    """The text and the token counts of an answer, read from its bytes as they pass; both forms of OpenAI's API."""

    streamed: bool
    text: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    _rest: bytearray = field(default_factory=bytearray)

    def read(self, data: bytes) -> None:
        """Takes the next bytes. What is not what it should be is passed over: the user gets it all the same."""
        self._rest += data
        if not self.streamed:
            return
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        for line in lines:
            if line.startswith(b"data:") and line[5:].strip() != b"[DONE]":
                self._take(bytes(line[5:]))

    def finish(self) -> None:
        """Reads an answer that came as one document."""
        if not self.streamed:
            self._take(bytes(self._rest))

    def _take(self, data: bytes) -> None:
        try:
            document: Any = json.loads(data)
        except ValueError:
            return
        if not isinstance(document, dict):
            return
        for choice in document.get("choices") or ():
            part = choice.get("delta") or choice.get("message") or {}
            self.text += str(part.get("content") or "")
        usage = document.get("usage") or {}
        self.tokens_in = int(usage.get("prompt_tokens") or self.tokens_in)
        self.tokens_out = int(usage.get("completion_tokens") or self.tokens_out)
