"""The registry's secrets: made once, kept in Secrets Manager, and brought to the pods without passing through a manifest.

The program draws random keys at every run, but only the first one is ever written: from then on the stored value stands, and
whoever rotates it does so in Secrets Manager. In the state they are encrypted; in a plan they are secrets.
"""

from __future__ import annotations

import base64
import json
import secrets
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.iam import allow, document
from components.registry import files as registry_files
from components.registry import pods as registry_pods
from components.registry.database import DATABASE
from components.secrets import component as external_secrets
from components.secrets import stores as secret_stores
from components.secrets.stores import prefix

AUTHORITIES = Path(__file__).parent / "data" / "rds_authorities.json"
SERVING = "modelyard-serving"
"""The namespace whose pods read models as the registry's user `reader`."""
READER_USER = "reader"
DATABASE_REFRESH = "2m"
"""How often the database's password is read: RDS rotates it every seven days, and for so long a new connection may wait."""


@dataclass(frozen=True, kw_only=True)
class AwsSecrets:
    """Where the secrets are in AWS, and who reads them: the role of the registry's own store gets a policy for the database's.

    `reader` says that model servers read the registry, with a user of their own.
    """

    name: str
    region: str
    protect: bool
    recovery_days: int
    """Days for which the keys can be brought back once they are deleted; until then AWS gives their name to nobody."""
    database_address: pulumi.Input[str]
    database_secret_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    reader_role: pulumi.Input[str]
    reader: bool = False


def secret_name(name: str) -> str:
    """The name in Secrets Manager of the registry's keys, for the platform `name`."""
    return f"{name}/registry"


def reader_secret(name: str) -> str:
    """The name in Secrets Manager of the user and password with which model servers read the registry of platform `name`."""
    return f"{prefix(name, SERVING)}{registry_pods.READER}"


def reader() -> dict[str, Any]:
    """The user that model servers read as, with a new password."""
    return {"user": READER_USER, "password": pulumi.Output.secret(secrets.token_urlsafe(32))}


def keys() -> dict[str, str]:
    """New values of everything that the registry keeps secret. The webhooks' key is a Fernet key, as MLflow asks for."""
    names = ("adminPassword", "metricsPassword", "flaskSecretKey", "kekPassphrase")
    fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return {**{name: secrets.token_urlsafe(32) for name in names}, "webhookEncryptionKey": fernet}


def certificates(region: str) -> str:
    """The certificate of the authority that signs a region's databases (PEM). Raises KeyError for a region without one."""
    found = json.loads(AUTHORITIES.read_text(encoding="utf-8"))["regions"][region]
    body = "\n".join(textwrap.wrap(found["pem"], 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def made_here(parent: pulumi.Resource, provider: k8s.Provider, needs: list[pulumi.Resource]) -> list[pulumi.Resource]:
    """The keys as a declared Secret, for a stack without AWS."""
    made = k8s.core.v1.Secret(
        "registry-keys",
        metadata={"name": registry_pods.KEYS, "namespace": registry_pods.NAMESPACE},
        string_data={**{key: pulumi.Output.secret(value) for key, value in keys().items()}, "metricsUser": "metrics"},
        opts=pulumi.ResourceOptions(
            parent=parent, provider=provider, depends_on=needs, ignore_changes=["stringData", "data"]
        ),
    )
    return [made]


def reader_here(parent: pulumi.Resource, provider: k8s.Provider, needs: list[pulumi.Resource]) -> k8s.core.v1.Secret:
    """The model servers' user as a declared Secret, for a stack without AWS; their own Secret is a copy of it."""
    return k8s.core.v1.Secret(
        registry_pods.READER,
        metadata={"name": registry_pods.READER, "namespace": registry_pods.NAMESPACE},
        string_data=reader(),
        opts=pulumi.ResourceOptions(
            parent=parent, provider=provider, depends_on=needs, ignore_changes=["stringData", "data"]
        ),
    )


def from_aws(
    parent: pulumi.Resource, args: AwsSecrets, provider: k8s.Provider, needs: list[pulumi.Resource]
) -> list[pulumi.Resource]:
    """The keys in Secrets Manager, and two Secrets that External Secrets, one of `needs`, keeps as fresh as what is there."""
    child = pulumi.ResourceOptions(parent=parent)
    kept = aws.secretsmanager.Secret(
        "registry-keys",
        name=secret_name(args.name),
        description=f"Passwords and keys of the registry of {args.name}",
        kms_key_id=args.key_arn,
        recovery_window_in_days=args.recovery_days,
        opts=pulumi.ResourceOptions(parent=parent, protect=args.protect),
    )
    first = aws.secretsmanager.SecretVersion(
        "registry-keys",
        secret_id=kept.id,
        secret_string=pulumi.Output.secret(json.dumps(keys())),
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["secretString"]),
    )
    may_read = aws.iam.RolePolicy(
        "registry-secrets",
        role=args.reader_role,
        policy=pulumi.Output.all(args.database_secret_arn, args.key_arn).apply(
            lambda found: document(_reads(found[0], found[1], args.region))
        ),
        opts=child,
    )
    after = pulumi.ResourceOptions(parent=parent, provider=provider, depends_on=[*needs, first, may_read])
    reading = _reader_in_aws(parent, args, provider, needs) if args.reader else []
    return [
        first,
        *reading,
        _external(registry_pods.KEYS, _keys(secret_name(args.name)), after),
        _external(registry_pods.DATABASE, _database(args), after),
    ]


def _reader_in_aws(
    parent: pulumi.Resource, args: AwsSecrets, provider: k8s.Provider, needs: list[pulumi.Resource]
) -> list[pulumi.Resource]:
    """The model servers' user in Secrets Manager, below the prefix of their namespace, and the registry's copy of it."""
    kept = aws.secretsmanager.Secret(
        registry_pods.READER,
        name=reader_secret(args.name),
        description=f"The user with which model servers of {args.name} read the registry",
        recovery_window_in_days=0,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    first = aws.secretsmanager.SecretVersion(
        registry_pods.READER,
        secret_id=kept.id,
        secret_string=pulumi.Output.json_dumps(reader()),
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["secretString"]),
    )
    keys_of = {key: f"{reader_secret(args.name)}#{key}" for key in ("user", "password")}
    spec = external_secrets.from_store(registry_pods.NAMESPACE, registry_pods.READER, keys_of)
    after = pulumi.ResourceOptions(parent=parent, provider=provider, depends_on=[*needs, first])
    return [first, _external(registry_pods.READER, spec, after)]


def _reads(secret_arn: str, key_arn: str, region: str) -> list[dict[str, Any]]:
    through = {"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}}
    return [
        allow("ReadDatabasePassword", secret_stores.READ, [secret_arn]),
        allow("DecryptThem", ["kms:Decrypt"], [key_arn], through),
    ]


def _keys(secret: str) -> dict[str, Any]:
    return {
        **_from_store(registry_pods.KEYS, "1h", {"metricsUser": "metrics"}),
        "dataFrom": [{"extract": {"key": secret}}],
    }


def _database(args: AwsSecrets) -> dict[str, Any]:
    text = pulumi.Output.from_input(args.database_address).apply(
        lambda host: registry_pods.service_file(
            host=host,
            user="{{ .username }}",
            password="{{ .password }}",  # noqa: S106 - a template that External Secrets fills
            database=DATABASE,
            certificates=f"{registry_files.CONFIG_DIR}/{registry_files.AUTHORITY}",
        )
    )
    remote = [
        {"secretKey": key, "remoteRef": {"key": args.database_secret_arn, "property": key}}
        for key in ("password", "username")
    ]
    return {
        **_from_store(registry_pods.DATABASE, DATABASE_REFRESH, {"pg_service.conf": text}, "Replace"),
        "data": remote,
    }


def _from_store(target: str, refresh: str, data: Mapping[str, Any], policy: str = "Merge") -> dict[str, Any]:
    return {
        "refreshInterval": refresh,
        "secretStoreRef": secret_stores.reference(registry_pods.NAMESPACE),
        "target": {
            "name": target,
            "creationPolicy": "Owner",
            "deletionPolicy": "Retain",
            "template": {"engineVersion": "v2", "mergePolicy": policy, "data": dict(data)},
        },
    }


def _external(name: str, spec: Mapping[str, Any], opts: pulumi.ResourceOptions) -> pulumi.Resource:
    return k8s.apiextensions.CustomResource(
        name,
        api_version=external_secrets.API,
        kind="ExternalSecret",
        metadata={"name": name, "namespace": registry_pods.NAMESPACE},
        spec=dict(spec),
        opts=opts,
    )
