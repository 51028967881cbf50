"""The packs in the real engine: what is refused is not made, preview or no preview, and what fails says why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

ROOT = Path(__file__).parents[2]
TAGS = {"Environment": "dev", "ManagedBy": "modelyard", "Owner": "ml-platform"}
Engine = Any

pytestmark = pytest.mark.engine


def _queue(name: str, opts: pulumi.ResourceOptions, *, encrypted: bool = True) -> aws.sqs.Queue:
    return aws.sqs.Queue(name, sqs_managed_sse_enabled=encrypted, opts=opts)


def _good(opts: pulumi.ResourceOptions) -> None:
    _queue("good", opts)


def _bad(opts: pulumi.ResourceOptions) -> None:
    bad = _queue("bad", opts, encrypted=False)
    _queue("after", pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[bad])))


@pytest.fixture
def engine(engine: Engine, security_pack: Path) -> Engine:
    """These programs have no plan, so only the security pack is asked."""
    engine.packs = [security_pack]
    return engine


def test_a_good_program_passes_and_is_made(engine: Engine) -> None:
    run = engine.run("up", _good)
    assert (run.ok, run.told, engine.made) == (True, [], ["good"])


def test_a_preview_refuses_by_name_place_and_fix(engine: Engine) -> None:
    run = engine.run("preview", _bad)
    assert not run.ok
    assert run.refused == {("queue-encrypted", "bad")}
    assert run.told[0].message.strip() == (
        "bad: sqsManagedSseEnabled: nothing says that the queue's messages are encrypted\n"
        "  found: false\n  allowed: true, or a kmsMasterKeyId\n  to fix: Set sqsManagedSseEnabled to true."
    )


def test_without_a_preview_the_refused_resource_and_what_follows_are_not_made(engine: Engine) -> None:
    run = engine.run("up", _bad)
    assert (run.ok, run.refused, engine.made) == (False, {("queue-encrypted", "bad")}, [])


def test_an_unknown_value_is_a_note_in_a_preview_and_is_refused_before_it_is_made(engine: Engine) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        queue = _queue("good", opts)
        statement = {"Effect": "Allow", "Action": "*"}
        aws.iam.Policy(
            "late",
            policy=queue.arn.apply(lambda arn: json.dumps({"Statement": [{**statement, "Resource": arn}]})),
            opts=opts,
        )

    previewed = engine.run("preview", program)
    assert (previewed.ok, previewed.refused) == (True, set())
    assert [(each.policy_name, each.enforcement_level) for each in previewed.told] == [
        ("no-wildcard-admin", "advisory")
    ]
    assert "late: policy" in previewed.told[0].message
    updated = engine.run("up", program)
    assert (updated.ok, updated.refused, engine.made) == (False, {("no-wildcard-admin", "late")}, ["good"])


def test_a_secret_value_is_judged_but_never_shown(engine: Engine) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        arn = pulumi.Output.secret("arn:aws:iam::aws:policy/AdministratorAccess")
        aws.iam.RolePolicyAttachment("hidden", role="a", policy_arn=arn, opts=opts)

    run = engine.run("preview", program)
    assert run.refused == {("no-admin-attached", "hidden")}
    assert "AdministratorAccess" not in run.output + "".join(each.message for each in run.told)


def test_tags_count_when_the_provider_gives_them_and_are_refused_when_nobody_does(engine: Engine) -> None:
    run = engine.run("preview", _good, given={**TAGS, "Owner": ""})
    assert run.refused == {("required-tags", "good")}


def test_a_configuration_file_cannot_switch_a_rule_off(engine: Engine, tmp_path: Path) -> None:
    config = tmp_path / "off.json"
    config.write_text(json.dumps({"all": "disabled"}), encoding="utf-8")
    run = engine.run("preview", _bad, policy_pack_configs=[str(config)])
    assert not run.ok and "does not support config" in run.output


def test_a_bad_guard_file_stops_the_run_and_says_why(engine: Engine, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for room in ("policies", "pricing", "kube", "engine", "core"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    guard = copy / "policies" / "guard.yaml"
    guard.write_text(guard.read_text().replace("requiredTags", "requiredTag"), encoding="utf-8")
    run = engine.run("preview", _good, policy_packs=[str(copy / "policies" / "run")])
    assert not run.ok
    assert "guard.yaml" in run.output and "unknown key" in run.output
