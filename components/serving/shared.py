"""What all releases share in their namespace: the program that fetches, and the registry's user who reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.registry.secrets import reader_secret
from components.secrets import component as external_secrets
from components.serving import pods


@dataclass(frozen=True, kw_only=True)
class ServingArgs:
    """What releases share is made from. `reader` is the registry's own Secret of its reader where there is no AWS."""

    name: str
    reader: k8s.core.v1.Secret | None
    labels: Mapping[str, str]
    provider: k8s.Provider
    needs: Sequence[pulumi.Resource]


@pulumi.type_token("modelyard:index:Serving")
class Serving(pulumi.ComponentResource):
    """A ConfigMap and a Secret that the pods of every release read; the Secret is the same user that the registry has."""

    needs: list[pulumi.Resource]

    def __init__(self, name: str, args: ServingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Serving", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=list(args.needs))
        config = k8s.core.v1.ConfigMap(
            pods.FETCH,
            metadata={"name": pods.FETCH, "namespace": pods.NAMESPACE, "labels": dict(args.labels)},
            data={pods.FETCH_FILE: pods.fetch_source()},
            opts=child,
        )
        metadata: Any = {"name": pods.READER, "namespace": pods.NAMESPACE, "labels": dict(args.labels)}
        secret: pulumi.Resource
        if args.reader is None:
            keys = {key: f"{reader_secret(args.name)}#{key}" for key in ("user", "password")}
            secret = k8s.apiextensions.CustomResource(
                pods.READER,
                api_version=external_secrets.API,
                kind="ExternalSecret",
                metadata=metadata,
                spec=external_secrets.from_store(pods.NAMESPACE, pods.READER, keys),
                opts=child,
            )
        else:
            secret = k8s.core.v1.Secret(
                pods.READER,
                metadata=metadata,
                data={key: _copied(args.reader, key) for key in ("user", "password")},
                opts=child,
            )
        self.needs = [config, secret]
        self.register_outputs({})


def _copied(secret: k8s.core.v1.Secret, key: str) -> pulumi.Output[str]:
    """One value of a Secret as it is in the cluster, whatever this run drew anew."""
    return pulumi.Output.secret(secret.data.apply(lambda found: found.get(key, "")))
