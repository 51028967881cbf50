"""How far the patterns of a policy reach: wildcards in actions, resources that nobody has named, accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator

ACCOUNT = re.compile(r"\d{12}")
_OPEN = re.compile(r"[*?]|\$\{(?![*?$]\})")
"""Where a pattern stops being literal: at a wildcard, or at a variable that the request fills in."""
_TYPE = re.compile(r"^[a-z][A-Za-z-]*[/:]")
_UNTYPED = ("s3", "sqs", "sns")
"""Services whose ARNs name the thing itself, without its type before it."""
LEAST = 3
"""Fewer literal characters before a wildcard name nothing."""


def is_open(text: str) -> bool:
    """Whether a pattern matches more than itself."""
    return _OPEN.search(text) is not None


def literal(text: str) -> str:
    """The text before the first wildcard or variable."""
    found = _OPEN.search(text)
    return text[: found.start()] if found else text


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern with `*` and `?` matches a text; IAM compares actions without regard to case."""
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern.lower())
    return re.fullmatch("".join(parts), text.lower()) is not None


def everywhere(resource: str) -> bool:
    """Whether a pattern takes in things of every kind: `*`, an incomplete ARN, or one without a service or a type."""
    parts = resource.split(":", 5)
    if parts[0] != "arn" or len(parts) < 6:
        return is_open(resource) or resource == ""
    _, partition, service, _, _, rest = parts
    return is_open(partition) or is_open(service) or (is_open(rest) and not literal(rest))


def names_something(resource: str) -> bool:
    """Whether a pattern names a thing, or things by the start of their name, and not all of a type."""
    if not is_open(resource):
        return bool(resource)
    if everywhere(resource):
        return False
    service, rest = resource.split(":", 5)[2], resource.split(":", 5)[5]
    name = rest if service in _UNTYPED else _TYPE.sub("", rest)
    return not is_open(name) or len(literal(name)) >= LEAST


def account_of(resource: str) -> str:
    """The account of an ARN as it is written, or an empty text."""
    parts = resource.split(":", 5)
    return parts[4] if len(parts) == 6 else ""


def accounts_in(values: tuple[str, ...]) -> Iterator[str]:
    """The accounts that principals or values of conditions name."""
    for value in values:
        account = value if ACCOUNT.fullmatch(value) else account_of(value)
        if ACCOUNT.fullmatch(account):
            yield account
