"""Kind 6: objects, volumes and load balancers inside a chart's values or a pod's template, and charts from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pricing.items.graph import UNKNOWN
from tests.attacks.attack import Attack, Harmless, Kind, Tried
from tests.attacks.whole import changed, find, refused, under

PINNED, COUNTED, LISTED = "chart-as-pinned", "resources-as-counted", "listed-types"
_SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"type": "LoadBalancer"}}
_CLAIM = {"spec": {"resources": {"requests": {"storage": "16Ti"}}, "storageClassName": "gp3"}}


def _set(name: str, path: str, value: Any, stack: str = "dev") -> Tried:
    return lambda _: refused(changed(find(name, "v3:Release", stack), path, value), stack=stack)


def _made(token: str, spec: dict[str, Any]) -> Tried:
    def tried(_: Path) -> set[str]:
        return refused(under("serving", f"kubernetes:{token}", "it", {"metadata": {"name": "it"}, "spec": spec}))

    return tried


def _pods(**spec: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": [], **spec}}}


_EPHEMERAL = {"volumes": [{"name": "x", "ephemeral": {"volumeClaimTemplate": _CLAIM}}]}
_MONITORING = "kube-prometheus-stack"
_TRIED: dict[str, tuple[str, Tried]] = {
    "objects beside a chart": (PINNED, _set(_MONITORING, "values.extraManifests", [_SERVICE])),
    "objects beside a chart, by name": (PINNED, _set(_MONITORING, "values.extraManifests", {"a": _SERVICE})),
    "objects as a text": (PINNED, _set(_MONITORING, "values.grafana.x", "apiVersion: v1\nkind: Service\nspec: {}\n")),
    "objects in a list that nobody has heard of": (PINNED, _set(_MONITORING, "values.new.things", [_SERVICE])),
    "objects beside a chart of a cluster of one's own": (
        PINNED,
        _set(_MONITORING, "values.extraManifests", [_SERVICE], "local"),
    ),
    "objects whose number is not known": (PINNED, _set(_MONITORING, "values.grafana.extraObjects", UNKNOWN)),
    "values in files": (PINNED, _set(_MONITORING, "valueYamlFiles", [{"path": "x.yaml"}], "local")),
    "a program that rewrites the chart": (PINNED, _set(_MONITORING, "postrender", "./evil.sh", "local")),
    "values of an earlier release": (PINNED, _set(_MONITORING, "reuseValues", True)),
    "a chart of the same name from another repository": (
        PINNED,
        _set(_MONITORING, "repositoryOpts.repo", "https://evil.example"),
    ),
    "a repository that is not known": (PINNED, _set(_MONITORING, "repositoryOpts", UNKNOWN)),
    "credentials for a repository": (PINNED, _set(_MONITORING, "repositoryOpts.password", "x")),
    "a chart of the same name from another registry": (
        PINNED,
        _set(
            "karpenter",
            "chart",
            "oci://evil.example/karpenter@sha256:91434e00fb102d6ee0d1bd34a4457a32fe01a8fa833fe1a2a37da4f50272079b",
        ),
    ),
    "a chart of another digest": (
        PINNED,
        _set("karpenter", "chart", f"oci://public.ecr.aws/karpenter/karpenter@sha256:{'0' * 64}"),
    ),
    "a chart without its digest": (PINNED, _set("karpenter", "chart", "oci://public.ecr.aws/karpenter/karpenter")),
    "a chart in a folder": (PINNED, _set("karpenter", "chart", "./charts/karpenter")),
    "another version of a chart": (PINNED, _set("karpenter", "version", "1.14.0")),
    "a chart that has facts and is not pinned": (PINNED, _set("karpenter", "chart", "keda")),
    "a load balancer of a chart's Service": (PINNED, _set(_MONITORING, "values.grafana.service.type", "LoadBalancer")),
    "a load balancer where no table looks": (
        PINNED,
        _set(_MONITORING, "values.grafana.other.svc.type", "loadbalancer"),
    ),
    "a class of load balancer": (PINNED, _set(_MONITORING, "values.any.loadBalancerClass", "service.k8s.aws/nlb")),
    "an Ingress of a chart": (PINNED, _set(_MONITORING, "values.some.ingress", {"enabled": True})),
    "a volume by a merged spec": (
        PINNED,
        _set(_MONITORING, "values.prometheus.prometheusSpec.additionalConfig", {"shards": 50}),
    ),
    "a volume by a merged text": (
        PINNED,
        _set(_MONITORING, "values.prometheus.prometheusSpec.additionalConfigString", "shards: 50"),
    ),
    "a claim template where no table looks": (
        PINNED,
        _set("argo-rollouts", "values.controller.x.volumeClaimTemplates", [_CLAIM]),
    ),
    "an ephemeral volume of a chart's pods": (
        PINNED,
        _set("argo-rollouts", "values.controller.v", [{"ephemeral": _CLAIM}]),
    ),
    "a volume that a chart keeps": (
        PINNED,
        _set(_MONITORING, "values.x.persistence", {"enabled": True, "size": "16Ti"}),
    ),
    "claims of a StatefulSet": (COUNTED, _made("apps/v1:StatefulSet", {"volumeClaimTemplates": [_CLAIM], **_pods()})),
    "an ephemeral volume of a Deployment": (COUNTED, _made("apps/v1:Deployment", _pods(**_EPHEMERAL))),
    "an ephemeral volume of a DaemonSet": (COUNTED, _made("apps/v1:DaemonSet", _pods(**_EPHEMERAL))),
    "an ephemeral volume of a Job": (COUNTED, _made("batch/v1:Job", _pods(**_EPHEMERAL))),
    "a Service with a load balancer": (COUNTED, _made("core/v1:Service", {"type": "LoadBalancer"})),
    "an Ingress": (COUNTED, _made("networking.k8s.io/v1:Ingress", {"ingressClassName": "alb"})),
    "a Gateway of a cloud's class": (
        COUNTED,
        _made("gateway.networking.k8s.io/v1:Gateway", {"gatewayClassName": "alb"}),
    ),
    "a Prometheus beside the chart's": (LISTED, _made("monitoring.coreos.com/v1:Prometheus", {"shards": 9})),
    "a volume made by hand": (LISTED, _made("core/v1:PersistentVolume", {"csi": {"driver": "ebs.csi.aws.com"}})),
    "a group of objects by another controller": (LISTED, _made("argoproj.io/v1alpha1:Application", {})),
}

ATTACKS = tuple(
    Attack(kind=Kind.NESTED, name=name, stopped_by=rule, tried=tried) for name, (rule, tried) in _TRIED.items()
)

_RULES = {"groups": [{"name": "x", "rules": [{"alert": "A", "expr": "up == 0"}]}]}
HARMLESS = (
    Harmless(
        kind=Kind.NESTED, name="a Service inside the cluster", tried=_made("core/v1:Service", {"type": "ClusterIP"})
    ),
    Harmless(
        kind=Kind.NESTED,
        name="rules of alerts in a chart's values",
        tried=_set(_MONITORING, "values.additionalPrometheusRulesMap", {"a": _RULES}),
    ),
    Harmless(
        kind=Kind.NESTED,
        name="a reference to an object, which is no object",
        tried=_set(
            _MONITORING, "values.grafana.scaledBy", {"apiVersion": "apps/v1", "kind": "Deployment", "name": "grafana"}
        ),
    ),
    Harmless(
        kind=Kind.NESTED,
        name="an Ingress that is off",
        tried=_set(_MONITORING, "values.grafana.ingress", {"enabled": False}),
    ),
    Harmless(kind=Kind.NESTED, name="no objects beside a chart", tried=_set(_MONITORING, "values.extraManifests", [])),
    Harmless(
        kind=Kind.NESTED,
        name="the type of a source of data",
        tried=_set(_MONITORING, "values.grafana.datasources", [{"name": "p", "type": "prometheus", "apiVersion": 1}]),
    ),
)
