"""Versions of the Pulumi engine: asked of a binary, and as numbers that can be compared."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def version_tuple(text: str) -> tuple[int, ...]:
    """`v3.259.0` or `3.259.0-dev` as (3, 259, 0); empty when the text is no version."""
    numbers = text.strip().removeprefix("v").split("-")[0].split("+")[0].split(".")
    return tuple(int(part) for part in numbers) if all(part.isdigit() for part in numbers) else ()


def ask_version(binary: Path) -> str:
    """The version that an engine prints, `v` in front; empty when the file does not run or prints none."""
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run([binary, "version"], env=env, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 and version_tuple(done.stdout) else ""
