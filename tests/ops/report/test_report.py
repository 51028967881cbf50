"""What the report says of a preview, property by property and hazard by hazard, and that it stays under its bound."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.automation.events import EngineEvent

from core.problem import ExitCode, Problem, Refused
from engine.marks import UNKNOWN
from ops.engine.automation import Outcome
from ops.engine.events import EngineEvents, Operation
from ops.preview.command import WRITERS, Form
from ops.report import diff, model
from ops.report.changes import SUMMED_UP
from ops.report.danger import danger
from ops.report.deployed import DeployedBill
from ops.report.fit import LEVELS, LIMIT, cut, fitted
from ops.report.make import Found, make
from ops.report.model import Hazard, Report, Verdict
from policies.guard.model import Guard
from pricing.items.cost import ZERO, cents
from tests.policies.states import deployed_stack

GUARD = Guard(max_monthly_usd={"dev": Decimal(5000)}, required_tags=(), stacks={"dev": "dev"})

POOL, CLASS = "kubernetes:karpenter.sh/v1:NodePool", "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
DATABASE = "aws:rds/instance:Instance"

ROOT = "urn:pulumi:dev::modelyard::"


def events_of(*events: dict[str, Any]) -> EngineEvents:
    engine_events = EngineEvents(True)
    for number, event in enumerate(events):
        engine_events.listen(EngineEvent.from_json({"sequence": number, "timestamp": 0, **event}))
    return engine_events


def step(op: str, kind: str, name: str, old: Any = None, new: Any = None, **more: Any) -> dict[str, Any]:
    urn, component = f"{ROOT}modelyard:index:GpuPool${kind}::{name}", f"{ROOT}modelyard:index:GpuPool::gpu-pool-chat"
    state = {
        "type": kind,
        "urn": urn,
        "id": "",
        "parent": component,
        "provider": "",
        "protect": more.pop("protect", False),
    }
    sides = {
        side: {**state, "inputs": inputs} if inputs is not None else None
        for side, inputs in (("old", old), ("new", new))
    }
    return {"resOutputsEvent": {"metadata": {"op": op, "urn": urn, "type": kind, "provider": "", **sides, **more}}}


def found(*events: dict[str, Any], ok: bool = True, **more: Any) -> Found:
    outcome = Outcome(operation=Operation.PREVIEW, ok=ok, events=events_of(*events), seconds=1)
    values = {"world": "SIMULATED sandbox", "simulated": True, "stack": "dev", "full": "all", "rules": 3}
    return Found(**{**values, "outcome": outcome, **more})


def differences(old: Any, new: Any) -> dict[str, tuple[str | None, str | None]]:
    return {each.path: (each.before, each.after) for each in diff.properties(old, new)}


def test_maps_differ_by_key_and_lists_of_named_things_by_name() -> None:
    old = {"spec": {"limits": {"cpu": 1}, "rules": [{"key": "a", "values": ["x"]}, {"key": "b", "values": ["y"]}]}}
    new = {"spec": {"limits": {"cpu": 2}, "rules": [{"key": "b", "values": ["y", "z"]}]}}
    assert differences(old, new) == {
        "spec.limits.cpu": ("1", "2"),
        "spec.rules[a].key": ("a", None),
        "spec.rules[a].values": ("[x]", None),
        "spec.rules[b].values": ("[y]", "[y, z]"),
    }


@pytest.mark.parametrize(
    ("key", "old", "new", "path"),
    [
        ("policy", '{"a": [{"b": 1}]}', '{"a": [{"b": 2}]}', "policy » a[0].b"),
        ("rules.yaml", "a:\n  b: 1\n", "a:\n  b: 2   # why\n", '["rules.yaml"] » a.b'),
    ],
)
def test_a_document_in_a_text_differs_by_its_parts(key: str, old: str, new: str, path: str) -> None:
    assert differences({key: old}, {key: new}) == {path: ("1", "2")}
    # Written otherwise, it is the same document, and the report does not call that nothing.
    assert list(differences({key: old}, {key: old + " "}))


def test_a_prompt_differs_by_its_lines_even_when_it_could_be_yaml() -> None:
    (only,) = diff.properties({"support.md": "Role: helper\nBe brief.\n"}, {"support.md": "Role: helper\nBe kind.\n"})
    assert only.lines == [" Role: helper", "-Be brief.", "+Be kind."]


def test_a_bomb_of_aliases_is_a_text() -> None:
    bomb = "a: &a [x, x]\nb: [*a, *a]\n"
    (only,) = diff.properties({"x.yaml": bomb}, {"x.yaml": bomb + "c: 1\n"})
    assert "+c: 1" in only.lines


def test_what_deployment_will_tell_is_said_so() -> None:
    assert differences({"vpcId": "vpc-1"}, {"vpcId": UNKNOWN}) == {"vpcId": ("vpc-1", diff.UNKNOWN)}


def test_a_secret_that_changes_is_said_to_and_not_shown() -> None:
    assert differences({"password": "one-two"}, {"password": "three"}) == {
        "password": ("[secret]", "[secret], another one")
    }


Json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab \n:é", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc.", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", min_size=1), Json), st.dictionaries(st.text("abc", min_size=1), Json))
def test_two_sets_of_properties_have_no_difference_exactly_when_they_are_the_same(old: Any, new: Any) -> None:
    same = json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)
    empty = {json.dumps(each, sort_keys=True) for each in (old, new)}
    if same:
        assert not list(diff.properties(old, new))
    elif not any('""' in each or "{}" in each or "[]" in each or "null" in each for each in empty):
        assert list(diff.properties(old, new))


def hazards(
    op: str, kind: str, old: Any = None, new: Any = None, protect: tuple[bool, bool] = (False, False)
) -> set[Hazard]:
    each = danger(op, kind, "it", old or {}, new or {}, (), protect)
    return set(each.hazards) if each else set()


@pytest.mark.parametrize(
    ("kind", "field", "told"),
    [
        (POOL, {"template": {"spec": {"expireAfter": "336h"}}}, True),
        (POOL, {"template": {"metadata": {"labels": {"a": "b"}}}}, True),
        (POOL, {"template": {"spec": {"requirements": [{"key": "zone", "values": ["a"]}]}}}, True),
        (POOL, {"limits": {"nvidia.com/gpu": "2"}}, False),
        (POOL, {"weight": 10}, False),
        (POOL, {"disruption": {"consolidateAfter": "10m"}}, False),
        (CLASS, {"blockDeviceMappings": [{"deviceName": "/dev/xvda"}]}, True),
        (CLASS, {"amiSelectorTerms": [{"alias": "al2023@v1"}]}, True),
    ],
)
def test_fields_that_make_karpenter_replace_nodes_are_told_and_others_are_not(
    kind: str, field: Any, told: bool
) -> None:
    assert (Hazard.NODES in hazards("update", kind, {"spec": {}}, {"spec": field})) == told
    assert Hazard.NODES not in hazards("create", kind, {}, {"spec": field})


def test_requirements_and_selectors_replace_only_what_no_longer_matches() -> None:
    one = danger(
        "update", POOL, "p", {}, {"spec": {"template": {"spec": {"requirements": [{"key": "a"}]}}}}, (), (False, False)
    )
    assert one and one.why == "because of spec.template.spec.requirements (those that no longer match)"


@pytest.mark.parametrize(
    ("op", "kind", "protect", "wanted"),
    [
        ("create", DATABASE, (False, False), set()),
        ("update", DATABASE, (False, False), {Hazard.DATABASE}),
        ("replace", DATABASE, (False, False), {Hazard.DATABASE, Hazard.REPLACE}),
        ("delete", DATABASE, (True, True), {Hazard.DATABASE, Hazard.DELETE, Hazard.PROTECTED}),
        ("update", "aws:rds/subnetGroup:SubnetGroup", (False, False), set()),
        ("update", "aws:ec2/vpc:Vpc", (True, False), {Hazard.UNPROTECT}),
        ("update", "aws:ec2/vpc:Vpc", (True, True), set()),
        ("delete", "aws:s3/bucket:Bucket", (False, False), {Hazard.DELETE, Hazard.DATA}),
        ("update", "aws:s3/bucket:Bucket", (False, False), set()),
    ],
)
def test_what_is_lost_or_protected_is_set_apart(
    op: str, kind: str, protect: tuple[bool, bool], wanted: set[Hazard]
) -> None:
    assert hazards(op, kind, protect=protect) == wanted


def test_the_steps_of_a_replacement_are_one_change() -> None:
    steps = [
        step("create-replacement", DATABASE, "registry", None, {"engine": "mysql"}, keys=["engine"]),
        step("replace", DATABASE, "registry", {"engine": "postgres"}, {"engine": "mysql"}, keys=["engine"]),
        step("delete-replaced", DATABASE, "registry", {"engine": "postgres"}, None),
    ]
    report = make(found(*steps))
    (group,) = report.groups
    assert (group.name, group.counts) == ("gpu-pool-chat", {"replace": 1})
    assert [(each.path, each.before, each.after) for each in group.changes[0].properties] == [
        ("engine", "postgres", "mysql")
    ]
    assert [danger.why for danger in report.dangers] == [
        "it is replaced, as engine cannot be changed; its data goes with it"
    ]


def test_a_preview_that_was_refused_failed_or_not_judged_is_never_called_a_pass() -> None:
    assert make(found()).verdict is Verdict.NOTHING
    assert make(found(step("create", POOL, "a", None, {}))).verdict is Verdict.PASSES
    assert make(found(rules=0)).verdict is Verdict.UNDETERMINED
    assert make(found(ok=False)).verdict is Verdict.FAILED
    assert make(found(outcome=None)).verdict is Verdict.FAILED
    assert make(found(outcome=None, failed=Refused(Problem(summary="too dear")))).verdict is Verdict.REFUSED
    assert (
        make(found(outcome=None, failed=Refused(Problem(summary="x"), ExitCode.UNAVAILABLE))).verdict is Verdict.FAILED
    )
    assert make(found(outcome=None, failed=ZeroDivisionError("by us"))).headline.startswith("FAILED: modelyard itself")
    unknown = model.JudgingCheckout(revision="main", unknown=["gpuPools.chat.turbo"])
    assert make(found(judge=unknown)).verdict is Verdict.UNDETERMINED


def test_what_is_deployed_is_priced_from_the_state_component_by_component() -> None:
    bill = DeployedBill.of({"resources": deployed_stack()}, stack="dev", guard=GUARD)
    assert bill.amounts and bill.amounts.maximum == cents(bill.gate.maximum or ZERO) > 0
    assert set(bill.components) == {"network", "platform"}
    assert sum(bill.components.values()) == bill.gate.maximum
    assert DeployedBill.of({}, stack="dev", guard=GUARD).amounts is None
    unclear = DeployedBill.of({"resources": deployed_stack(region=None)}, stack="dev", guard=GUARD)
    assert unclear.amounts is None and unclear.gate.unreadable


Text = st.text(st.characters(codec="utf-8"), max_size=3000)
Tolds = st.lists(st.builds(model.Told, summary=Text, about=Text, details=st.lists(Text, max_size=3)), max_size=30)
Properties = st.lists(
    st.builds(model.Property, path=Text, before=st.none() | Text, after=Text, lines=st.lists(Text, max_size=4)),
    max_size=4,
)
Changes = st.lists(st.builds(model.Change, op=Text, type=Text, name=Text, properties=Properties), max_size=4)
Counts = st.dictionaries(Text, st.integers(0, 10**9), max_size=12)
Reports = st.builds(
    Report,
    world=Text,
    simulated=st.booleans(),
    stack=Text,
    verdict=st.sampled_from(Verdict),
    headline=Text,
    notices=st.lists(Text, max_size=20),
    counts=Counts,
    refusals=Tolds,
    errors=Tolds,
    groups=st.lists(st.builds(model.Group, name=Text, counts=Counts, changes=Changes), max_size=8),
    notes=st.lists(Text, max_size=20),
    full=Text,
)


@settings(max_examples=25)
@given(Reports, st.integers(1, 200))
def test_a_report_of_any_size_is_under_the_bound_in_every_form(report: Report, times: int) -> None:
    grown = report.model_copy(
        update={
            "groups": report.groups * times,
            "dangers": [model.Danger(hazards=list(Hazard), resource=report.headline, why=report.full)] * times,
            "policies": model.Policies(
                rows=[
                    model.PolicyRow(
                        rule=report.world, mandatory=True, resources=[report.stack] * 9, count=9, message=report.full
                    )
                ]
                * times
            ),
        }
    )
    for form, write in WRITERS.items():
        text = fitted(grown, write)
        assert len(text.encode("utf-8")) < LIMIT
        if form is Form.JSON:
            assert Report.model_validate_json(text)


def test_the_least_detail_of_the_worst_report_is_under_the_bound() -> None:
    worst = '\U0001f600&"<\x00`|' * 500
    told = [model.Told(summary=worst, about=worst, details=[worst] * 50)] * 50
    row = model.PolicyRow(rule=worst, mandatory=True, resources=[worst] * 9, count=9, message="\n".join([worst] * 9))
    exempt = model.ExemptionRow(what=worst, owner=worst, reason=worst, expires=worst, expired=True)
    amounts = model.Amounts(minimum="1", expected="2", maximum="3")
    part = model.CostChange(name=worst, before=None, after="1", change="1")
    report = Report(
        world=worst,
        simulated=True,
        stack=worst,
        verdict=Verdict.FAILED,
        headline=worst,
        notices=[worst] * 50,
        counts={f"{number}{worst}": 1 for number in range(50)},
        judge=model.JudgingCheckout(
            revision=worst, changed=[model.Guarded(path=worst, how=worst)] * 50, unknown=[worst] * 50
        ),
        refusals=told,
        errors=told,
        warnings=told,
        cost=model.Cost(
            planned=amounts, deployed=amounts, change=amounts, budget="1", ceiling="2", binds=worst, left="0",
            unpriced=1, price_book=worst, components=[part] * 50,
        ),
        policies=model.Policies(rows=[row] * 50, exemptions=[exempt] * 50),
        dangers=[model.Danger(hazards=list(Hazard), resource=worst, why=worst)] * 50,
        groups=[model.Group(name=worst, counts={f"{number}{worst}": 1 for number in range(50)})] * 50,
        notes=[worst] * 50,
        full=worst,
    )  # fmt: skip
    for write in WRITERS.values():
        assert len(write(cut(report, LEVELS[-1])).encode("utf-8")) < LIMIT
        assert len(fitted(report, write).encode("utf-8")) < LIMIT


def test_what_others_wrote_can_neither_format_nor_ping_nor_forge_a_marker() -> None:
    nasty = "@everyone <!-- modelyard:report --> </details> ```\n# Approved | `x` [a](http://b)"
    report = make(found(step("update", POOL, "n", {"a": "x\ny"}, {"a": f"x\n{nasty}"}), ok=False))
    report = report.model_copy(update={"headline": nasty, "notices": [nasty]})
    text = WRITERS[Form.MD](report)
    assert "<!--" not in text
    outside = text.split("```")[0::2]
    assert not [part for part in outside if re.search(r"@everyone|</details> |[^\\\\]\]\(|://", part)]
    assert text.count("```") == 2 * text.count("```diff")


def test_the_json_report_is_what_its_schema_says() -> None:
    assert model.SCHEMA.read_text(encoding="utf-8") == model.schema()
    report = make(found(step("update", DATABASE, "a", {"x": 1}, {"x": 2})))
    assert Report.model_validate_json(model.as_json(report)) == report
    assert set(json.loads(model.as_json(report))) == set(json.loads(model.schema())["properties"])


def test_only_the_platforms_own_plan_is_summed_up_elsewhere() -> None:
    assert set(SUMMED_UP) == {"modelyard:index:Platform"}
    assert Path(model.SCHEMA).name == "report.json"
