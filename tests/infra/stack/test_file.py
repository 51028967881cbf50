"""A stack file is read with its lines, and whatever is wrong with it is one located message."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.problem import Problem, Refused
from infra.stack.file import MAX_BYTES, StackFile
from infra.stack.stack import Stack

HAPPY = """\
config:
  aws:region: us-east-1
  modelyard:platform:
    environment: dev
    owner: ml-platform
    budget: { monthlyUsd: 4000 }
    network:
      cidr: 10.20.0.0/16
      zones: [a, b]
    cluster: { access: { allowedCidrs: [10.20.0.0/18] } }
"""


def refusal(tmp_path: Path, text: str | bytes) -> Problem:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Refused) as caught:
        Stack.read(StackFile.read(path))
    return caught.value.problems[0]


def test_a_happy_stack_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(HAPPY)
    stack = Stack.read(StackFile.read(path))
    assert (stack.settings.full_name, stack.region) == ("modelyard-dev", "us-east-1")


@pytest.mark.parametrize(
    ("old", "new", "where", "line", "says"),
    [
        ("cidr: 10.20", "cdir: 10.20", "network.cdir", 8, "did you mean cidr?"),
        ("    owner: ml-platform\n", "", "owner", 3, "missing"),
        ("environment: dev", "environment: devv", "environment", 4, "dev, staging, prod"),
        ("monthlyUsd: 4000", "monthlyUsd: -1", "budget.monthlyUsd", 6, "greater than or equal to 0"),
        ("10.20.0.0/16", "10.20.0.0/15", "network.cidr", 8, "/16 to /20"),
        ("10.20.0.0/16", "10.20.0.1/16", "network.cidr", 8, "write 10.20.0.0/16"),
        ("10.20.0.0/16", "9.20.0.0/16", "network.cidr", 8, "10.0.0.0/8"),
        ("zones: [a, b]", "zones: [a, a]", "network.zones", 9, "twice"),
        ("zones: [a, b]", "zones: [a]", "network.zones", 9, "at least 2"),
        ("zones: [a, b]", "zones: [a, 7]", "network.zones[1]", 9, "write it in quotes"),
        ("zones: [a, b]", "zones: [a, us-east-1b]", "network.zones[1]", 9, "write b"),
        ("zones: [a, b]", "zones: [a, z]", "network.zones", 9, "us-east-1 has no such zone"),
        ("us-east-1", "us-est-1", "aws:region", 3, "AWS has no region of that name"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path_and_its_line(
    tmp_path: Path, old: str, new: str, where: str, line: int, says: str
) -> None:
    assert old in HAPPY
    problem = refusal(tmp_path, HAPPY.replace(old, new))
    assert (problem.where, problem.file, problem.line) == (where, "Pulumi.dev.yaml", line)
    assert says in problem.text()


def test_the_smallest_and_the_largest_vpc_pass(tmp_path: Path) -> None:
    for prefix in (16, 20):
        path = tmp_path / "Pulumi.dev.yaml"
        path.write_text(HAPPY.replace("10.20.0.0/16", f"10.20.0.0/{prefix}"))
        assert Stack.read(StackFile.read(path)).on_aws.network.cidr == f"10.20.0.0/{prefix}"
    assert refusal(tmp_path, HAPPY.replace("10.20.0.0/16", "10.20.0.0/21")).where == "network.cidr"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("config: [", "not valid YAML"),
        ("just text", "describes no platform"),
        ("", "describes no platform"),
        ("config:\n  aws:region: us-east-1\n", "describes no platform"),
        (HAPPY.replace("  aws:region: us-east-1\n", ""), "names no region"),
        (HAPPY + "    owner: twice\n", "a key stands twice"),
        (
            HAPPY.replace("{ monthlyUsd: 4000 }", "&b { monthlyUsd: 4000 }\n    storage: *b"),
            "not allowed here: aliases",
        ),
        (b"config: \xff\xfe", "not UTF-8"),
        ("a" * (MAX_BYTES + 1), "too large"),
        ("config:\n  !!python/object:os.system x: 1\n", "not allowed here: tags"),
        ("a: 2001-99-99\n", "the value is a date"),
        ("[" * 3000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_stack_file_is_refused_in_one_message(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in refusal(tmp_path, text).text()


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(HAPPY.replace("cidr:", "cdir:").replace("owner: ml-platform", "owner: ML"))
    with pytest.raises(Refused) as caught:
        Stack.read(StackFile.read(path))
    assert {problem.where for problem in caught.value.problems} == {"owner", "network.cdir"}


def test_an_unknown_key_never_shows_its_value(tmp_path: Path) -> None:
    problem = refusal(tmp_path, HAPPY + "    password: hunter2\n")
    assert problem.where == "password"
    assert "hunter2" not in problem.text()


def test_a_missing_file_names_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(HAPPY)
    with pytest.raises(Refused) as caught:
        StackFile.read(tmp_path / "Pulumi.nope.yaml")
    assert "Pulumi.dev.yaml" in str(caught.value)
