"""Runs rules over resources and turns what they find into verdicts; knows nothing of the engine or its protocol.

One judge serves one preview or one update. The engine asks resource by resource, in the order of registration, so the
judge remembers what it has let through. Which environment a stack is comes from the guard file, never from the stack.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.problem import Problem
from policies.graph import Graph, Node, label, stack_of
from policies.rule import Context, Finding, Level, Rule, Severity
from policies.wire import redact

if TYPE_CHECKING:
    from policies.guard.model import Exemption, Guard

STRICTEST = "prod"
"""What a stack is taken for that the guard file does not list."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one rule says about one resource, ready to be told; `urn` is empty when it is about the stack.

    `waiting` marks the note that some values can only be judged at deployment.
    """

    rule: Rule
    level: Level
    problem: Problem
    urn: str = ""
    waiting: bool = False

    @property
    def severity(self) -> Severity:
        """The rule's severity; low for what only asks for patience."""
        return Severity.LOW if self.waiting else self.rule.severity

    @property
    def message(self) -> str:
        """The problem for a person."""
        return self.problem.text()


class Evaluator:
    """The rules of one or more packs, held against the resources of one preview or update.

    `guard` is called for the first resource that a rule is asked about; what it raises goes to the caller.
    """

    def __init__(self, rules: Iterable[Rule], guard: Callable[[], Guard], today: datetime.date) -> None:
        self._rules = tuple(rules)
        self._guard = guard
        self._today = today
        self._seen: dict[str, Node] = {}
        self._memory: dict[str, Any] = {}
        self._stack = ""
        self._undetermined: dict[str, list[str]] = {}

    def resource(self, node: Node, provider: Node | None = None, secrets: Collection[str] = ()) -> list[Verdict]:
        """What the resource rules say about a resource that is about to be made; its inputs are remembered."""
        self._stack = stack_of(node)
        self._seen[node.urn] = node
        asked = [rule for rule in self._rules if rule.check is not None and node.type.startswith(rule.applies_to)]
        if not asked:
            return []
        context = self._context(provider, secrets)
        verdicts: list[Verdict] = []
        for rule in asked:
            verdicts += self._told(rule, node, lambda rule=rule: rule.check(node, context), secrets)  # type: ignore[misc]
        return verdicts

    def stack(self, nodes: Iterable[Node], secrets: Collection[str] = ()) -> list[Verdict]:
        """What the stack rules say about all resources, and one advisory per rule that could not judge some value yet.

        The inputs that the resource rules have seen replace what the engine sends here, which is outputs.
        """
        graph = Graph(tuple(self._with_inputs(node) for node in nodes))
        if graph.nodes:
            self._stack = stack_of(graph.nodes[0])
        context = self._context(None, secrets)
        verdicts: list[Verdict] = []
        for rule in self._rules:
            if rule.check_stack is not None:
                verdicts += self._told(rule, graph, lambda rule=rule: rule.check_stack(graph, context), secrets)  # type: ignore[misc]
            if waiting := self._undetermined.get(rule.name):
                problem = Problem(
                    summary=f"{len(waiting)} {rule.waiting}",
                    found=", ".join(waiting),
                )
                verdicts.append(Verdict(rule=rule, level=Level.ADVISORY, problem=problem, waiting=True))
        return verdicts

    @property
    def environment(self) -> str:
        """What the guard file says the stack is; `prod` for a stack that it does not list, so that it is held to the most."""
        return self._guard().environment(self._stack) or STRICTEST

    def _context(self, provider: Node | None, secrets: Collection[str]) -> Context:
        return Context(
            guard=self._guard(),
            environment=self.environment,
            provider=provider,
            seen=self._seen,
            secrets=secrets,
            memory=self._memory,
        )

    def _with_inputs(self, node: Node) -> Node:
        seen = self._seen.get(node.urn)
        return dataclasses.replace(node, inputs=seen.inputs) if seen else node

    def _told(
        self, rule: Rule, about: Node | Graph, ask: Callable[[], Iterator[Finding]], secrets: Collection[str]
    ) -> Iterator[Verdict]:
        try:
            findings = list(ask())
        except Exception as error:
            name = about.name if isinstance(about, Node) else "the stack"
            urn = about.urn if isinstance(about, Node) else ""
            problem = Problem(
                summary=f"rule {rule.name} could not run: {type(error).__name__}",
                where=name,
                fix="this is a fault of the rule, not of the resource: report it; nothing passes unjudged",
            )
            yield Verdict(rule=rule, level=Level.MANDATORY, problem=problem, urn=urn)
            return
        for finding in findings:
            node = about if isinstance(about, Node) else about.get(finding.urn)
            if finding.undetermined:
                place = ": ".join(part for part in (node.name if node else "", finding.problem.where) if part)
                self._undetermined.setdefault(rule.name, []).append(place)
            else:
                yield self._verdict(rule, finding, node, secrets)

    def _verdict(self, rule: Rule, finding: Finding, node: Node | None, secrets: Collection[str]) -> Verdict:
        problem, level = finding.problem, rule.level
        name = node.name if node else ""
        where = f"{name}: {problem.where}" if name and problem.where else name or problem.where
        problem = dataclasses.replace(problem, where=where, fix=problem.fix or rule.fix)
        if exemption := self._exemption(rule, node):
            until = exemption.expires.isoformat()
            if exemption.expired(self._today):
                fix = f"{problem.fix}; the exemption that {exemption.owner} had ended on {until}"
                problem = dataclasses.replace(problem, fix=fix)
            else:
                level = Level.ADVISORY
                summary = f"{problem.summary} (exempt until {until}, {exemption.owner}: {exemption.reason})"
                problem = dataclasses.replace(problem, summary=summary)
        problem = dataclasses.replace(
            problem,
            summary=redact(problem.summary, secrets),
            where=redact(problem.where, secrets),
            found=redact(problem.found, secrets),
            allowed=redact(problem.allowed, secrets),
            fix=redact(problem.fix, secrets),
        )
        return Verdict(rule=rule, level=level, problem=problem, urn=node.urn if node else "")

    def _exemption(self, rule: Rule, node: Node | None) -> Exemption | None:
        if node is None or not rule.exemptible:
            return None
        matching = (
            exemption
            for exemption in self._guard().exemptions
            if exemption.holds(rule.name, label(node), self._guard().environment(self._stack) or "")
        )
        return max(matching, key=lambda exemption: exemption.expires, default=None)
