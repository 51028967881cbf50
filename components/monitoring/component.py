"""Monitoring as one component: releases, monitors, rules, dashboards and the secrets that they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.alerts.rule import Group
from components.dashboards.board import Board
from components.iam import allow
from components.identity import InAws, identity
from components.monitoring import gpu_exporter, routes, stack_values
from components.monitoring.spec import MonitoringSpec
from components.nodes.gpu_engine import GpuEngine
from components.secrets import component as external_secrets
from core.versions import CHARTS

NAMESPACE = "monitoring"
NODES_NAMESPACE = "monitoring-nodes"
"""Where the exporters run that look into their node: they need what `restricted` forbids, and nothing else runs here."""

STACK = "kube-prometheus-stack"
RULES = "monitoring.coreos.com/v1"


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What monitoring is made from; `needs` are nodes and storage, `secrets` what makes External Secrets ready.

    `cluster` is the cluster's plain name; `in_aws` is where its pods get roles, and None outside AWS.
    `engine` says whose DCGM runs on GPU nodes; `groups` and `boards` are the rules and dashboards of the parts that are there.
    """

    spec: MonitoringSpec
    name: str
    cluster: str
    in_aws: InAws | None
    engine: GpuEngine
    groups: Sequence[Group]
    boards: Sequence[Board]
    storage_class: str
    provider: k8s.Provider
    labels: Mapping[str, str]
    needs: list[pulumi.Resource]
    secrets: list[pulumi.Resource]


@pulumi.type_token("modelyard:index:Monitoring")
class Monitoring(pulumi.ComponentResource):
    """Prometheus, Alertmanager and Grafana with every alert and dashboard of the platform in them."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Monitoring", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        here = self._namespace(NAMESPACE, "restricted")
        on_nodes = self._namespace(NODES_NAMESPACE, "privileged")
        values = stack_values.stack_values(
            args.spec, storage_class=args.storage_class, nodes_namespace=NODES_NAMESPACE, cluster=args.cluster
        )
        # The exporters' own namespace is named in the values, where the engine sees no dependence.
        needs = [*args.needs, on_nodes, *self._secrets(here), *self._identities()]
        stack = self._release(STACK, here, values, needs)
        for group in args.groups:
            self._object("PrometheusRule", group.name, group.spec(), stack)
        if args.spec.karpenter:
            self._object("ServiceMonitor", "karpenter", gpu_exporter.karpenter_monitor(), stack)
        if args.spec.gpus:
            exporter = self._release(gpu_exporter.CHART, on_nodes, gpu_exporter.exporter_values(args.engine), [stack])
            self._object(
                "ServiceMonitor", gpu_exporter.CHART, gpu_exporter.exporter_monitor(), exporter, NODES_NAMESPACE
            )
        for board in args.boards:
            k8s.core.v1.ConfigMap(
                board.uid,
                metadata={
                    "name": board.uid,
                    "namespace": here.metadata["name"],
                    "labels": {**args.labels, "grafana_dashboard": "1"},
                },
                data={f"{board.uid}.json": board.rendered()},
                opts=self._in_cluster(),
            )
        if not args.spec.alerts.receivers:
            pulumi.log.info("alerts go to no receiver: monitoring.alerts names none", resource=self)
        self.register_outputs({})

    def _namespace(self, name: str, level: str) -> k8s.core.v1.Namespace:
        levels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")}
        return k8s.core.v1.Namespace(
            name, metadata={"name": name, "labels": {**self._args.labels, **levels}}, opts=self._in_cluster()
        )

    def _release(
        self, chart: str, space: k8s.core.v1.Namespace, values: Mapping[str, Any], needs: Sequence[pulumi.Resource]
    ) -> k8s.helm.v3.Release:
        pinned = CHARTS[chart]
        return k8s.helm.v3.Release(
            chart,
            name=chart,
            namespace=space.metadata["name"],
            chart=pinned.reference,
            version=pinned.version,
            repository_opts={"repo": pinned.repository},
            values=dict(values),
            timeout=900,
            opts=self._in_cluster(needs),
        )

    def _secrets(self, space: k8s.core.v1.Namespace) -> list[pulumi.Resource]:
        grafana, remote = self._args.spec.grafana, self._args.spec.remote_write
        told = {n: r.secret for n, r in self._args.spec.alerts.receivers.items() if r.secret is not None}
        wanted: dict[str, dict[str, Any]] = {}
        needs: list[pulumi.Resource] = [space, *self._args.secrets]
        if grafana.admin_secret is None:
            needs.append(self._password(needs))
            data = {"admin-user": "admin", "admin-password": "{{ .password }}"}
            wanted[stack_values.GRAFANA_ADMIN] = external_secrets.generated(
                stack_values.GRAFANA_ADMIN, stack_values.GRAFANA_ADMIN, data
            )
        else:
            keys = {f"admin-{part}": f"{grafana.admin_secret}#{part}" for part in ("user", "password")}
            wanted[stack_values.GRAFANA_ADMIN] = external_secrets.from_store(
                NAMESPACE, stack_values.GRAFANA_ADMIN, keys
            )
        if grafana.oidc is not None:
            keys = {"GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET": grafana.oidc.client_secret}
            wanted[stack_values.GRAFANA_OIDC] = external_secrets.from_store(NAMESPACE, stack_values.GRAFANA_OIDC, keys)
        if told:
            wanted[routes.SECRETS] = external_secrets.from_store(NAMESPACE, routes.SECRETS, told)
        if remote is not None and remote.secret is not None:
            keys = {part: f"{remote.secret}#{part}" for part in ("user", "password")}
            wanted[stack_values.REMOTE_WRITE] = external_secrets.from_store(NAMESPACE, stack_values.REMOTE_WRITE, keys)
        return [self._external(name, spec, needs) for name, spec in wanted.items()]

    def _password(self, needs: Sequence[pulumi.Resource]) -> pulumi.Resource:
        return k8s.apiextensions.CustomResource(
            f"{stack_values.GRAFANA_ADMIN}-password",
            api_version=external_secrets.GENERATORS,
            kind="Password",
            metadata=self._metadata(stack_values.GRAFANA_ADMIN),
            spec={"length": 32, "digits": 8, "symbols": 0, "noUpper": False, "allowRepeat": True},
            opts=self._in_cluster(needs),
        )

    def _external(self, name: str, spec: Mapping[str, Any], needs: Sequence[pulumi.Resource]) -> pulumi.Resource:
        return k8s.apiextensions.CustomResource(
            name,
            api_version=external_secrets.API,
            kind="ExternalSecret",
            metadata=self._metadata(name),
            spec=dict(spec),
            opts=self._in_cluster(needs),
        )

    def _identities(self) -> Iterator[pulumi.Resource]:
        args, receivers = self._args, self._args.spec.alerts.receivers.values()
        topics = sorted({receiver.topic_arn for receiver in receivers if receiver.topic_arn})
        if topics and args.in_aws is not None:
            may = allow("TellTopics", ["sns:Publish"], topics)
            yield from identity("alertmanager", NAMESPACE, [may], of=args.name, where=args.in_aws, parent=self).needs

    def _object(
        self, kind: str, name: str, spec: Mapping[str, Any], needs: pulumi.Resource, namespace: str = NAMESPACE
    ) -> None:
        k8s.apiextensions.CustomResource(
            f"{name}-rules" if kind == "PrometheusRule" else f"{name}-monitor",
            api_version=RULES,
            kind=kind,
            metadata=self._metadata(name, namespace),
            spec=dict(spec),
            opts=self._in_cluster([needs]),
        )

    def _metadata(self, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        return {"name": name, "namespace": namespace, "labels": dict(self._args.labels)}

    def _in_cluster(self, needs: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self._args.provider, depends_on=list(needs))
