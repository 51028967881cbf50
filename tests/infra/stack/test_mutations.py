"""At least 2,000 mutated stack files: accepted, or refused with a located message and an exit code that is not 0."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.problem import ExitCode, Refused
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from tests.roots import ROOT

FOLDER = Path(tempfile.mkdtemp())
TEXTS = [path.read_text() for path in sorted(ROOT.glob("Pulumi.*.yaml"))]

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**12),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["dev", "spot", "g6f.xlarge", "p5.48xlarge", "m7g.large", "0.0.0.0/0", "10.0.0.0/8", "1.37", "cr-1"]
    ),
    st.lists(st.text(max_size=4), max_size=3),
    st.dictionaries(st.text(max_size=6), st.integers(0, 9), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """One real stack file with one to three of its values taken away, replaced, renamed, moved or added to."""
    document = copy.deepcopy(yaml.safe_load(draw(st.sampled_from(TEXTS))))
    for _ in range(draw(st.integers(1, 3))):
        found = [place for place in places(document["config"]) if place]
        if not found:
            break
        *above, last = draw(st.sampled_from(found))
        parent = at(document["config"], tuple(above))
        action = draw(st.sampled_from(["delete", "replace", "rename", "add", "double"]))
        if action == "delete":
            del parent[last]
        elif action == "replace":
            parent[last] = draw(values)
        elif action == "rename" and isinstance(parent, dict):
            parent[draw(st.text(max_size=8)) or "x"] = parent.pop(last)
        elif action == "add" and isinstance(parent, dict):
            parent[draw(st.sampled_from(["zones", "gpus", "nodes", "reservation", "efa", "sharing", "nonsense"]))] = (
                draw(values)
            )
        elif isinstance(parent, list):
            parent.append(parent[last])
    return yaml.safe_dump(document)


@st.composite
def scarred(draw: st.DrawFn) -> str:
    """One real stack file with a piece of its text cut out or put in."""
    text = draw(st.sampled_from(TEXTS))
    start = draw(st.integers(0, len(text)))
    end = min(len(text), start + draw(st.integers(0, 6)))
    return text[:start] + draw(st.text(max_size=4)) + text[end:]


def judged(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        stack = Stack.read(StackFile.read(path))
    except Refused as refused:
        assert refused.code is not ExitCode.OK
        for problem in refused.problems:
            assert problem.summary
            # What a release file says stops fitting when the stack's pools or models change: that is said at its line.
            assert problem.file == path.name or problem.file.startswith("releases/")
            assert problem.line >= 1
    else:
        assert set(stack.pools) == set(stack.settings.gpu_pools)
        for bound in stack.pools.values():
            assert bound.gpus >= 1


@settings(max_examples=1500)
@given(mutated())
def test_a_mutated_stack_file_is_accepted_or_refused_with_a_place(text: str) -> None:
    judged(FOLDER / "Pulumi.mutated.yaml", text)


@settings(max_examples=700)
@given(scarred())
def test_a_scarred_stack_file_is_accepted_or_refused_with_a_place(text: str) -> None:
    judged(FOLDER / "Pulumi.scarred.yaml", text)
