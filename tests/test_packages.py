"""What is installed is all that there is: a folder that the patterns miss is there in a checkout and nowhere else."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path, PurePosixPath

from setuptools import find_packages

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = {"tests", "contract"}
"""The tests are not installed; the contract is a distribution of its own."""


def test_every_folder_of_code_is_a_package_that_is_installed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*__init__.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    folders = [PurePosixPath(each).parent for each in listed]
    there = {".".join(each.parts) for each in folders if each.parts[0] not in ELSEWHERE}
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"][
        "find"
    ]
    assert sorted(find_packages(str(ROOT), include=found["include"])) == sorted(there)
