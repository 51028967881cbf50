"""The registry's servers on the cluster: the database is brought to their schema first, then they roll one by one."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field, model_validator

from components.kinds.kubernetes import Cpu, Memory, Namespace
from components.registry import files as registry_files
from components.registry import outside as registry_outside
from components.registry import pods
from components.registry.outside import RegistryOutsideSpec
from components.registry.policies import registry_policies
from components.registry.secrets import AwsSecrets, certificates, from_aws, made_here, reader_here
from components.spec import Invalid, Spec
from core.versions import IMAGES

UPGRADE_MINUTES = 30
"""Longest that a schema may take to upgrade before the Job gives up; nothing is rolled out then."""
UPGRADE_GB = 1
"""Room (GiB) of the upgrade's temporary volume."""


class DefaultPermission(enum.StrEnum):
    """What a user may do with items without explicit permissions."""

    READ = "READ"
    EDIT = "EDIT"
    NO_PERMISSIONS = "NO_PERMISSIONS"


class ReplicasSpec(Spec):
    """Fewest and most servers; between them the load decides."""

    min: int = Field(default=1, ge=1, le=20)
    """Servers that always run; with two or more, the loss of a node causes no outage."""
    max: int = Field(default=2, ge=1, le=20)
    """Servers at the most."""

    @model_validator(mode="after")
    def _in_order(self) -> ReplicasSpec:
        if self.max < self.min:
            raise Invalid("fewer at the most than always", where="max", found=str(self.max), allowed=f">= {self.min}")
        return self

    @property
    def scales(self) -> bool:
        """Whether the load decides anything: an autoscaler with one choice is at its most all day, and alerts say so."""
        return self.min < self.max


class RegistryServerSpec(Spec):
    """How many servers there are, how large they are, and who may reach them."""

    replicas: ReplicasSpec = Field(default_factory=ReplicasSpec)
    """How many servers there are."""
    workers: int = Field(default=2, ge=1, le=16)
    """Processes of each server that answer requests."""
    cpu: Cpu = "500m"
    """CPU request of each server."""
    memory: Memory = "2Gi"
    """Memory of each server; MLflow wants about 0.5 GiB a worker."""
    upload_gb: int = Field(default=10, ge=1, le=200)
    """Largest file (GiB) that may be uploaded through a server; a larger one is answered 413."""
    request_mb: int = Field(default=50, ge=1, le=1024)
    """Largest request (MiB) that is no upload of a file; a larger one is answered 413. A worker holds it in memory."""
    default_permission: DefaultPermission = DefaultPermission.READ
    """What a user may do with items without explicit permissions."""
    keys_version: int = Field(default=1, ge=1)
    """Raise it after changing the registry's secret in Secrets Manager: users get their new passwords, servers restart."""
    clients: list[Namespace] = Field(default_factory=list)
    """Namespaces besides the platform's own whose pods may reach the registry."""

    @property
    def temporary_gb(self) -> int:
        """Room (GiB) of each server's temporary volume: an upload waits there until it is whole, and a full one is evicted."""
        return self.upload_gb + 1


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """What the servers are made from. Without `aws` everything is on one volume of `volume_gb`.

    `outside` gives clients outside the cluster an address, through a load balancer of AWS with `tags`. `clients` are the
    namespaces that may reach the servers, `scraper` the one that Prometheus is in; its metrics are collected
    when there is `monitoring`, which brings the kind of object that asks for it. `reader` says that model servers read here,
    with a user of their own.
    """

    spec: RegistryServerSpec
    aws: AwsSecrets | None
    bucket: str
    volume_gb: int
    storage_class: str
    region: str
    clients: Sequence[str]
    outside: RegistryOutsideSpec | None
    tags: Mapping[str, str]
    monitoring: pulumi.Resource | None
    scraper: str
    labels: Mapping[str, str]
    provider: k8s.Provider
    needs: list[pulumi.Resource]
    reader: bool = False


@pulumi.type_token("modelyard:index:Registry")
class Registry(pulumi.ComponentResource):
    """MLflow behind one Service: restricted pods, an upgraded database, users, limits, and nobody else on the line."""

    url: str
    service: k8s.core.v1.Service
    server: k8s.apps.v1.Deployment
    reader: k8s.core.v1.Secret | None = None
    """The model servers' user, where it is made here and not in AWS."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Registry", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=args.needs)
        self.url = pods.url()
        secrets = (
            from_aws(self, args.aws, args.provider, args.needs)
            if args.aws
            else made_here(self, args.provider, args.needs)
        )
        if args.reader and args.aws is None:
            self.reader = reader_here(self, args.provider, args.needs)
            secrets.append(self.reader)
        ready = [
            *args.needs,
            *secrets,
            *registry_policies(args.clients, args.scraper, self._blocks(), args.labels, self._child),
            self._account(),
            self._config(),
            *([] if args.aws else [self._claim()]),
        ]
        upgrade = self._upgrade(ready)
        self.service = self._service()
        self.server = self._deployment([*ready, upgrade])
        self._kept_running()
        if args.outside is not None:
            self._balancer(args.outside)
        if args.monitoring is not None:
            self._monitor(args.monitoring)
        self.register_outputs({})

    @property
    def _uris(self) -> tuple[str, str]:
        on_aws = self._args.aws is not None
        return (pods.POSTGRES_TRACKING, pods.POSTGRES_AUTH) if on_aws else (pods.SQLITE_TRACKING, pods.SQLITE_AUTH)

    @property
    def _volume(self) -> dict[str, Any] | None:
        return None if self._args.aws else {"persistent_volume_claim": {"claim_name": pods.NAME}}

    def _metadata(self, name: str, component: str = "server") -> Any:
        labels = {**self._args.labels, **pods.labels(component)}
        return {"name": name, "namespace": pods.NAMESPACE, "labels": labels}

    def _files(self) -> dict[str, str]:
        files = registry_files.files(self._uris[1], self._args.spec.default_permission.value)
        return {**files, registry_files.AUTHORITY: certificates(self._args.region)} if self._args.aws else files

    def _digest(self) -> str:
        """Changes with whatever the pods read only at their start, so that a change of it rolls them."""
        read = [self._files(), IMAGES["mlflow"].reference, self._args.spec.keys_version]
        read += ["reader"] if self._args.reader else []
        text = json.dumps(read, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _account(self) -> pulumi.Resource:
        return k8s.core.v1.ServiceAccount(
            "registry",
            metadata=self._metadata(pods.SERVICE_ACCOUNT),
            automount_service_account_token=False,
            opts=self._child,
        )

    def _config(self) -> pulumi.Resource:
        return k8s.core.v1.ConfigMap(
            "registry", metadata=self._metadata(registry_files.CONFIG), data=self._files(), opts=self._child
        )

    def _claim(self) -> pulumi.Resource:
        spec: Any = {
            "access_modes": ["ReadWriteOnce"],
            "storage_class_name": self._args.storage_class,
            "resources": {"requests": {"storage": f"{self._args.volume_gb}Gi"}},
        }
        return k8s.core.v1.PersistentVolumeClaim(
            "registry", metadata=self._metadata(pods.NAME), spec=spec, opts=self._child
        )

    def _upgrade(self, needs: list[pulumi.Resource]) -> k8s.batch.v1.Job:
        tracking, auth = self._uris
        spec = pods.pod(
            container=pods.upgrade_container(
                tracking_uri=tracking, auth_uri=auth, temporary_gb=UPGRADE_GB, reader=self._args.reader
            ),
            volume=self._volume,
            temporary_gb=UPGRADE_GB,
            restart="Never",
        )
        job: Any = {
            "backoff_limit": 4,
            "active_deadline_seconds": UPGRADE_MINUTES * 60,
            "template": {"metadata": {"labels": self._metadata("", "upgrade")["labels"]}, "spec": spec},
        }
        # A Job cannot change: its name follows what it runs, so a new image or script is a new Job that runs first.
        return k8s.batch.v1.Job(
            "registry-upgrade",
            metadata=self._metadata(f"{pods.UPGRADE}-{self._digest()}", "upgrade"),
            spec=job,
            opts=pulumi.ResourceOptions(parent=self, provider=self._args.provider, depends_on=needs),
        )

    def _service(self) -> k8s.core.v1.Service:
        # The engine would wait for endpoints, and the servers that bring them come after the Service.
        metadata: Any = {**self._metadata(pods.NAME), "annotations": {"pulumi.com/skipAwait": "true"}}
        spec: Any = {
            "selector": pods.labels("server"),
            "ports": [{"name": "http", "port": pods.PORT, "target_port": "http", "app_protocol": "http"}],
        }
        return k8s.core.v1.Service(
            "registry",
            metadata=metadata,
            spec=spec,
            opts=self._child,
        )

    def _blocks(self) -> list[str]:
        return self._args.outside.allowed_cidrs if self._args.outside else []

    def _balancer(self, outside: RegistryOutsideSpec) -> None:
        metadata: Any = {
            # Not the servers' labels: Prometheus would read every server a second time through this Service.
            **self._metadata(registry_outside.NAME, "outside"),
            "annotations": registry_outside.asked_of_aws(outside, self._args.tags),
        }
        spec: Any = registry_outside.service(outside)
        # The engine waits until there is an address, which takes servers that answer.
        after = pulumi.ResourceOptions(parent=self, provider=self._args.provider, depends_on=[self.server])
        k8s.core.v1.Service(registry_outside.NAME, metadata=metadata, spec=spec, opts=after)

    def _deployment(self, needs: list[pulumi.Resource]) -> k8s.apps.v1.Deployment:
        args, spec = self._args, self._args.spec
        artifacts = f"s3://{args.bucket}" if args.aws else f"{pods.DATA_DIR}/artifacts"
        host = args.outside.host if args.outside else ""
        command = pods.server_args(tracking_uri=self._uris[0], artifacts=artifacts, workers=spec.workers, outside=host)
        env = pods.server_environment(request_mb=spec.request_mb, upload_gb=spec.upload_gb)
        pod = pods.pod(
            container=pods.server_container(
                args=command, env=env, cpu=spec.cpu, memory=spec.memory, temporary_gb=spec.temporary_gb
            ),
            volume=self._volume,
            temporary_gb=spec.temporary_gb,
        )
        metadata: Any = self._metadata(pods.NAME)
        # Any: a type checker that compares such a tree with the SDK's overloads takes gigabytes for it.
        deployed: Any = {
            # How many there are is the autoscaler's to say, where there is one.
            **({} if spec.replicas.scales else {"replicas": spec.replicas.min}),
            "selector": {"match_labels": pods.labels("server")},
            "strategy": self._strategy(),
            "template": {
                "metadata": {
                    "labels": metadata["labels"],
                    "annotations": {"modelyard.dev/config": self._digest()},
                },
                "spec": {**pod, "topology_spread_constraints": self._spread()},
            },
        }
        return k8s.apps.v1.Deployment(
            "registry",
            metadata=metadata,
            spec=deployed,
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=needs),
        )

    def _strategy(self) -> dict[str, Any]:
        if self._args.aws is None:
            # Two servers would write into one sqlite file.
            return {"type": "Recreate"}
        return {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}}

    def _spread(self) -> list[dict[str, Any]]:
        alike = {
            "max_skew": 1,
            "label_selector": {"match_labels": pods.labels("server")},
            "match_label_keys": ["pod-template-hash"],
        }
        on_nodes = "DoNotSchedule" if self._args.spec.replicas.min > 1 else "ScheduleAnyway"
        return [
            {**alike, "topology_key": "topology.kubernetes.io/zone", "when_unsatisfiable": "ScheduleAnyway"},
            {**alike, "topology_key": "kubernetes.io/hostname", "when_unsatisfiable": on_nodes},
        ]

    def _monitor(self, monitoring: pulumi.Resource) -> None:
        metadata = self._metadata(pods.NAME)
        k8s.apiextensions.CustomResource(
            "registry-monitor",
            api_version="monitoring.coreos.com/v1",
            kind="ServiceMonitor",
            metadata=metadata,
            spec={"selector": {"matchLabels": metadata["labels"]}, "endpoints": [pods.scrape()]},
            opts=pulumi.ResourceOptions(parent=self, provider=self._args.provider, depends_on=[monitoring]),
        )

    def _kept_running(self) -> None:
        replicas = self._args.spec.replicas
        metadata: Any = self._metadata(pods.NAME)
        usage = {"type": "Utilization", "average_utilization": 70}
        scaled: Any = {
            "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": pods.NAME},
            "min_replicas": replicas.min,
            "max_replicas": replicas.max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": usage}}],
            "behavior": {"scale_down": {"stabilization_window_seconds": 600}},
        }
        if replicas.scales:
            k8s.autoscaling.v2.HorizontalPodAutoscaler("registry", metadata=metadata, spec=scaled, opts=self._child)
        kept: Any = {"max_unavailable": 1, "selector": {"match_labels": pods.labels("server")}}
        k8s.policy.v1.PodDisruptionBudget("registry", metadata=metadata, spec=kept, opts=self._child)
