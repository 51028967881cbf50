"""What can be set about monitoring, each part with the reason for its bounds."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from pydantic import Field, model_validator

from components.alerts.rule import Severity, Team
from components.kinds.addresses import HttpsUrl, WebUrl
from components.kinds.aws import TopicArn
from components.kinds.secrets import SecretName, SecretProperty
from components.kinds.words import Channel, Label, Line, Receiver, Scope
from components.spec import Invalid, Spec
from core.problem import Problem


class Size(enum.StrEnum):
    """How much Prometheus has to hold at once: about half a million, two million and six million series."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class ReceiverKind(enum.StrEnum):
    """Kinds of alert receivers."""

    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    SNS = "sns"


class ReceiverSpec(Spec):
    """One receiver of alerts."""

    kind: ReceiverKind
    """What it is."""
    secret: SecretProperty | None = None
    """Name of the secret with Slack's webhook address or PagerDuty's routing key; the value is not in this file."""
    channel: Channel | None = None
    """Slack channel, where the webhook does not choose it."""
    topic_arn: TopicArn | None = None
    """SNS topic; Alertmanager may publish to this one and to no other."""

    @model_validator(mode="after")
    def _agrees(self) -> ReceiverSpec:
        sns = self.kind is ReceiverKind.SNS
        if sns and self.topic_arn is None:
            raise Invalid(
                "an SNS receiver needs its topic",
                where="topicArn",
                found="nothing",
                allowed="arn:aws:sns:REGION:ACCOUNT:NAME",
            )
        if sns != (self.secret is None):
            raise Invalid(
                "an SNS receiver has no secret" if sns else f"a {self.kind.value} receiver needs the name of a secret",
                where="secret",
                found="a name" if sns else "nothing",
                fix="leave it out" if sns else "name the secret in Secrets Manager that holds its address or key",
            )
        for name, value, kind in (
            ("channel", self.channel, ReceiverKind.SLACK),
            ("topicArn", self.topic_arn, ReceiverKind.SNS),
        ):
            if value is not None and self.kind is not kind:
                raise Invalid(f"only {kind.value} has it", where=name, found=value, fix="leave it out")
        return self


class BySeverity(Spec):
    """The receiver of each severity. Alerts of a severity that is left out go to nobody."""

    critical: Receiver | None = None
    """Receiver of alerts that need attention now."""
    warning: Receiver | None = None
    """Receiver of alerts that need attention today."""

    def chosen(self) -> Iterator[tuple[Severity, str]]:
        """Each severity that has a receiver, with that receiver's name."""
        for severity, name in ((Severity.CRITICAL, self.critical), (Severity.WARNING, self.warning)):
            if name is not None:
                yield severity, name


class AlertsSpec(Spec):
    """Who gets alerts: the team's own receivers if it has some, otherwise by severity."""

    receivers: dict[Receiver, ReceiverSpec] = Field(default_factory=dict, max_length=20)
    """Receivers by a name of your own."""
    everybody: BySeverity = Field(default_factory=BySeverity)
    """Receivers of all alerts that have no receiver of a team."""
    teams: dict[Label, BySeverity] = Field(default_factory=dict)
    """Receivers of one team's alerts, by team."""

    def topic(self, team: Team, severity: Severity, region: str) -> str | None:
        """The SNS topic in `region` that hears of such alerts; None when nobody does, or somebody who has no topic there."""
        told = {**dict(self.everybody.chosen()), **dict(self.teams.get(team.value, BySeverity()).chosen())}
        receiver = self.receivers.get(told.get(severity, ""))
        topic = receiver.topic_arn if receiver else None
        return topic if topic and topic.split(":")[3] == region else None

    @model_validator(mode="after")
    def _agrees(self) -> AlertsSpec:
        teams = [team.value for team in Team]
        for name in self.teams:
            if name not in teams:
                raise Invalid("no alert belongs to such a team", where="teams", found=name, allowed=", ".join(teams))
        for where, chosen in (("everybody", self.everybody), *((f"teams.{k}", v) for k, v in self.teams.items())):
            for severity, receiver in chosen.chosen():
                if receiver not in self.receivers:
                    raise Invalid(
                        "no such receiver",
                        where=f"{where}.{severity.value}",
                        found=receiver,
                        allowed=", ".join(sorted(self.receivers)) or "none is defined under receivers",
                    )
        return self


class OidcSpec(Spec):
    """Sign-in to Grafana through an OpenID Connect provider; the admin's password stays as the way in when it is down."""

    name: Label = Field(default="OpenID Connect", max_length=40)
    """What the button says."""
    client_id: Label = Field(max_length=200)
    """Grafana's id at the provider."""
    client_secret: SecretProperty
    """Name of the secret that holds Grafana's client secret."""
    auth_url: HttpsUrl
    """Authorization endpoint."""
    token_url: HttpsUrl
    """Token endpoint."""
    api_url: HttpsUrl
    """User info endpoint."""
    scopes: list[Scope] = Field(default_factory=lambda: ["openid", "profile", "email"])
    """What Grafana asks for."""
    roles: Line = "'Viewer'"
    """JMESPath over the claims that returns Viewer, Editor or Admin. A user without a result is refused."""


class GrafanaSpec(Spec):
    """How users sign in to Grafana. Anonymous access is off."""

    admin_secret: SecretName | None = None
    """Name of a secret that holds JSON with `user` and `password`; without it a password is made in the cluster."""
    root_url: WebUrl | None = None
    """Address under which browsers reach Grafana; a provider sends people back to it."""
    oidc: OidcSpec | None = None
    """Sign-in through a provider."""

    @model_validator(mode="after")
    def _agrees(self) -> GrafanaSpec:
        if self.oidc is not None and self.root_url is None:
            raise Invalid("a provider needs an address to send people back to", where="rootUrl", found="nothing")
        return self


class RemoteWriteSpec(Spec):
    """Another place that every sample is sent to, for longer than the cluster keeps them."""

    url: HttpsUrl
    """Where to write to; what the receiver costs is not in this stack's bill."""
    secret: SecretName | None = None
    """Name of a secret that holds JSON with `user` and `password`."""

    @model_validator(mode="after")
    def _agrees(self) -> RemoteWriteSpec:
        if "aps-workspaces." in self.url:
            raise Invalid(
                "Amazon Managed Prometheus is paid by the sample, and no price of a sample is on file",
                where="url",
                found=self.url,
                allowed="a receiver that this account does not pay by the sample",
            )
        return self


class VolumesSpec(Spec):
    """Sizes of the volumes (GiB, gp3, encrypted), which never shrink. Grafana's grows in place; for the others' claims see
    docs/runbooks/monitoring-volume-filling.md."""

    prometheus: int = Field(default=50, ge=10, le=16384)
    """Volume of each Prometheus; it keeps at most 80 % of this, whatever `retentionDays` says."""
    alertmanager: int = Field(default=5, ge=1, le=100)
    """Volume of each Alertmanager: silences, and the log of sent notifications."""
    grafana: int = Field(default=5, ge=1, le=100)
    """Volume of Grafana: users, and dashboards made by hand."""


class MonitoringSpec(Spec):
    """How the platform is watched."""

    enabled: bool = True
    """Whether there is monitoring. Without it there are no alerts."""
    retention_days: int = Field(default=15, ge=1, le=365)
    """How long Prometheus keeps samples."""
    high_availability: bool = False
    """Two Prometheus and three Alertmanagers, on nodes of their own, so that losing one loses no alert."""
    size: Size = Size.SMALL
    """How much Prometheus has to hold at once."""
    storage_gib: VolumesSpec = Field(default_factory=VolumesSpec)
    """Sizes of the volumes."""
    karpenter: bool = True
    """Whether Karpenter is watched, and with it pools at their limits and interruptions."""
    gpus: bool = True
    """Whether GPUs are watched: an exporter on every GPU node."""
    alerts: AlertsSpec = Field(default_factory=AlertsSpec)
    """Who is told of alerts."""
    grafana: GrafanaSpec = Field(default_factory=GrafanaSpec)
    """How Grafana is entered."""
    remote_write: RemoteWriteSpec | None = None
    """Another place that every sample is sent to."""

    @property
    def prometheus_replicas(self) -> int:
        """How many Prometheus there are, each with a volume of its own."""
        return 2 if self.high_availability else 1

    @property
    def alertmanager_replicas(self) -> int:
        """How many Alertmanagers there are: three, as two cannot tell which of them is cut off."""
        return 3 if self.high_availability else 1

    def named_secrets(self) -> Iterator[tuple[str, str]]:
        """The path of every secret that is named here, relative to this Spec, and its name without a property."""
        grafana, remote = self.grafana, self.remote_write
        said = {f"alerts.receivers.{name}.secret": each.secret for name, each in self.alerts.receivers.items()}
        said["grafana.adminSecret"] = grafana.admin_secret
        said["grafana.oidc.clientSecret"] = grafana.oidc.client_secret if grafana.oidc else None
        said["remoteWrite.secret"] = remote.secret if remote else None
        yield from ((where, name.partition("#")[0]) for where, name in said.items() if name)

    def needs_aws(self) -> Iterator[Problem]:
        """Karpenter and SNS topics are in AWS."""
        if self.karpenter:
            yield Problem(
                summary="there is no Karpenter outside AWS", where="karpenter", fix="monitoring.karpenter: false"
            )
        for name, receiver in self.alerts.receivers.items():
            if receiver.kind is ReceiverKind.SNS:
                yield Problem(
                    summary="SNS topics are in AWS",
                    where=f"alerts.receivers.{name}.kind",
                    found=receiver.kind.value,
                    allowed="slack, pagerduty",
                )
