"""A machine without a cluster, for the tests of `modelyard cluster`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.ops.cluster.theirs import CONFIG


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without Docker, kind or a kubeconfig in reach."""
    (tmp_path / "Pulumi.yaml").write_text("name: modelyard\n")
    (tmp_path / "path").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    monkeypatch.setattr("shutil.which", _only(tmp_path / "path"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def _only(folder: Path) -> Callable[[str], str | None]:
    return lambda name: str(folder / name) if (folder / name).exists() else None


@pytest.fixture
def kubeconfig(home: Path) -> Path:
    file = home / "theirs"
    file.write_text(yaml.safe_dump(CONFIG))
    return file
