"""What a policy is: a pure generator over one resource or over the whole graph, with the data that people ask about it.

A rule knows nothing of the engine: `policies.evaluate` runs it and `policies.analyzer` speaks the engine's protocol. What must
hold is a resource rule, for the engine asks it before a resource is made; a stack rule is asked when all is done.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.problem import Problem
from policies.graph import Graph, Node

if TYPE_CHECKING:
    from policies.guard.model import Guard


class Severity(enum.StrEnum):
    """How bad a breach is; it does not say whether a breach stops a deployment (`Level` does)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(enum.StrEnum):
    """Whether a finding stops the deployment or is only told."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A control of a published framework that a rule serves (`AWS FSBP`, `EC2.170`)."""

    framework: str
    control: str

    def __str__(self) -> str:
        return f"{self.framework} {self.control}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a rule has against a resource.

    `problem.where` is the property's path. `urn` says which resource, in a stack rule. An `undetermined` finding does not
    refuse: its value is not known in this preview, and is judged when it is.
    """

    problem: Problem
    urn: str = ""
    undetermined: bool = False


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a rule may know beside the graph.

    `environment` is what the guard file says that the stack is, `prod` for a stack that it does not list.
    """

    guard: Guard
    environment: str = "prod"
    provider: Node | None = None
    """The provider of the resource in question, with its configuration as inputs."""
    seen: Mapping[str, Node] = field(default_factory=dict)
    """Every resource that this run has registered so far, by URN, the one in question included."""
    secrets: Collection[str] = ()
    """Texts that the engine holds secret, here or elsewhere in the run; only asked whether a text is among them."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What a rule has worked out in this run and will need again, by a name of its own."""


ResourceCheck = Callable[[Node, Context], Iterator[Finding]]
StackCheck = Callable[[Graph, Context], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One policy: exactly one of `check` (a resource's inputs, before it is made) and `check_stack` is given."""

    name: str
    pack: str
    severity: Severity
    description: str
    fix: str
    """What to change, in one sentence; it is the remediation that the engine publishes."""
    applies_to: tuple[str, ...] = ()
    """Prefixes of the type tokens that `check` is asked about."""
    check: ResourceCheck | None = None
    check_stack: StackCheck | None = None
    level: Level = Level.MANDATORY
    references: tuple[Reference, ...] = field(default_factory=tuple)
    exemptible: bool = True
    """Whether an entry under `exemptions` in the guard file lets a resource pass; budgets have entries of their own."""
    waiting: str = "value(s) are not known before deployment; each is judged before it is used"
    """What to say, behind their number, of places that this preview cannot judge."""

    def __post_init__(self) -> None:
        if (self.check is None) == (self.check_stack is None):
            raise ValueError(f"rule {self.name} needs either check or check_stack")


def refuse(where: str, summary: str, *, found: object = "", allowed: str = "", fix: str = "") -> Finding:
    """A finding against the property at `where`; `found` is shown (None as `nothing`), so it is never a secret."""
    shown = "nothing" if found is None else str(found).lower() if isinstance(found, bool) else str(found)
    return Finding(problem=Problem(summary=summary, where=where, found=shown, allowed=allowed, fix=fix))


def undetermined(where: str) -> Finding:
    """A property that this preview does not know yet."""
    return Finding(problem=Problem(summary="not known before deployment", where=where), undetermined=True)
