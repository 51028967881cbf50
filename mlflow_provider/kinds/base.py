"""What every kind of item in a registry can do, and the rules that all of them keep.

Each call may be made again after it was cut off at any point: a kind looks at what is there before it makes anything
that could come out twice. What is there already is taken over when it is as declared, and refused when it is not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mlflow_provider.api import Rejected, Server
from mlflow_provider.wire import differences, says

Props = dict[str, Any]
V2, V3 = "2.0/mlflow", "3.0/mlflow"
_RESERVED = ("mlflow.", "_mlflow")


@dataclass(frozen=True)
class Found:
    """One item as the server has it: its id, its inputs as a stack file would declare them, and what the server adds."""

    id: str
    inputs: Props
    outputs: Props = field(default_factory=dict)


class Kind(ABC):
    """How one kind of item is made, read, changed and removed.

    `replaces` are inputs that cannot change in place, `secret` is the input that names a secret, `local` are inputs that
    no server can tell. `secret` arguments hold the secret's value, or an empty text when none is named. `behind` are further
    inputs that name a secret, each with the input that the secret's value stands in for: only the server is given that.
    """

    name: ClassVar[str]
    replaces: ClassVar[frozenset[str]] = frozenset()
    secret: ClassVar[str] = ""
    behind: ClassVar[Mapping[str, str]] = {}
    local: ClassVar[frozenset[str]] = frozenset()
    numbers: ClassVar[frozenset[str]] = frozenset()
    """Outputs that are not known before an update has run."""

    @abstractmethod
    def create(self, server: Server, inputs: Props, secret: str) -> Found:
        """Makes it, or takes over what is there as declared."""

    @abstractmethod
    def read(self, server: Server, id: str) -> Found | None:
        """What is there now; None when it is gone."""

    @abstractmethod
    def update(self, server: Server, id: str, olds: Props, news: Props, secret: str) -> Props:
        """Changes it in place: what the server adds to the new inputs."""

    @abstractmethod
    def delete(self, server: Server, id: str, inputs: Props) -> None:
        """Removes it; nothing happens when it is gone already."""

    @abstractmethod
    def every(self, server: Server) -> Iterator[Found]:
        """All of them on a server, for an import."""

    def must_replace(self, olds: Props, news: Props, changed: Iterable[str]) -> list[str]:
        """Those of the changed inputs that need a new item."""
        return [path for path in changed if path.partition("[")[0] in self.replaces]

    def faults(self, inputs: Props) -> Iterator[tuple[str, str]]:
        """What the server would refuse, found without asking it: an input and why."""
        yield from ()

    def taken_over(self, declared: Props, found: Found) -> Found:
        """What is there already, when it is as declared. Raises Rejected, naming what differs."""
        apart = {*self.local, *self.behind, self.secret}
        wanted = {key: value for key, value in declared.items() if key not in apart}
        there = own(found.inputs, declared)
        if paths := list(differences(there, wanted)):
            raise Rejected(
                "",
                f"{self.name} {found.id} is there already and differs in {', '.join(paths[:5])}: declare it as it is "
                "(`modelyard registry import` writes the block) and change it after that",
                409,
            )
        return found


def own(found: Props, declared: Mapping[str, Any]) -> Props:
    """What a server holds, less the tags that the stack file says nothing of: training and promotion set their own."""
    mine = declared.get("tags", {})
    tags = {key: value for key, value in found.get("tags", {}).items() if key in mine}
    return said({**found, "tags": tags})


def said(inputs: Mapping[str, Any]) -> Props:
    """Inputs less what says nothing; whole numbers as int, as the engine sends them."""
    return {key: whole(value) for key, value in inputs.items() if says(value)}


def whole(value: Any) -> Any:
    """The same value with every whole number as int, at every depth."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: whole(inner) for key, inner in value.items()}
    return [whole(inner) for inner in value] if isinstance(value, list) else value


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as MLflow's API writes them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def tags_of(item: Mapping[str, Any]) -> dict[str, str]:
    """Every tag of an item in MLflow's API."""
    return {tag["key"]: tag.get("value", "") for tag in item.get("tags", [])}


def public(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that people set; MLflow keeps its own under reserved names."""
    return {key: value for key, value in tags.items() if not key.startswith(_RESERVED)}


def changed_tags(olds: Props, news: Props) -> tuple[dict[str, str], list[str]]:
    """The tags to set and the keys to take away."""
    before, after = olds.get("tags", {}), news.get("tags", {})
    return {key: value for key, value in after.items() if before.get(key) != value}, [
        k for k in before if k not in after
    ]


def gone(error: Rejected) -> None:
    """Passes over an answer that says it is gone already; raises any other."""
    if not error.missing:
        raise error
