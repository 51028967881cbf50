"""What passes through on its way from the model to the user: counted and read, never changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

_LAST = b"[DONE]"


@dataclass
class Reading:
    """The text and the token counts of an answer, read from its bytes as they pass; both forms of OpenAI's API."""

    streamed: bool
    text: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    _rest: bytearray = field(default_factory=bytearray)
    _whole: bool = False
    _error: bool = False

    @property
    def whole(self) -> bool:
        """Whether it came to its end and is an answer: `[DONE]` of a stream, a choice in a document, and no error in either."""
        return self._whole and not self._error

    def read(self, data: bytes) -> None:
        """Takes the next bytes. What is not what it should be is passed over: the user gets it all the same."""
        self._rest += data
        if not self.streamed:
            return
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        for line in lines:
            self._line(bytes(line))

    def finish(self) -> None:
        """Reads what the last bytes left: an answer that came as one document, or a stream's last line."""
        if self.streamed:
            self._line(bytes(self._rest))
        else:
            self._whole = self._take(bytes(self._rest))

    def _line(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        if line[5:].strip() == _LAST:
            self._whole = True
        else:
            self._take(line[5:])

    def _take(self, data: bytes) -> bool:
        """Reads one document; says whether it has a choice."""
        try:
            document: Any = json.loads(data)
        except (ValueError, RecursionError):
            return False
        if not isinstance(document, dict):
            return False
        self._error |= bool(document.get("error"))
        found = document.get("choices")
        choices = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        for choice in choices:
            part = choice.get("delta") or choice.get("message")
            content = part.get("content") if isinstance(part, dict) else None
            self.text += content if isinstance(content, str) else ""
        usage = document.get("usage")
        if isinstance(usage, dict):
            self.tokens_in = _count(usage.get("prompt_tokens"), self.tokens_in)
            self.tokens_out = _count(usage.get("completion_tokens"), self.tokens_out)
        return bool(choices)


def _count(said: Any, before: int) -> int:
    return said if isinstance(said, int) and said > 0 else before
