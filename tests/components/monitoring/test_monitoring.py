"""What monitoring is made of, from its Spec: values, routes, secrets and roles, and what its Spec refuses."""

from __future__ import annotations

import copy
import functools
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from components.alerts.rule import Severity, Team
from components.catalogue import BOARDS, GROUPS, alerts, groups
from components.monitoring.gpu_exporter import CHART, METRICS, exporter_monitor, exporter_values
from components.monitoring.routes import configuration
from components.monitoring.spec import AlertsSpec, MonitoringSpec
from components.monitoring.stack_values import NODE_LABELS, SIZES, stack_values
from components.monitoring.stock_alerts import OFF
from components.nodes.gpu_engine import GpuEngine
from components.nodes.nodepools import POOL_LABEL
from components.secrets.component import ExternalSecretsSpec, from_store, operator_values
from core.problem import Refused
from core.versions import CHARTS
from infra.build import build
from infra.declared import Declared, declare
from infra.guard import guard
from infra.plan import plan
from infra.stack.stack import Stack
from kube.charts import check_values
from kube.metrics import exporters
from tests.roots import ROOT

TOPIC = "arn:aws:sns:us-east-1:123456789012:oncall"
RECEIVERS: dict[str, Any] = {
    "oncall": {"kind": "pagerduty", "secret": "modelyard-dev/pagerduty"},
    "chat": {"kind": "slack", "secret": "modelyard-dev/slack", "channel": "#platform"},
    "topic": {"kind": "sns", "topicArn": TOPIC},
}
FULL: dict[str, Any] = {
    "highAvailability": True,
    "alerts": {
        "receivers": RECEIVERS,
        "everybody": {"critical": "oncall", "warning": "chat"},
        "teams": {"serving": {"critical": "topic"}},
    },
    "grafana": {
        "adminSecret": "modelyard-dev/grafana",
        "rootUrl": "https://grafana.example.com",
        "oidc": {
            "clientId": "grafana",
            "clientSecret": "modelyard-dev/oidc#client",
            "authUrl": "https://id.example.com/authorize",
            "tokenUrl": "https://id.example.com/token",
            "apiUrl": "https://id.example.com/userinfo",
        },
    },
    "remoteWrite": {"url": "https://samples.example.com/write", "secret": "modelyard-dev/samples"},
}

HOSTS = ("id.example.com", "samples.example.com")


def values(**changed: Any) -> dict[str, Any]:
    spec = MonitoringSpec.model_validate(changed)
    return stack_values(spec, storage_class="gp3", nodes_namespace="monitoring-nodes", cluster="modelyard-dev")


def with_monitoring(stack: str, monitoring: dict[str, Any], **more: Any) -> Stack:
    platform = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]["modelyard:platform"]
    return Stack.of({**platform, "monitoring": monitoring, **more}, "" if stack == "local" else "us-east-1")


@functools.cache
def declared(stack: str, monitoring: str) -> tuple[Declared, ...]:
    program, listed = with_monitoring(stack, json.loads(monitoring)), replace(guard(), secret_hosts=HOSTS)
    return tuple(declare(lambda: build(plan(program, listed)), project="modelyard", stack=stack).values())


def own(found: tuple[Declared, ...], component: str = "Monitoring") -> list[Declared]:
    return [declared for declared in found if f"{component}$" in declared.urn]


@pytest.mark.parametrize("changed", [{}, {"size": "large"}, FULL], ids=["plain", "large", "everything"])
def test_every_value_is_one_that_the_charts_read(changed: dict[str, Any]) -> None:
    for chart, given in (
        ("kube-prometheus-stack", values(**changed)),
        (CHART, exporter_values(GpuEngine.AGENT)),
        ("external-secrets", operator_values(ExternalSecretsSpec(replicas=2))),
    ):
        assert check_values(chart, CHARTS[chart].version, given) == []
    wrong = values(**changed)
    wrong["prometheus"]["prometheusSpec"]["serviceMonitorSelectorNilUsesHelmValue"] = False
    assert check_values("kube-prometheus-stack", CHARTS["kube-prometheus-stack"].version, wrong)


def test_prometheus_reads_every_teams_monitors_and_keeps_what_it_read() -> None:
    spec = values(retentionDays=21, storageGib={"prometheus": 80})["prometheus"]["prometheusSpec"]
    switches = [key for key in spec if key.endswith("SelectorNilUsesHelmValues")]
    assert len(switches) == 5
    assert not any(spec[key] for key in switches)
    assert spec["retention"] == "21d"
    assert spec["retentionSize"] == "64GiB"
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["resources"]["requests"]["storage"] == "80Gi"
    assert claim["storageClassName"] == "gp3"


def test_what_runs_where_nobody_can_read_it_is_off() -> None:
    found = values()
    for part in ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy"):
        assert found[part] == {"enabled": False}
    assert not any(found["defaultRules"]["rules"].values())


def test_stock_alerts_that_would_never_rest_are_off_and_each_is_one_that_the_chart_has() -> None:
    off = values()["defaultRules"]["disabled"]
    assert {f"Kube{what}Overcommit" for what in ("CPU", "Memory", "CPUQuota", "MemoryQuota")} <= off.keys()
    assert all(switched is True for switched in off.values())
    facts = json.loads((ROOT / "kube" / "data" / "charts" / "kube-prometheus-stack.json").read_text())
    assert off.keys() == OFF.keys() <= set(facts["sets"]["alert"])
    assert all(len(reason) > 10 for reason in OFF.values())
    assert not any(key in found for key in OFF for found in (alert.name for alert in alerts()))


@pytest.mark.parametrize("gib", [10, 11, 50, 199, 16384])
def test_a_full_prometheus_leaves_more_room_than_the_stock_alert_on_volumes_looks_at(gib: int) -> None:
    spec = values(storageGib={"prometheus": gib})["prometheus"]["prometheusSpec"]
    file_system = Decimal(gib) * Decimal("0.98")
    assert (file_system - int(spec["retentionSize"].removesuffix("GiB"))) / file_system > Decimal("0.15")


@pytest.mark.parametrize(
    ("available", "replicas", "alertmanagers", "apart"), [(False, 1, 1, "soft"), (True, 2, 3, "hard")]
)
def test_high_availability_is_a_copy_on_another_node(
    available: bool, replicas: int, alertmanagers: int, apart: str
) -> None:
    found = values(highAvailability=available)
    prometheus, alertmanager = found["prometheus"]["prometheusSpec"], found["alertmanager"]["alertmanagerSpec"]
    assert (prometheus["replicas"], alertmanager["replicas"]) == (replicas, alertmanagers)
    assert prometheus["podAntiAffinity"] == alertmanager["podAntiAffinity"] == apart
    assert found["prometheus"]["podDisruptionBudget"]["enabled"] is available


def test_memory_grows_with_the_size() -> None:
    gib = [int(SIZES[size].memory.removesuffix("Gi")) for size in SIZES]
    assert gib == sorted(gib)
    assert values(size="large")["prometheus"]["prometheusSpec"]["resources"]["limits"]["memory"] == "16Gi"


def test_nobody_enters_grafana_without_a_name() -> None:
    for found in (values()["grafana"], values(**FULL)["grafana"]):
        assert found["grafana.ini"]["auth.anonymous"] == {"enabled": False}
        assert found["grafana.ini"]["users"] == {"allow_sign_up": False}
        assert found["admin"]["existingSecret"] == "grafana-admin"
        assert "adminPassword" not in found
    oidc = values(**FULL)["grafana"]["grafana.ini"]["auth.generic_oauth"]
    assert oidc["role_attribute_strict"] is True
    assert "client_secret" not in oidc


def test_pods_that_look_into_their_node_run_in_a_namespace_of_their_own() -> None:
    declared_resources = own(declared("dev", "{}"))
    levels = {
        each.inputs["metadata"]["name"]: each.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for each in declared_resources
        if each.token.endswith(":Namespace")
    }
    assert levels == {"monitoring": "restricted", "monitoring-nodes": "privileged"}
    assert values()["prometheus-node-exporter"]["namespaceOverride"] == "monitoring-nodes"
    assert values()["grafana"]["initChownData"] == {"enabled": False}, "it runs as root"


def test_the_gpu_exporter_has_the_fields_that_its_default_leaves_out_and_runs_on_gpu_nodes() -> None:
    names = {name for name, kind, _ in METRICS if kind != "label"}
    assert names == set(exporters()[CHART].series), "the list and the table of what is exported differ"
    assert exporters()[CHART].version == CHARTS[CHART].version
    for name, kind, _ in METRICS:
        if kind != "label":
            assert exporters()[CHART].series[name].type == kind
    assert {"DCGM_EXP_XID_ERRORS_COUNT", "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "DCGM_FI_DEV_THERMAL_VIOLATION"} <= names
    found = exporter_values(GpuEngine.AGENT)
    assert found["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert found["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert len(found["customMetrics"].splitlines()) == len(METRICS)
    targets = [relabeling["targetLabel"] for relabeling in exporter_monitor()["endpoints"][0]["relabelings"]]
    assert targets == ["node", "pool"]


def test_labels_of_nodes_that_panels_read_are_passed_on() -> None:
    (allowed,) = values()["kube-state-metrics"]["metricLabelsAllowlist"]
    assert POOL_LABEL in NODE_LABELS
    known = exporters()["kube-state-metrics"].series["kube_node_labels"].labels
    for label in NODE_LABELS:
        assert label in allowed
        assert "label_" + label.replace(".", "_").replace("/", "_").replace("-", "_") in known


def test_an_alert_goes_to_its_teams_receiver_before_everybodys() -> None:
    found = configuration(AlertsSpec.model_validate(FULL["alerts"]))
    routes = [(route["receiver"], *route["matchers"]) for route in found["route"]["routes"]]
    assert routes == [
        ("nobody", 'alertname =~ "InfoInhibitor|Watchdog"'),
        ("topic", 'team = "serving"', 'severity = "critical"'),
        ("oncall", 'severity = "critical"'),
        ("chat", 'severity = "warning"'),
    ]
    receivers = {receiver["name"]: receiver for receiver in found["receivers"]}
    assert set(receivers) == {"nobody", *RECEIVERS}
    assert receivers["oncall"]["pagerduty_configs"][0]["routing_key_file"].endswith("/alert-receivers/oncall")
    assert receivers["chat"]["slack_configs"][0]["api_url_file"].endswith("/alert-receivers/chat")
    assert receivers["topic"]["sns_configs"][0]["sigv4"] == {"region": "us-east-1"}
    assert "modelyard-dev/" not in json.dumps(found), "the name of a secret is not Alertmanager's to know"


def test_without_receivers_every_alert_goes_to_nobody() -> None:
    found = configuration(AlertsSpec())
    assert found["receivers"] == [{"name": "nobody"}]
    assert found["route"]["receiver"] == "nobody"


def test_secrets_come_from_the_store_and_roles_allow_one_thing() -> None:
    declared_resources = own(declared("dev", json.dumps(FULL)))
    secrets = {each.name: each.inputs["spec"] for each in declared_resources if each.token.endswith(":ExternalSecret")}
    assert set(secrets) == {"alert-receivers", "grafana-admin", "grafana-oidc", "remote-write"}
    assert secrets["alert-receivers"] == from_store(
        "monitoring", "alert-receivers", {"chat": "modelyard-dev/slack", "oncall": "modelyard-dev/pagerduty"}
    )
    assert secrets["grafana-oidc"]["data"][0]["remoteRef"] == {"key": "modelyard-dev/oidc", "property": "client"}
    policies = {
        each.name: json.loads(each.inputs["policy"])["Statement"]
        for each in declared_resources
        if "rolePolicy" in each.token
    }
    assert {name: (each["Action"], each["Resource"]) for name, (each,) in policies.items()} == {
        "alertmanager": (["sns:Publish"], [TOPIC]),
    }


def test_without_a_named_secret_grafanas_password_is_made_in_the_cluster_and_stands_nowhere_else() -> None:
    declared_resources = own(declared("dev", "{}"))
    (secret,) = [each.inputs["spec"] for each in declared_resources if each.token.endswith(":ExternalSecret")]
    assert secret["refreshPolicy"] == "CreatedOnce"
    assert secret["dataFrom"][0]["sourceRef"]["generatorRef"]["kind"] == "Password"
    assert not [each for each in declared_resources if each.token.startswith("aws:")]


PARTS = {
    "": "external-secrets",
    "webhook": "external-secrets-webhook",
    "certController": "external-secrets-cert-controller",
}
"""Where the chart's values say something of each Deployment of External Secrets, and its pods' label."""


@pytest.mark.parametrize("replicas", [1, 2, 5])
@pytest.mark.parametrize("part", PARTS)
def test_whatever_the_api_server_waits_for_outlives_a_node_once_there_are_two_of_it(part: str, replicas: int) -> None:
    whole = operator_values(ExternalSecretsSpec(replicas=replicas))
    found = whole[part] if part else whole
    assert found["replicaCount"] == replicas
    assert found["podDisruptionBudget"] == {"enabled": replicas > 1, "minAvailable": 1}
    on_nodes, on_zones = found["topologySpreadConstraints"]
    assert (on_nodes["topologyKey"], on_zones["topologyKey"]) == (
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    )
    assert on_nodes["whenUnsatisfiable"] == ("DoNotSchedule" if replicas > 1 else "ScheduleAnyway")
    assert on_zones["whenUnsatisfiable"] == "ScheduleAnyway"
    for spread in (on_nodes, on_zones):
        assert spread["labelSelector"] == {"matchLabels": {"app.kubernetes.io/name": PARTS[part]}}
    assert ("enable-leader-election" in whole["certController"].get("extraArgs", {})) is (replicas > 1)
    assert whole["leaderElect"] is (replicas > 1)


def test_every_group_and_every_dashboard_is_declared() -> None:
    declared_resources = own(declared("dev", "{}"))
    rules = {
        each.inputs["metadata"]["name"]: each.inputs["spec"]
        for each in declared_resources
        if "PrometheusRule" in each.token
    }
    assert rules == {group.name: group.spec() for group in GROUPS}
    boards = {
        each.inputs["metadata"]["name"]: each.inputs for each in declared_resources if each.token.endswith(":ConfigMap")
    }
    assert set(boards) == {board.uid for board in BOARDS}
    for board in boards.values():
        assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert board["metadata"]["namespace"] == "monitoring"


def test_outside_aws_nothing_of_aws_is_declared_and_nobody_waits_for_karpenter() -> None:
    declared_resources = declared("local", '{"karpenter": false}')
    assert not [each.token for each in declared_resources if each.token.startswith("aws:")]
    names = [each.inputs["metadata"]["name"] for each in own(declared_resources) if "PrometheusRule" in each.token]
    assert "pools" not in names
    bare = with_monitoring("local", {"karpenter": False, "gpus": False}, registry=None, releases=[])
    assert sorted(group.name for group in groups(bare)) == ["nodes", "sources"]


def test_the_registry_is_watched_where_there_is_one() -> None:
    program = with_monitoring("dev", {}, registry=None, releases=[])
    without = own(tuple(declare(lambda: build(plan(program, guard())), project="modelyard", stack="dev").values()))
    names = {each.inputs["metadata"]["name"] for each in without if "metadata" in each.inputs}
    assert {"registry", "modelyard-registry"} & names == set()
    assert {"sources", "modelyard-overview"} <= names
    names = {each.inputs["metadata"]["name"] for each in own(declared("dev", "{}")) if "metadata" in each.inputs}
    assert {"registry", "modelyard-registry"} <= names


def test_without_monitoring_there_is_none_of_it() -> None:
    declared_resources = declared("dev", '{"enabled": false}')
    assert own(declared_resources) == []


def changed(path: str, value: Any) -> dict[str, Any]:
    whole = copy.deepcopy(FULL)
    *above, last = path.split(".")
    place = whole
    for step in above:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return whole


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("alerts.receivers.oncall.secret", None, "needs the name of a secret"),
        ("alerts.receivers.topic.topicArn", None, "needs its topic"),
        ("alerts.receivers.topic.topicArn", "arn:aws:sqs:us-east-1:123456789012:x", "not the ARN of an SNS topic"),
        ("alerts.receivers.topic.secret", "x", "has no secret"),
        ("alerts.receivers.oncall.channel", "#x", "only slack has it"),
        ("alerts.everybody.critical", "nobody-there", "no such receiver"),
        ("alerts.teams.finance", {}, "no alert belongs to such a team"),
        ("grafana.rootUrl", None, "needs an address"),
        ("remoteWrite.url", "https://aps-workspaces.us-east-1.amazonaws.com/x", "no price of a sample"),
        ("remoteWrite.url", "http://samples.example.com", "not an https address"),
        ("storageGib", {"prometheus": 9}, "greater than or equal to 10"),
        ("retentionDays", 0, "greater than or equal to 1"),
        ("retentionDays", 366, "less than or equal to 365"),
    ],
)
def test_a_wrong_setting_is_refused(path: str, value: Any, problem: str) -> None:
    MonitoringSpec.model_validate(FULL)
    with pytest.raises(ValidationError, match=problem):
        MonitoringSpec.model_validate(changed(path, value))


def test_a_stack_without_a_store_cannot_name_a_secret_and_one_outside_aws_no_topic() -> None:
    named = {"karpenter": False, "alerts": {"receivers": {"chat": RECEIVERS["chat"]}}}
    with pytest.raises(Refused) as refused:
        with_monitoring("local", named)
    assert [problem.where for problem in refused.value.problems] == ["monitoring.alerts.receivers.chat.secret"]
    with pytest.raises(Refused) as refused:
        with_monitoring("local", {"karpenter": True, "alerts": {"receivers": {"topic": RECEIVERS["topic"]}}})
    assert {problem.where for problem in refused.value.problems} == {
        "monitoring.karpenter",
        "monitoring.alerts.receivers.topic.kind",
    }
    with pytest.raises(Refused) as refused:
        with_monitoring("local", {"karpenter": False}, externalSecrets={"source": "secretsManager"})
    assert [problem.where for problem in refused.value.problems] == ["externalSecrets.source"]


@pytest.mark.parametrize(
    ("alerts", "topic"),
    [
        (FULL["alerts"] | {"teams": {"registry": {"critical": "topic"}}}, TOPIC),
        (FULL["alerts"] | {"everybody": {"critical": "topic"}, "teams": {}}, TOPIC),
        (FULL["alerts"] | {"teams": {"registry": {"warning": "topic"}}}, None),
        (FULL["alerts"] | {"everybody": {"critical": "topic"}, "teams": {"registry": {"critical": "chat"}}}, None),
        ({}, None),
    ],
    ids=["the team's", "everybody's", "warnings only", "the team has another", "nobody"],
)
def test_rds_tells_the_registrys_topic_of_a_database_in_trouble(alerts: dict[str, Any], topic: str | None) -> None:
    declared_resources = declared("dev", json.dumps({"alerts": alerts}))
    subscriptions = [
        each.inputs for each in declared_resources if each.token == "aws:rds/eventSubscription:EventSubscription"
    ]
    assert [subscription["snsTopic"] for subscription in subscriptions] == ([topic] if topic else [])
    for subscription in subscriptions:
        assert subscription["eventCategories"] == ["failure", "low storage"]
        assert (subscription["sourceType"], len(subscription["sourceIds"])) == ("db-instance", 1)
    spec = AlertsSpec.model_validate(alerts)
    assert spec.topic(Team.REGISTRY, Severity.CRITICAL, "eu-west-1") is None, "RDS tells no topic of another region"
