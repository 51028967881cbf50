"""What a node wrote is out of the way at once, and deleted soon after by somebody else."""

from __future__ import annotations

import time
from pathlib import Path

from sandbox.node.discard import discard


def gone(folder: Path) -> bool:
    ends = time.monotonic() + 300
    while list(folder.iterdir()) and time.monotonic() < ends:
        time.sleep(0.02)
    return not list(folder.iterdir())


def test_a_folder_is_gone_at_once_and_its_content_soon(tmp_path: Path) -> None:
    below = tmp_path / "data" / "- a name\nof its own"
    below.mkdir(parents=True)
    (below / "file").write_text("x")
    discard(tmp_path / "data")
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()
    discard(tmp_path / "data")
    assert gone(tmp_path)


def test_what_an_earlier_one_did_not_get_to_is_deleted_too_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".gone-1-1" / "left").mkdir(parents=True)
    (tmp_path / "logs").mkdir()
    discard(tmp_path / "data")
    while (tmp_path / ".gone-1-1").exists():
        time.sleep(0.02)
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
