"""The rule on the whole network: every path that the stack needs is there, or what hides it is named."""

from __future__ import annotations

from collections.abc import Iterator

from policies.graph import Graph
from policies.rule import Context, Finding, Rule, Severity, undetermined


def paths_exist(graph: Graph, _: Context) -> Iterator[Finding]:
    """A stack without a path would come up half and hang: a node that cannot join, a webhook that nobody answers."""
    # Loaded for the last question of a run: the engine need not wait for it at its start.
    from policies.paths import reachable

    paths = reachable.paths(graph)
    for problem in reachable.problems(paths):
        yield Finding(problem=problem)
    for what in (*reachable.unseen(paths), *reachable.later(graph)):
        yield undetermined(what)


RULES = (
    Rule(
        name="network-paths",
        pack="security",
        severity=Severity.HIGH,
        description="The stack declares every network path that it needs.",
        fix="Add the rule, route, endpoint or policy that is missing.",
        check_stack=paths_exist,
        waiting="thing(s) hide network paths: what is still to be made is judged then, "
        "what is somebody else's by `modelyard doctor --cloud`",
    ),
)
