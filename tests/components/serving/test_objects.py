"""What a release becomes on every stack: restricted pods that fetch and check first, one address, and nobody else on the line."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from components.gateway.component import GatewaySpec, url
from components.gateway.component import controller_values as gateway_values
from components.rollouts.component import Architecture, RolloutsSpec, controller_values
from components.serving import pods
from components.serving.component import rollout, route
from components.serving.spec import ReleaseSpec
from core.versions import CHARTS, ROLLOUTS_PLUGIN
from infra.declared import Declared, declare
from infra.loaded import LoadedStack
from infra.program import make
from kube.charts import check_values
from kube.objects import check_object
from kube.pods import check_restricted
from tests.components.serving.releases import RELEASE, changed
from tests.roots import ROOT

STACKS = ("dev", "local")
GPU, CPU = (
    ReleaseSpec.model_validate(RELEASE),
    ReleaseSpec.model_validate(changed(RELEASE, runtime="llamacpp", pool=None)),
)


@functools.cache
def declared(stack: str) -> tuple[Declared, ...]:
    return tuple(
        declare(make(LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")), project="modelyard", stack=stack).values()
    )


def of(stack: str, kind: str, name: str = "") -> list[dict[str, Any]]:
    found = [each.inputs for each in declared(stack) if each.inputs.get("kind") == kind]
    return [each for each in found if not name or each["metadata"]["name"] == name]


@pytest.mark.parametrize("spec", [GPU, CPU], ids=["vllm", "llamacpp"])
def test_a_rollout_is_what_the_api_server_and_restricted_namespaces_take(spec: ReleaseSpec) -> None:
    made = rollout("chat", spec, pods.labels("chat"))
    metadata = {"name": "chat", "namespace": pods.NAMESPACE}
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata, "spec": made}
    assert check_object(body) == []
    assert check_restricted(made["template"]["spec"]) == []
    made["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    assert [problem.where for problem in check_object(body)] == ["spec.template.spec.containers[0].livenesProbe"]


@pytest.mark.parametrize("spec", [GPU, CPU], ids=["vllm", "llamacpp"])
def test_what_is_served_was_fetched_and_checked_by_digest_before(spec: ReleaseSpec) -> None:
    pod = pods.pod("chat", spec)
    (first,), (server,) = pod["initContainers"], pod["containers"]
    env = {each["name"]: each.get("value") for each in first["env"]}
    assert (env["MODEL"], env["MODEL_VERSION"], env["MODEL_DIGEST"]) == ("assistant", "7", spec.weights.digest)
    assert first["command"][1:] == ["/etc/serving/model_fetch.py", "/models"]
    assert any("/models/served" in each for each in [*server.get("command", []), *server["args"]])
    assert {"name": "models", "mountPath": "/models", "readOnly": True} in server["volumeMounts"]
    assert "sha256:" in pods.pod_annotations(spec)["modelyard.dev/model-digest"]


def test_vllm_asks_for_its_pools_gpu_and_llama_cpp_has_a_thread_a_processor() -> None:
    gpu, cpu = pods.pod("chat", GPU), pods.pod("chat", CPU)
    assert gpu["nodeSelector"] == {"modelyard.dev/pool": "chat"}
    assert gpu["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    resources = gpu["containers"][0]["resources"]
    assert resources["limits"]["nvidia.com/gpu"] == resources["requests"]["nvidia.com/gpu"] == "1"
    assert {"--served-model-name=chat", "--max-model-len=8192"} <= set(gpu["containers"][0]["args"])
    assert "nodeSelector" not in cpu
    assert {"--threads=1", "--alias=chat", "--ctx-size=16384", "--metrics"} <= set(cpu["containers"][0]["args"])


def test_a_server_has_as_long_to_start_as_its_size_takes_and_answers_end_before_it_does() -> None:
    probe = pods.pod("chat", GPU)["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 920
    stop = pods.STOP_SECONDS
    assert pods.DRAIN_SECONDS + 5 < stop == pods.pod("chat", GPU)["terminationGracePeriodSeconds"]


def test_the_route_takes_its_own_path_off_never_cuts_a_stream_and_starts_with_all_on_stable() -> None:
    (rule,) = route("chat")["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/chat/v1/"}}]
    assert rule["filters"][0]["urlRewrite"]["path"] == {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v1/"}
    assert rule["timeouts"] == {"request": "0s"}
    assert [(ref["name"], ref["weight"]) for ref in rule["backendRefs"]] == [
        ("chat-stable", 100),
        ("chat-canary", 0),
    ]
    assert url("chat") == "http://models.modelyard-gateway.svc/chat/v1"


def test_steps_become_weights_and_pauses_and_one_without_seconds_waits_for_a_person() -> None:
    steps = rollout("chat", GPU, {})["strategy"]["canary"]["steps"]
    assert steps == [{"setWeight": 10}, {"pause": {"duration": "30s"}}, {"setWeight": 50}, {"pause": {}}]


@pytest.mark.parametrize("architecture", Architecture)
def test_the_plugin_is_named_as_rollouts_name_it_and_held_to_a_digest(architecture: Architecture) -> None:
    values = controller_values(RolloutsSpec(architecture=architecture))
    (plugin,) = values["controller"]["trafficRouterPlugins"]
    assert set(plugin) == {"name", "location", "sha256"}
    assert plugin["name"] in rollout("chat", GPU, {})["strategy"]["canary"]["trafficRouting"]["plugins"]
    assert plugin["sha256"] == ROLLOUTS_PLUGIN.sha256[architecture.value] and len(plugin["sha256"]) == 64
    assert plugin["location"].endswith(f"{ROLLOUTS_PLUGIN.version}/gatewayapi-plugin-linux-{architecture.value}")
    assert values["controller"]["nodeSelector"] == {"kubernetes.io/arch": architecture.value}


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_charts_know_every_value(replicas: int) -> None:
    rollouts, gateways = CHARTS["argo-rollouts"], CHARTS["gateway-helm"]
    assert check_values(rollouts.name, rollouts.version, controller_values(RolloutsSpec(replicas=replicas))) == []
    assert check_values(gateways.name, gateways.version, gateway_values(GatewaySpec(replicas=replicas))) == []


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_declares_the_whole_of_its_release(stack: str) -> None:
    for kind, names in {
        "Rollout": ["chat"],
        "HTTPRoute": ["chat"],
        "PodMonitor": ["chat", "models"],
        "Gateway": ["models"],
        "GatewayClass": ["modelyard"],
        "EnvoyProxy": ["models"],
    }.items():
        assert sorted(each["metadata"]["name"] for each in of(stack, kind)) == names, kind
    services = {each["metadata"]["name"] for each in of(stack, "Service")}
    assert {"chat-stable", "chat-canary"} <= services
    (proxy,) = of(stack, "EnvoyProxy")
    service = proxy["spec"]["provider"]["kubernetes"]["envoyService"]
    assert service == {"name": "models", "type": "ClusterIP"}
    assert of(stack, "PodDisruptionBudget", "chat") and of(stack, "ServiceAccount", "chat")
    assert of(stack, "ServiceAccount", "chat")[0]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("stack", STACKS)
def test_only_the_gateway_and_prometheus_reach_a_server_and_it_reaches_only_the_registry(stack: str) -> None:
    (policy,) = (each["spec"] for each in of(stack, "NetworkPolicy", "chat"))
    (into,), (out,) = policy["ingress"], policy["egress"]
    spaces = [each["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for each in into["from"]]
    assert spaces == ["modelyard-gateway", "monitoring"] and into["ports"] == [{"port": 8080, "protocol": "TCP"}]
    assert into["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "envoy"
    (registry,) = out["to"]
    assert registry["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "registry"


@pytest.mark.parametrize("stack", STACKS)
def test_the_reader_of_the_registry_is_one_user_in_both_namespaces_and_no_other_key_goes_along(stack: str) -> None:
    kind = "Secret" if stack == "local" else "ExternalSecret"
    spaces = {each["metadata"]["namespace"]: each for each in of(stack, kind, pods.READER)}
    assert set(spaces) == {"modelyard-registry", "modelyard-serving"}
    if stack == "dev":
        read = [{each["remoteRef"]["key"] for each in found["spec"]["data"]} for found in spaces.values()]
        assert read == [{"modelyard-dev/modelyard-serving/registry-reader"}] * 2
        stores = {space: found["spec"]["secretStoreRef"]["name"] for space, found in spaces.items()}
        assert stores["modelyard-serving"] == "secrets-modelyard-serving"


@pytest.mark.parametrize("stack", STACKS)
def test_argo_keeps_what_is_its_own(stack: str) -> None:
    """What Argo writes is not in what `up` would write again; the declaration says so by what it ignores."""
    ignored = {
        (each.inputs.get("kind"), each.inputs["metadata"]["name"]): each.ignores
        for each in declared(stack)
        if "metadata" in each.inputs
    }
    assert ignored["HTTPRoute", "chat"] == ("spec.rules",)
    assert ignored["Service", "chat-stable"] == ignored["Service", "chat-canary"] == ("spec.selector",)
    (made,) = of(stack, "Rollout")
    assert made["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert made["spec"]["template"]["metadata"]["annotations"]["modelyard.dev/model"] == "assistant/1"


def test_a_stack_without_releases_has_none_of_it() -> None:
    found = {each.inputs.get("kind") for each in declared("prod")}
    assert not found & {"Rollout", "HTTPRoute", "Gateway", "GatewayClass", "EnvoyProxy"}
