"""What an attack is: its kind with the law that it breaks, what is tried, and what stops it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

Tried = Callable[[Path], Collection[str]]
"""Tries something, with an empty folder to work in, and answers what stopped it: names of rules or texts of refusals."""


class Kind(enum.Enum):
    """A kind of attack, with the law that holds against all of its kind."""

    BASELINE = "What is deployed is priced from the deployed state by the judge, never above the ceiling"
    CLOSURE = "Every file that the judge reads or imports has a guardian, and a change of any is said first"
    UNLISTED = "Only listed packages and types pass; anything else is undetermined, and refused"
    INPUTS = "Every input of a resource, its region and its account included, is priced, free for a reason, or refused"
    REFERENCES = "A resource is priced by what it refers to, never by a name that looks right"
    NESTED = (
        "What asks for a volume, a load balancer or an object is judged wherever it stands; a chart is its source, version "
        "and digest"
    )
    ENVIRONMENT = "The guard file says which stack is which environment; an unlisted stack is held to the strictest"
    DEPUTY = (
        "Secrets go only to hosts that the guard file lists, references only to listed variables, and a provider serves only "
        "its engine"
    )
    ESCAPING = "Untrusted text leaves by one exit for each medium, and what was cut is said"
    MEANING = "Security rules judge what a policy, a network or a reference means, not how it is written"
    SECRETS = "A text that looks like a secret is refused wherever a person may write one"
    FILES = "Everything that is parsed has a bound on size, depth, aliases and time; a name that becomes a file is checked once"
    SANDBOX = "The sandbox keeps only listed variables, and its clouds answer only its engine"
    RETAINED = "What a deletion would leave behind is refused, or listed by a guardian"


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One thing that somebody may try: `name` says what, `stopped_by` is part of what stops it, `tried` tries it."""

    kind: Kind
    name: str
    stopped_by: str
    tried: Tried


@dataclass(frozen=True, kw_only=True)
class Harmless:
    """The neighbour of an attack that is nobody's attack, so it has to pass."""

    kind: Kind
    name: str
    tried: Tried
