"""Fixtures of the sandbox's tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest


def _support() -> Any:
    file = Path(__file__).with_name("aws_support.py")
    spec = importlib.util.spec_from_file_location("aws_support", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("aws_support", module)
    spec.loader.exec_module(module)
    return module


SUPPORT = _support()


@pytest.fixture
def account(tmp_path: Path) -> Any:
    """A simulated AWS account with nothing in it."""
    return SUPPORT.Account(tmp_path / "world")
