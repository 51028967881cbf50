"""Kind 4: inputs that nobody reads, and providers that work in another account, region or cluster than the plan's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pricing.items.graph import UNKNOWN
from tests.attacks.attack import Attack, Harmless, Kind, Tried
from tests.attacks.whole import changed, find, refused, under

COUNTED, REGION, PROVIDER = "resources-as-counted", "priced-region", "provider-inputs"


def _set(name: str, token: str, path: str, value: Any) -> Tried:
    return lambda _: refused(changed(find(name, token), path, value))


def _default(package: str, inputs: dict[str, Any]) -> Tried:
    def tried(_: Path) -> set[str]:
        return refused(under("", f"pulumi:providers:{package}", "default", inputs))

    return tried


_AWS = {"region": "us-east-1"}
_INPUTS: dict[str, tuple[str, Tried]] = {
    "EKS Auto Mode": (COUNTED, _set("cluster", "cluster:Cluster", "computeConfig", {"enabled": True})),
    "EKS Auto Mode, not known yet": (COUNTED, _set("cluster", "cluster:Cluster", "computeConfig.enabled", UNKNOWN)),
    "volumes by Auto Mode": (
        COUNTED,
        _set("cluster", "cluster:Cluster", "storageConfig", {"blockStorage": {"enabled": True}}),
    ),
    "a provisioned control plane": (
        COUNTED,
        _set("cluster", "cluster:Cluster", "controlPlaneScalingConfig", {"tier": "tier-4xl"}),
    ),
    "an input that no version has yet": (COUNTED, _set("cluster", "cluster:Cluster", "turbo", True)),
    "a region of its own on a priced resource": (COUNTED, _set("nat-a", "NatGateway", "region", "sa-east-1")),
    "a region of its own on a free resource": (REGION, _set("vpc", "Vpc", "region", "sa-east-1")),
    "a region of its own that is not known yet": (REGION, _set("private-a", "Subnet", "region", UNKNOWN)),
    "a refresh of a secret every second": (
        COUNTED,
        _set("registry-database", "ExternalSecret", "spec.refreshInterval", "1s"),
    ),
    "a role in another account": (
        PROVIDER,
        _set("aws", "providers:aws", "assumeRoles", '[{"roleArn": "arn:aws:iam::1:role/x"}]'),
    ),
    "a role by a web identity": (
        PROVIDER,
        _set("aws", "providers:aws", "assumeRoleWithWebIdentity", '{"roleArn": "x"}'),
    ),
    "endpoints of one's own": (PROVIDER, _set("aws", "providers:aws", "endpoints", '[{"ec2": "https://evil"}]')),
    "another profile": (PROVIDER, _set("aws", "providers:aws", "profile", "rich")),
    "credentials in the provider": (PROVIDER, _set("aws", "providers:aws", "accessKey", "AKIAEXAMPLE")),
    "files of credentials": (PROVIDER, _set("aws", "providers:aws", "sharedCredentialsFiles", '["x"]')),
    "accounts that a provider allows itself": (PROVIDER, _set("aws", "providers:aws", "allowedAccountIds", '["1"]')),
    "a provider of another region": (PROVIDER, _set("aws", "providers:aws", "region", "sa-east-1")),
    "a provider whose region is not known": (PROVIDER, _set("aws", "providers:aws", "region", UNKNOWN)),
    "a default provider with a role": (PROVIDER, _default("aws", {**_AWS, "assumeRoles": "[]"})),
    "a default provider without a region": (PROVIDER, _default("aws", {})),
    "a plugin from elsewhere": (
        PROVIDER,
        _default("aws", {**_AWS, "__internal": {"pluginDownloadURL": "https://evil"}}),
    ),
    "a cluster of another region": (
        PROVIDER,
        _set("cluster", "providers:kubernetes", "clusterIdentifier", "arn:aws:eks:sa-east-1:1:cluster/x"),
    ),
    "a context of one's own beside the plan's cluster": (
        PROVIDER,
        _set("cluster", "providers:kubernetes", "context", "mine"),
    ),
    "manifests written to a folder": (
        PROVIDER,
        _set("cluster", "providers:kubernetes", "renderYamlToDirectory", "manifests"),
    ),
    "Helm's repositories of one's own": (
        PROVIDER,
        _set("cluster", "providers:kubernetes", "helmReleaseSettings", {"repositoryConfigPath": "x"}),
    ),
}

ATTACKS = tuple(
    Attack(kind=Kind.INPUTS, name=name, stopped_by=rule, tried=tried) for name, (rule, tried) in _INPUTS.items()
)

HARMLESS = (
    Harmless(
        kind=Kind.INPUTS,
        name="Auto Mode that is off",
        tried=_set("cluster", "cluster:Cluster", "computeConfig", {"enabled": False}),
    ),
    Harmless(kind=Kind.INPUTS, name="the plan's region, said again", tried=_set("vpc", "Vpc", "region", "us-east-1")),
    Harmless(kind=Kind.INPUTS, name="another tag", tried=_set("nat-a", "NatGateway", "tags", {"a": "b"})),
    Harmless(
        kind=Kind.INPUTS,
        name="a default provider of the plan's region",
        tried=_default("aws", {**_AWS, "version": "7.51.1"}),
    ),
    Harmless(
        kind=Kind.INPUTS,
        name="the cluster by its ARN in the plan's region",
        tried=_set("cluster", "providers:kubernetes", "clusterIdentifier", "arn:aws:eks:us-east-1:1:cluster/x"),
    ),
)
