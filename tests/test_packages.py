"""What is installed is all that there is: a folder that the patterns miss is there in a checkout and nowhere else."""

from __future__ import annotations

import subprocess
import tomllib
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from tests.roots import ROOT

ELSEWHERE = {"tests", "contract"}
"""The tests are not installed; the contract is a distribution of its own."""


def test_every_folder_of_code_is_a_package_that_is_installed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*__init__.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    folders = [PurePosixPath(each).parent for each in listed]
    there = {".".join(folder.parts) for folder in folders if folder.parts[0] not in ELSEWHERE}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    patterns = settings["packages"]["find"]["include"]
    assert [name for name in sorted(there) if not any(fnmatchcase(name, pattern) for pattern in patterns)] == []
    rooms = {name.partition(".")[0] for name in there}
    assert {pattern.removesuffix("*") for pattern in patterns} == rooms


def test_no_folder_of_code_lacks_the_file_that_makes_it_a_package() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {PurePosixPath(each).parent for each in listed.split()}
    code = {
        folder
        for folder in folders
        if folder.parts and folder.parts[0] not in ELSEWHERE | {"examples", "sandbox", "docs"}
    }
    assert sorted(str(path) for path in code if not (ROOT / path / "__init__.py").is_file()) == []
