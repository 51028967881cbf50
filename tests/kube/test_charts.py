"""Values of Helm charts: what a chart knows passes, and each way of getting one wrong is named with its path."""

from __future__ import annotations

from typing import Any

import pytest

from core import versions
from core.problem import Problem
from engine.marks import UNKNOWN
from kube.chart_facts import ANY, ITEM, Node, chart
from kube.charts import check_values, crds, known_charts

KARPENTER = "1.14.1"


def karpenter(values: dict[str, Any]) -> list[Problem]:
    return check_values("karpenter", KARPENTER, {"settings": {"clusterName": "c"}} | values)


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, [problem.text() for problem in problems]
    return problems[0]


def example(node: Node) -> Any:
    if ITEM in node.children:
        return [example(node.children[ITEM])]
    named = {key: child for key, child in node.children.items() if key != ANY and not child.unread}
    if named:
        return {key: example(child) for key, child in named.items()}
    if node.children and ANY not in node.children:
        return {}
    if ANY in node.children:
        return {"any-name": example(node.children[ANY])}
    return {"bool": True, "int": 1, "float": 0.5, "map": {}, "list": []}.get(node.kind, "text")


def test_the_values_that_the_platform_sets_are_accepted() -> None:
    values = {
        "settings": {"clusterName": "dev", "interruptionQueue": "dev-karpenter", "featureGates": {"nodeRepair": True}},
        "controller": {"resources": {"requests": {"cpu": "1"}}},
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
        "replicas": 2,
    }
    assert check_values("karpenter", KARPENTER, values) == []


@pytest.mark.parametrize("name", known_charts())
def test_every_path_of_every_table_is_accepted_with_a_value_of_its_kind(name: str) -> None:
    facts = chart(name)
    assert facts is not None
    assert [p.text() for p in check_values(name, facts.version, example(facts.root))] == []


@pytest.mark.parametrize("pinned", versions.CHARTS.values(), ids=lambda pinned: pinned.name)
def test_the_pinned_versions_are_those_of_the_tables(pinned: versions.Chart) -> None:
    facts = chart(pinned.name)
    assert facts is not None
    assert facts.version == pinned.version
    assert set(pinned.crds) <= set(facts.crds)


def test_a_misspelt_value_is_refused_with_the_name_that_was_meant() -> None:
    problem = only(karpenter({"settings": {"clusterName": "c", "interruptionQueu": "q"}}))
    assert problem.where == "settings.interruptionQueu"
    assert problem.fix == 'did you mean "interruptionQueue"?'


def test_a_key_with_dots_stands_in_quotes() -> None:
    problem = only(check_values("nvidia-device-plugin", "0.20.0", {"a.b": 1}))
    assert problem.where == '"a.b"'


def test_a_value_of_an_older_version_says_what_replaced_it() -> None:
    problem = only(karpenter({"settings": {"clusterName": "c", "aws": {"interruptionQueueName": "q"}}}))
    assert problem.where == "settings.aws.interruptionQueueName"
    assert problem.fix == "now settings.interruptionQueue"
    assert only(karpenter({"logConfig": {"enabled": True}})).fix == "now logLevel"


def test_a_value_of_an_older_version_without_successor_is_to_be_removed() -> None:
    problem = only(karpenter({"webhook": {"enabled": True}}))
    assert problem.fix == "remove it"
    assert "v1.0.0" in problem.summary


def test_a_moved_map_points_at_its_new_place_only_where_the_chart_reads_it() -> None:
    aws = {"clusterName": "c", "defaultInstanceProfile": "p"}
    problems = karpenter({"settings": {"clusterName": "c", "aws": aws}})
    assert [problem.fix for problem in problems] == ["now settings.clusterName", "remove it"]


def test_a_value_that_no_template_reads_is_refused() -> None:
    problem = only(check_values("nvidia-device-plugin", "0.20.0", {"gfd": {"noTimestamp": True}}))
    assert problem.where == "gfd.noTimestamp"
    assert "reads this value" in problem.summary


@pytest.mark.parametrize(
    ("values", "where", "allowed"),
    [
        ({"hostNetwork": "false"}, "hostNetwork", "bool"),
        ({"logLevel": True}, "logLevel", "string"),
        ({"replicas": {"min": 1}}, "replicas", "int"),
        ({"controller": []}, "controller", ""),
        ({"controller": 3}, "controller", "map"),
        ({"controller": [1]}, "controller", "map"),
        ({"tolerations": 1}, "tolerations", "list"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(values: dict[str, Any], where: str, allowed: str) -> None:
    problems = karpenter(values)
    assert [(problem.where, problem.allowed) for problem in problems] == ([(where, allowed)] if allowed else [])


def test_an_open_map_takes_anything() -> None:
    assert karpenter({"nodeSelector": {"whatever": "x"}, "podAnnotations": {"a": {"b": 1}}}) == []


def test_a_required_value_is_missed_until_it_is_set_or_not_yet_known() -> None:
    problem = only(check_values("karpenter", KARPENTER, {}))
    assert problem.where == "settings.clusterName"
    assert only(check_values("karpenter", KARPENTER, {"settings": {"clusterName": ""}})).where == problem.where
    assert check_values("karpenter", KARPENTER, {"settings": {"clusterName": UNKNOWN}}) == []
    assert check_values("karpenter", KARPENTER, {"settings": UNKNOWN}) == []


def test_a_value_required_by_a_feature_has_a_default_until_it_is_emptied() -> None:
    version = "v1.9.0"
    assert check_values("gateway-helm", version, {"hpa": {"enabled": True}}) == []
    assert only(check_values("gateway-helm", version, {"hpa": {"maxReplicas": None}})).where == "hpa.maxReplicas"


def test_a_leading_v_of_the_version_does_not_matter() -> None:
    assert check_values("gateway-helm", "1.9.0", {}) == check_values("gateway-helm", "v1.9.0", {}) == []


def test_a_chart_or_a_version_without_facts_is_refused() -> None:
    problem = only(check_values("karpentr", KARPENTER, {}))
    assert problem.fix == 'did you mean "karpenter"?'
    assert only(check_values("karpenter", "1.14.2", {})).allowed == KARPENTER
    assert only(check_values("../karpenter", KARPENTER, {})).where == "chart"


def test_the_crds_of_a_chart_are_those_of_its_version_only() -> None:
    assert "nodepools.karpenter.sh" in crds("karpenter-crd", KARPENTER)
    assert crds("karpenter-crd", "0.1.0") == ()


def test_no_value_is_quoted_for_it_may_be_a_secret() -> None:
    problems = karpenter({"hostNetwork": "hunter2", "nope": "hunter2"})
    assert problems
    assert not any("hunter2" in problem.text() for problem in problems)
