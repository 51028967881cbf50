"""One byte of any file of the closure, one file at a time: none passes silently, in the report or in the comment."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from core.inert import code
from ops.preview.base_checkout import changed
from ops.preview.owners import Owners
from ops.report.model import JudgingCheckout
from tests.ops import closure
from tests.ops.preview.test_closure import comment_on, said_first
from tests.roots import ROOT

OWNERS = Owners.read(ROOT)
HOW = ("flipped", "added", "dropped", "run", "link", "gone")
DRAWN, BESIDE = 100, 2
"""Files that are changed one at a time, and how many others lie beside each; `test_closure.py` changes one byte of them all."""


def mutate(file: Path, drawn: random.Random) -> str:
    """Changes a file in one way; answers which."""
    how = drawn.choice(HOW)
    content = bytearray(file.read_bytes())
    place = drawn.randrange(len(content) or 1)
    if how == "run":
        file.chmod(file.stat().st_mode ^ 0o111)
    elif how == "gone":
        file.unlink()
    elif how == "link":
        shutil.move(file, file.with_name("moved"))
        file.symlink_to("moved")
    else:
        if how == "flipped" and content:
            content[place] ^= 1 << drawn.randrange(8)
        elif how == "dropped" and content:
            del content[place]
        else:
            content.insert(place, drawn.randrange(256))
        file.write_bytes(content)
    return how


def test_no_change_of_one_file_of_the_closure_passes_silently(tmp_path: Path) -> None:
    drawn = random.Random(2)  # noqa: S311 which change, no secret
    for number, path in enumerate(drawn.sample(closure.files(), DRAWN)):
        sides = theirs, ours = tmp_path / f"{number}a", tmp_path / f"{number}b"
        for side in sides:
            for held in {path, *drawn.sample(closure.files(), BESIDE)} if side == theirs else _held(theirs):
                (side / held).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / held, side / held)
        how = mutate(ours / path, drawn)
        found = [each for each in changed(*sides, OWNERS) if each.path.rpartition("/")[2] != "moved"]
        assert [each.path for each in found] == [path], (path, how)
        assert said_first(JudgingCheckout(revision="r", changed=found, guardians=OWNERS.guardians([path])), 1)
        for side in sides:
            shutil.rmtree(side)


@pytest.mark.parametrize("seed", range(2))
def test_no_listing_with_one_file_of_the_closure_passes_silently(seed: int, tmp_path: Path) -> None:
    drawn = random.Random(seed)  # noqa: S311 which neighbours, no secret
    for path in closure.files():
        listed = [f"docs/{number}.md" for number in range(drawn.randrange(150))]
        listed.insert(drawn.randrange(len(listed) + 1), path)
        first = comment_on(tmp_path, *listed).splitlines()[0]
        assert "A guardian (`@modelyard/guardians`) has to read this change" in first and code(path) in first


def _held(side: Path) -> list[str]:
    return sorted(each.relative_to(side).as_posix() for each in side.rglob("*") if each.is_file())
