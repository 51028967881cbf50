"""A kind of text: what it is called, what may stand there, and whether a refusal may repeat it.

Every text of every Spec has one, and a test walks them all: a text without a rule is a typo that AWS finds an hour later.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from components.invalid import Invalid

Why = Callable[[str], str]
"""What is wrong with a text beyond its shape, and an empty text when nothing is."""
Fix = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of text, as an annotation of a field: `Annotated[str, Kind(...)]`.

    `pattern` holds for the whole text, in ASCII: no letter of another script passes for one of ours. `secret` says that what
    stands there names a secret, so that somebody may have written the secret itself: no refusal near it repeats a value.
    """

    what: str
    allowed: str
    pattern: str = ""
    longest: int = 0
    why: Why | None = None
    fix: Fix | None = None
    secret: bool = False

    def problem(self, text: str) -> str:
        """What is wrong with a text; empty when nothing is."""
        if self.longest and len(text) > self.longest:
            return f"{self.what} has at most {self.longest} characters"
        if self.pattern and not re.fullmatch(self.pattern, text, re.ASCII):
            return f"this is not {self.what}"
        return self.why(text) if self.why else ""

    def held(self, text: str) -> str:
        """The text when it is of the kind. Raises Invalid."""
        if summary := self.problem(text):
            raise Invalid(
                summary,
                found="" if self.secret else text,
                allowed=self.allowed,
                fix=self.fix(text) if self.fix and not self.secret else "",
            )
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """How pydantic holds a value to it."""
        return core_schema.no_info_after_validator_function(self.held, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """What editors are told of it."""
        found = handler(schema)
        shape = {"pattern": f"^(?:{self.pattern})$"} if self.pattern else {}
        return {**found, **shape, **({"maxLength": self.longest} if self.longest else {})}
