"""Whether a file that is kept in a repository holds a secret, in a value, a name or a comment."""

from __future__ import annotations

import re

from core.problem import Problem, Refused
from core.secret_shapes import lines_with

_SEALED = re.compile(r"^[ \t]*(?:- )?(?:secure|encryptedkey|encryptionsalt)[ \t]*:[^\n]*$", re.MULTILINE)
"""What Pulumi has encrypted stands in a stack file on purpose."""


def refuse_secrets(text: str, file: str, where: str = "") -> None:
    """Raises Refused with the line of each text that looks like a secret, and without the text."""
    found = list(lines_with(_SEALED.sub("", text)))
    if found:
        raise Refused(
            Problem(
                summary="this line holds what looks like a secret",
                where=where,
                file=file,
                line=line,
                allowed="texts that anybody may read: the file is in the repository and in its history",
                fix="take it out and revoke it; a place that needs one names it",
            )
            for line in found
        )
