"""Every place of the settings and of a release, with secrets of every shape as a value and as a name: each is refused, unread.

A run generates about 1,400 mutations, the same each time.
"""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from components.serving.spec import ReleaseSpec
from core.problem import Refused
from core.secret_shapes import is_secret
from infra.stack.file import StackFile
from infra.stack.releases import parsed
from infra.stack.settings import Settings
from infra.stack.stack import Stack
from tests.core.test_secret_shapes import SAMPLES
from tests.roots import ROOT
from tests.specs import Path as Steps
from tests.specs import places, planted

SECRETS = [f"{front}{rest}" for samples in SAMPLES.values() for front, rest in samples if "\n" not in front]
TAILS = {rest for samples in SAMPLES.values() for _, rest in samples}
PLACES = [path for path, _, _ in places(Settings)]
IN_A_RELEASE = [path for path, _, _ in places(ReleaseSpec)]
TAKEN = "{}", "see {} for more", "https://example.com/{}", "x={}"
"""How a secret stands in a text."""
PLATFORM: dict[str, Any] = StackFile.read(ROOT / "Pulumi.dev.yaml").platform


def laid(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: laid(one.get(key), value) for key, value in other.items()}}
    return other


def mutations(path: Steps, dice: random.Random) -> list[dict[str, Any]]:
    """A place with a secret as its value, in a text, as a name in it, and as the name of a neighbour."""
    one, two, three, four = dice.sample(SECRETS, 4)
    values = [one, dice.choice(TAKEN).format(two), {three: "x"}]
    return [*(planted(path, value) for value in values), planted((*path[:-1], four), "x")]


def refusal(document: dict[str, Any]) -> str:
    try:
        Stack.of(laid(copy.deepcopy(PLATFORM), document), "us-east-1")
    except Refused as refused:
        return f"{refused} {[problem.as_dict() for problem in refused.problems]}"
    return ""


@pytest.mark.parametrize("part", sorted({str(path[0]) for path in PLACES}))
def test_a_secret_in_any_place_of_a_stack_file_is_refused_and_not_repeated(part: str) -> None:
    dice = random.Random(part)  # noqa: S311 - the same mutations in every run
    for path in (each for each in PLACES if each[0] == part):
        for document in mutations(path, dice):
            said = refusal(document)
            assert said, f"passed: {path}"
            assert not any(tail in said for tail in TAILS), f"repeated: {path}"


def test_a_secret_in_any_place_of_a_release_is_refused_and_not_repeated() -> None:
    dice = random.Random("releases")  # noqa: S311 - the same mutations in every run
    for path in IN_A_RELEASE:
        for document in mutations(path, dice):
            with pytest.raises((Refused, ValidationError)) as told:
                ReleaseSpec.model_validate(document, by_alias=True, by_name=False)
            del told


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
def test_a_secret_in_a_comment_is_refused_with_its_line(secret: str, tmp_path: Path) -> None:
    assert is_secret(secret)
    text = (ROOT / "Pulumi.dev.yaml").read_text()
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"{text}# the key is {secret}\n")
    with pytest.raises(Refused) as told:
        Stack.read(StackFile.read(file))
    (problem,) = told.value.problems
    assert (problem.file, problem.line) == (file.name, text.count("\n") + 1) and secret not in str(told.value)


def test_a_secret_in_a_comment_of_a_release_is_refused_with_its_line(tmp_path: Path) -> None:
    for file in sorted((ROOT / "releases").rglob("*.yaml")):
        text = file.read_text()
        assert parsed(text, "x.yaml", file)
        with pytest.raises(Refused) as told:
            parsed(f"{text}# {SECRETS[0]}\n", "x.yaml", file)
        assert [problem.line for problem in told.value.problems] == [text.count("\n") + 1]


def test_the_repository_s_own_stack_files_hold_none() -> None:
    for file in sorted(ROOT.glob("Pulumi.*.yaml")):
        assert Stack.read(StackFile.read(file))


NAMES = (
    "hf_text_generation_inference",
    "my-sk-learn-model-for-things-2",
    "npm_package_config_something_total",
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:modelyard-prod/registry-AbCdEf",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "meta-llama/Llama-3.1-8B-Instruct",
    "s3://modelyard-prod-artifacts-000000000000/models/support-summarizer/versions/12",
    "config:registryAdminPassword",
    "awssm:modelyard-prod/registry#adminPassword",
    "8d6b3f0e-2b1c-4f0e-9d55-0c6f4c2b7a11",
    "registry.k8s.io/ingress-nginx/controller:v1.11.3@sha256:" + "0123456789abcdef" * 4,
    "i-0123456789abcdef0",
    "task-management-service-for-teams",
    "secret_manager_rotation_schedule_for_teams",
)


@pytest.mark.parametrize("name", NAMES)
def test_what_only_looks_disorderly_is_no_secret(name: str) -> None:
    assert not is_secret(name)
