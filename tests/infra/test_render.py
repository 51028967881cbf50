"""Rendering writes every object, harms no other file, fills in what a state knows and never a secret."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.problem import Refused
from engine.marks import SIGNATURE
from infra.declared import SECRET, Declared, declare
from infra.loaded import LoadedStack
from infra.program import make
from infra.render import from_state, render
from tests.roots import ROOT


@pytest.fixture(scope="module")
def found() -> dict[str, Declared]:
    return declare(make(LoadedStack.read("dev", ROOT / "Pulumi.dev.yaml")), project="modelyard", stack="dev")


def text_of(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*")) if path.is_file())


def test_every_custom_resource_becomes_a_file_and_every_file_is_readable(
    found: dict[str, Declared], tmp_path: Path
) -> None:
    paths = render(found, tmp_path / "out")
    resources = [one for one in found.values() if one.custom and not one.token.startswith("pulumi:")]
    releases = [one for one in resources if one.token.endswith(":Release")]
    assert len(paths) == len(resources) + len(releases) + 1
    for path in paths:
        text = (tmp_path / "out" / path).read_text()
        assert json.loads(text) if path.suffix == ".json" else isinstance(yaml.safe_load(text), dict)


def test_the_index_names_every_placeholder_and_who_uses_it(found: dict[str, Declared], tmp_path: Path) -> None:
    render(found, tmp_path / "out")
    placeholders = json.loads((tmp_path / "out" / "index.json").read_text())["placeholders"]
    for placeholder, entry in placeholders.items():
        assert entry["usedBy"]
        assert all(placeholder in (tmp_path / "out" / user).read_text() for user in entry["usedBy"])


def test_a_state_fills_placeholders_and_a_secret_of_it_never_does(found: dict[str, Declared], tmp_path: Path) -> None:
    queue = next(one for one in found.values() if one.token == "aws:sqs/queue:Queue")
    outputs: dict[str, Any] = {
        "arn": "arn:aws:sqs:us-east-1:123456789012:q",
        "url": {SIGNATURE: "x", "ciphertext": "planted"},
    }
    state = {"deployment": {"resources": [{"urn": queue.urn, "id": "q-1", "outputs": outputs}]}}
    render(found, tmp_path / "out", from_state(state))
    text = text_of(tmp_path / "out")
    assert f"${{{queue.urn}#arn}}" not in text
    assert "arn:aws:sqs:us-east-1:123456789012:q" in text
    assert "${aws#accountId}" not in text
    assert f"${{{queue.urn}#url}}" in text
    assert "planted" not in text


def test_a_secret_input_is_written_as_a_placeholder(found: dict[str, Declared], tmp_path: Path) -> None:
    one = next(declared for declared in found.values() if declared.token == "aws:sqs/queue:Queue")
    render({one.urn: replace(one, inputs={"name": SECRET})}, tmp_path / "out")
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert index["placeholders"][SECRET]["secret"] is True


def test_rendering_twice_leaves_only_what_the_second_wrote(found: dict[str, Declared], tmp_path: Path) -> None:
    render(found, tmp_path / "out")
    one = next(declared for declared in found.values() if declared.token == "aws:sqs/queue:Queue")
    paths = render({one.urn: one}, tmp_path / "out")
    left = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert left == set(paths)


@pytest.mark.parametrize("name", ["notes.txt", "index.json"])
def test_a_folder_with_anything_else_is_refused_and_untouched(
    found: dict[str, Declared], tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(Refused, match="not a rendered stack"):
        render(found, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_index_that_points_outside_deletes_nothing_there(found: dict[str, Declared], tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.json").write_text('{"files": ["../precious"]}')
    render(found, tmp_path / "out")
    assert (tmp_path / "precious").read_text() == "kept"
