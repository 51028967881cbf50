"""What stands in for Helm releases: which of a release's values apply, and that it says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from core.versions import CHARTS, CRD_MODULES, GO_MODULES, ROLLOUTS_PLUGIN
from kube.objects import check_object
from sandbox.images.catalogue import RECIPES
from sandbox.programs.tools import TOOLS
from sandbox.releases import argo_rollouts, envoy_gateway, gateway, prometheus
from sandbox.releases.install import STAND_INS
from tests.conformance.node import release

MONITOR = {
    "metadata": {"name": "chat", "namespace": "serving"},
    "spec": {
        "selector": {"matchLabels": {"app.kubernetes.io/name": "chat"}},
        "podTargetLabels": ["rollouts-pod-template-hash"],
        "podMetricsEndpoints": [
            {"port": "http", "path": "/metrics", "interval": "15s"},
            {"port": "more", "relabelings": [{"sourceLabels": ["a"], "targetLabel": "b", "regex": "c"}]},
        ],
    },
}
EVERY = {
    "argo-rollouts": argo_rollouts.objects({}),
    "gateway-helm": [*envoy_gateway.certificates(), *envoy_gateway.objects({})],
    "kube-prometheus-stack": prometheus.objects([MONITOR]),
}
BY_HAND = {
    "gateway": gateway.objects(),
    "release": [*release.objects("chat")[:-1], release.rollout("chat", version="1")],
}


def of_kind(objects: list[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    (found,) = (each for each in objects if each["kind"] == kind and name in ("", each["metadata"]["name"]))
    return found


def plugins(values: Mapping[str, Any]) -> Any:
    config = of_kind(argo_rollouts.objects(values), "ConfigMap")
    return yaml.safe_load(config["data"]["trafficRouterPlugins"])


def pods(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each["spec"]["template"]["spec"] for each in objects if each["kind"] in ("Deployment", "Job")]


def test_a_release_that_can_be_stood_in_for_is_a_chart_of_ours_with_crds_and_programs() -> None:
    assert set(STAND_INS) == set(EVERY)
    for chart, each in STAND_INS.items():
        assert chart in CHARTS and each.chart == chart and each.name in TOOLS
        assert set(each.crds) <= set(CRD_MODULES) and set(each.images) <= set(RECIPES)
        assert f"release {chart}: stood in for by {each.name} v" in each.line


def test_a_stand_in_says_which_version_the_chart_runs_where_that_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    line = STAND_INS["gateway-helm"].line
    assert "envoy-gateway v1.9.1 (the chart runs v1.9.0), built from its Go module" in line
    monkeypatch.setitem(GO_MODULES, "envoy-gateway", "v1.9.0")
    assert "envoy-gateway v1.9.0, built from its Go module" in STAND_INS["gateway-helm"].line


@pytest.mark.parametrize("objects", EVERY.values(), ids=list(EVERY))
def test_every_pod_is_restricted_and_its_image_is_one_that_is_made_here(objects: list[dict[str, Any]]) -> None:
    made = {recipe.image.name for recipe in RECIPES.values()}
    for pod in pods(objects):
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]
        for container in pod["containers"]:
            held = container["securityContext"]
            assert container["image"] in made and container["imagePullPolicy"] == "Never"
            assert not held["allowPrivilegeEscalation"] and held["capabilities"] == {"drop": ["ALL"]}
            assert held["readOnlyRootFilesystem"]


@pytest.mark.parametrize("objects", EVERY.values(), ids=list(EVERY))
def test_nobody_is_an_administrator_and_every_account_that_is_used_is_there(objects: list[dict[str, Any]]) -> None:
    accounts = {each["metadata"]["name"] for each in objects if each["kind"] == "ServiceAccount"}
    assert {pod["serviceAccountName"] for pod in pods(objects)} == accounts
    for role in (each for each in objects if each["kind"] in ("Role", "ClusterRole")):
        said = [word for rule in role["rules"] for words in rule.values() for word in words]
        assert "*" not in said and "escalate" not in said and "impersonate" not in said


@pytest.mark.parametrize("objects", (EVERY | BY_HAND).values(), ids=list(EVERY | BY_HAND))
def test_the_objects_are_what_their_kinds_allow(objects: list[dict[str, Any]]) -> None:
    assert [problem for each in objects for problem in check_object(each)] == []


def test_the_plugin_of_the_stack_is_loaded_under_its_own_name_from_the_image() -> None:
    real = {"name": ROLLOUTS_PLUGIN.name, "location": ROLLOUTS_PLUGIN.address + "amd64", "sha256": "0" * 64}
    other = {"name": "team/other", "location": "https://example.org/plugin", "sha256": "1" * 64}
    stood_in = {"name": ROLLOUTS_PLUGIN.name, "location": argo_rollouts.STAND_IN}
    assert plugins({"controller": {"trafficRouterPlugins": [real, other]}}) == [stood_in, other]
    assert plugins({}) == [stood_in]
    assert f"file:///{RECIPES['argo-rollouts'].tools['httproute']}" == argo_rollouts.STAND_IN


def test_a_controller_whose_configuration_changes_gets_another_pod() -> None:
    def digest(values: Mapping[str, Any]) -> str:
        meta = of_kind(argo_rollouts.objects(values), "Deployment")["spec"]["template"]["metadata"]
        return str(meta["annotations"]["dev.modelyard/configuration"])

    other = {"controller": {"trafficRouterPlugins": [{"name": "team/other", "location": "file:///other"}]}}
    assert digest({}) == digest({}) != digest(other)


def test_the_resources_of_a_release_apply() -> None:
    asked = {"requests": {"cpu": "1"}}
    argo = argo_rollouts.objects({"controller": {"resources": asked}})
    envoy = envoy_gateway.objects({"deployment": {"envoyGateway": {"resources": asked}}})
    for objects in (argo, envoy):
        assert pods(objects)[0]["containers"][0]["resources"] == asked


def test_the_configuration_of_a_release_goes_over_that_of_the_node_key_by_key() -> None:
    deploy = {
        "provider": {"kubernetes": {"deploy": {"type": "ControllerNamespace"}}},
        "logging": {"level": {"default": "debug"}},
    }
    found = envoy_gateway.configuration(deploy)
    assert found["provider"]["type"] == "Kubernetes" and found["logging"]["level"]["default"] == "debug"
    assert found["provider"]["kubernetes"]["deploy"]["type"] == "ControllerNamespace"
    assert found["provider"]["kubernetes"]["shutdownManager"]["image"] == RECIPES["envoy-gateway"].image.name
    assert envoy_gateway.configuration({})["provider"]["kubernetes"]["deploy"]["type"] == "GatewayNamespace"


def test_no_webhook_is_asked_for_that_is_not_installed() -> None:
    (generator,) = pods(envoy_gateway.certificates())[0]["containers"]
    assert generator["args"] == ["certgen", "--disable-topology-injector"]


def test_a_pod_monitor_is_scraped_as_the_operator_would_have_it() -> None:
    config = yaml.safe_load(of_kind(EVERY["kube-prometheus-stack"], "ConfigMap")["data"]["prometheus.yml"])
    first, second = config["scrape_configs"]
    assert first["job_name"] == "podMonitor/serving/chat/0" and first["metrics_path"] == "/metrics"
    assert first["kubernetes_sd_configs"] == [{"role": "pod", "namespaces": {"names": ["serving"]}}]
    labelled = {each.get("target_label"): each["source_labels"] for each in first["relabel_configs"]}
    assert labelled["rollouts_pod_template_hash"] == ["__meta_kubernetes_pod_label_rollouts_pod_template_hash"]
    kept = {tuple(each["source_labels"]): each["regex"] for each in first["relabel_configs"] if each.get("action")}
    assert kept["__meta_kubernetes_pod_label_app_kubernetes_io_name",] == "chat"
    assert kept["__meta_kubernetes_pod_container_port_name",] == "http"
    assert second["relabel_configs"][-1] == {"source_labels": ["a"], "target_label": "b", "regex": "c"}


def test_the_gateway_is_reached_inside_the_cluster_only_and_takes_routes_of_the_models_alone() -> None:
    proxy, found = of_kind(gateway.objects(), "EnvoyProxy"), of_kind(gateway.objects(), "Gateway")
    assert proxy["spec"]["provider"]["kubernetes"]["envoyService"] == {"type": "ClusterIP", "name": "models"}
    allowed = found["spec"]["listeners"][0]["allowedRoutes"]["namespaces"]
    assert allowed["selector"]["matchLabels"] == {"kubernetes.io/metadata.name": "modelyard-serving"}
