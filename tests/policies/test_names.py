"""Every name that a rule or the estimate reads is one that exists: a misspelt one would be a rule that never fires."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kube import builtin, custom
from kube.objects import token_to_gvk
from policies.packs import rules
from pricing.bill.free import FREE
from pricing.bill.priced import PRICED
from sandbox.aws.schema import Schemas

EXAMPLES: dict[str, list[dict[str, Any]]] = yaml.safe_load((Path(__file__).parent / "examples.yaml").read_text())
IN_RULES = {each for rule in rules() for each in rule.applies_to if each and not each.endswith(":")}
TYPES = sorted(IN_RULES | FREE.keys() | PRICED.keys())


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Schemas:
    return Schemas(tmp_path_factory.mktemp("schemas"))


@pytest.mark.parametrize("token", [each for each in TYPES if each.startswith("aws:")])
def test_every_aws_type_that_a_rule_or_the_estimate_names_is_one_of_the_providers(schemas: Schemas, token: str) -> None:
    assert schemas.shape(token) is not None


@pytest.mark.parametrize("token", [each for each in TYPES if each.startswith("kubernetes:") and "helm.sh" not in each])
def test_every_kubernetes_kind_that_a_rule_or_the_estimate_names_is_known(token: str) -> None:
    assert token_to_gvk(token) in builtin.schemas().kinds().keys() | custom.kinds()


def test_every_property_of_an_aws_example_is_one_that_the_provider_takes(schemas: Schemas) -> None:
    unknown = [
        (case["type"], fault)
        for cases in EXAMPLES.values()
        for case in cases
        if (shape := schemas.shape(case["type"])) is not None
        for fault in shape.faults(case["happy"])
        if "not expected here" in fault.reason
    ]
    assert unknown == []
