"""The wiring of the services that the platform itself runs in the cluster: secrets and monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components import catalogue
from components.gateway.component import Gateway, GatewayArgs
from components.identity import InAws
from components.monitoring.component import NAMESPACE as MONITORING
from components.monitoring.component import Monitoring, MonitoringArgs
from components.registry.component import RegistrySpec
from components.registry.pods import NAMESPACE as REGISTRY
from components.registry.server import Registry, RegistryArgs
from components.rollouts.component import Rollouts, RolloutsArgs
from components.secrets.component import ExternalSecrets, ExternalSecretsArgs
from components.serving.component import Release, ReleaseArgs
from components.serving.pods import NAMESPACE as SERVING
from components.serving.shared import Serving, ServingArgs
from components.serving.spec import ReleaseSpec
from infra.host_cluster import HostCluster
from infra.on_aws import InAwsToo, tags_of
from infra.stack.audiences import audiences
from infra.stack.settings import Settings
from infra.stack.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Services:
    """What these services take from their neighbours; `needs` are nodes to run on and volumes to claim."""

    stack: Stack
    cluster: str
    host: HostCluster
    in_aws: InAws | None
    labels: Mapping[str, str]
    namespaces: pulumi.Resource
    needs: tuple[pulumi.Resource, ...]

    @property
    def settings(self) -> Settings:
        """The stack's settings."""
        return self.stack.settings

    def secrets(self) -> ExternalSecrets:
        """What brings secrets to the cluster."""
        args = ExternalSecretsArgs(
            spec=self.settings.external_secrets,
            name=self.settings.full_name,
            in_aws=self.in_aws,
            audiences=audiences(self.settings),
            provider=self.host.provider,
            labels=self.labels,
            needs=list(self.needs),
        )
        return ExternalSecrets("external-secrets", args, self.host.on_it)

    def registry(
        self, spec: RegistrySpec, secrets: ExternalSecrets, kept: InAwsToo | None, monitoring: Monitoring | None
    ) -> Registry:
        """The registry's servers; what they keep is `kept` in AWS, or on a volume."""
        args = RegistryArgs(
            spec=spec.server,
            aws=kept.secrets if kept else None,
            bucket=kept.bucket if kept else "",
            volume_gb=spec.volume_gb,
            region=self.in_aws.region if self.in_aws else "",
            storage_class=self.settings.storage.class_name,
            outside=spec.outside,
            tags=tags_of(self.settings),
            clients=[*self.settings.namespaces.all, *spec.server.clients],
            monitoring=monitoring,
            scraper=MONITORING,
            labels=self.labels,
            provider=self.host.provider,
            needs=[*self.needs, self.namespaces, *secrets.reads(REGISTRY), *(kept.needs if kept else [])],
            reader=bool(self.settings.releases),
        )
        return Registry("registry", args, self.host.on_it)

    def releases(
        self,
        specs: Mapping[str, ReleaseSpec],
        registry: Registry,
        secrets: ExternalSecrets,
        monitoring: Monitoring | None,
    ) -> None:
        """What serves models: the gateway, the controller of rollouts, and each release behind its own address."""
        on_it, settings = self.host.on_it, self.settings
        here: dict[str, Any] = {"labels": self.labels, "provider": self.host.provider}
        gateway_args = GatewayArgs(
            spec=settings.gateway,
            clients=[each for each in settings.namespaces.all if each not in (REGISTRY, SERVING)],
            serving=SERVING,
            scraper=MONITORING,
            monitoring=monitoring,
            needs=[*self.needs, self.namespaces],
            **here,
        )
        gateway = Gateway("gateway", gateway_args, on_it)
        rollouts = Rollouts("rollouts", RolloutsArgs(spec=settings.rollouts, needs=list(self.needs), **here), on_it)
        shared_args = ServingArgs(
            name=settings.full_name,
            reader=registry.reader,
            needs=[self.namespaces, registry, *secrets.reads(SERVING)],
            **here,
        )
        shared = Serving("serving", shared_args, on_it)
        needs = [*self.needs, *gateway.ready, rollouts.release, *shared.needs]
        for name, spec in specs.items():
            args = ReleaseArgs(spec=spec, release=name, monitoring=monitoring, scraper=MONITORING, needs=needs, **here)
            Release(f"release-{name}", args, on_it)

    def monitoring(self, secrets: ExternalSecrets) -> Monitoring:
        """Prometheus and all around it."""
        args = MonitoringArgs(
            spec=self.settings.monitoring,
            name=self.settings.full_name,
            cluster=self.cluster,
            in_aws=self.in_aws,
            engine=self.stack.engine,
            groups=catalogue.groups(self.stack),
            boards=catalogue.boards(self.stack),
            storage_class=self.settings.storage.class_name,
            provider=self.host.provider,
            labels=self.labels,
            needs=list(self.needs),
            secrets=secrets.reads(MONITORING),
        )
        return Monitoring("monitoring", args, self.host.on_it)
