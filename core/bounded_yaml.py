"""PyYAML's safe loader with an end: no text makes it read for long, go deep, or stand for more than it holds.

A few hundred letters of aliases stand for a tree without end, and a number of a million digits takes minutes. Both are refused
while they are read. `core/plain_yaml.py` and `core/yaml_lines.py` read through this loader, and nothing else reads YAML that
somebody may have written to do harm.
"""

from __future__ import annotations

from typing import Any

import yaml

DEEPEST = 40
"""Levels of maps and lists that a file of ours may have; what walks them after us must not run out of stack."""
DEEPEST_OF_OTHERS = 100
"""The same for another program's format: schemas go deep."""
LARGEST = 1_000_000
"""Characters of one text."""
MOST_NODES = 50_000
"""Values and keys of one text, each counted as often as an alias repeats it. Reading that many takes about two seconds."""
LONGEST_NUMBER = 100
"""Characters of a number."""
TOO_DEEP = "a value is nested too deeply"

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_FEATURES = {"alias": "aliases", "tag": "tags", "directive": "directives"}


class Unbounded(yaml.MarkedYAMLError):
    """A text passes one of the bounds; it has the line, and no piece of the text."""


class Loader(yaml.SafeLoader):
    """Reads one text. `features` are the aliases, tags and directives that were met, each with its line (from 1)."""

    def __init__(self, text: str, deepest: int = DEEPEST) -> None:
        if len(text) > LARGEST:
            raise Unbounded(problem=f"the text has {len(text)} characters, and {LARGEST} are read")
        super().__init__(text)
        self.features: list[tuple[str, int]] = []
        self._depth = self._nodes = 0
        self._deepest = deepest

    def compose_node(self, parent: Any, index: Any) -> yaml.Node:
        """A node, counted."""
        self._nodes += 1
        self._depth += 1
        if self._depth > self._deepest:
            raise Unbounded(problem=TOO_DEEP, problem_mark=self._here())
        if self._nodes > MOST_NODES:
            raise Unbounded(problem=f"there are more than {MOST_NODES} values", problem_mark=self._here())
        made = super().compose_node(parent, index)
        assert made is not None  # noqa: S101 - the composer returns a node, or raises
        self._depth -= 1
        if isinstance(made, yaml.ScalarNode) and made.tag in _NUMBERS and len(made.value) > LONGEST_NUMBER:
            raise Unbounded(problem=f"a number has more than {LONGEST_NUMBER} characters", problem_mark=made.start_mark)
        return made

    def construct_document(self, node: yaml.Node) -> Any:
        """The value of a document, unless it stands for more than it holds."""
        if self.features:
            _weigh(node, {}, self._deepest)
        return super().construct_document(node)

    def fetch_alias(self) -> None:
        """An alias, noted."""
        self._note("alias")
        super().fetch_alias()

    def fetch_tag(self) -> None:
        """A tag, noted."""
        self._note("tag")
        super().fetch_tag()

    def fetch_directive(self) -> None:
        """A directive, noted."""
        self._note("directive")
        super().fetch_directive()

    def _here(self) -> yaml.Mark:
        found: yaml.Mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        return found

    def _note(self, what: str) -> None:
        self.features.append((_FEATURES[what], self.line + 1))


def compose(text: str) -> yaml.Node | None:
    """The one document of a text as nodes. Raises yaml.YAMLError."""
    return Loader(text).get_single_node()


def _weigh(node: yaml.Node, known: dict[int, int], levels: int) -> int:
    """How many nodes one stands for, those behind its aliases included. Raises Unbounded."""
    found = known.get(id(node))
    if found is None:
        if not levels:
            raise Unbounded(problem=TOO_DEEP, problem_mark=node.start_mark)
        # Whoever comes here again from below has found a value that is part of itself.
        known[id(node)] = MOST_NODES + 1
        parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        inner = () if isinstance(node, yaml.ScalarNode) else parts
        found = known[id(node)] = 1 + sum(_weigh(each, known, levels - 1) for each in inner)
    if found > MOST_NODES:
        problem = f"aliases make more than {MOST_NODES} values of it"
        raise Unbounded(problem=problem, problem_mark=node.start_mark)
    return found
