"""What each stack declares, held in tests/golden and reviewed like code.

UPDATE_GOLDEN=1 pytest tests/infra/test_golden.py     writes them anew: read the diff
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import yaml

from infra.declared import Declared, declare
from infra.loaded import LoadedStack
from infra.program import make
from tests.roots import ROOT

STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))


@pytest.mark.parametrize("stack", STACKS)
def test_the_stack_declares_what_its_golden_file_says(stack: str) -> None:
    resources = declare(make(LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")), project="modelyard", stack=stack)
    text = yaml.safe_dump(_graph(resources), sort_keys=True, width=140)
    path = ROOT / "tests" / "golden" / f"{stack}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"{stack} declares something else: UPDATE_GOLDEN=1 writes the file, read its diff"


def _graph(found: dict[str, Declared]) -> dict[str, Any]:
    return {
        _short(declared.urn): {
            "dependsOn": sorted(_short(urn) for urn in declared.dependencies),
            "inputs": _shortened(declared.inputs),
            **({"protect": True} if declared.protect else {}),
        }
        for declared in found.values()
    }


def _short(urn: str) -> str:
    """`urn:pulumi:dev::modelyard::A$B$type::name` without what is the same for all of a stack."""
    chain, name = urn.split("::")[2:4]
    return f"{chain.replace('modelyard:index:', '')}::{name}"


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shortened(inner) for inner in value]
    if isinstance(value, str) and "${urn:" in value:
        return value.replace("modelyard:index:", "").replace("urn:pulumi:", "")
    return value
