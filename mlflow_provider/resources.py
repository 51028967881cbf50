"""The kinds of items as a Pulumi program declares them. They import nothing of the provider, which is another process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.resource import DependencyResource

Tags = Mapping[str, str]
_MODULE = "modelyard:registry"


class Registry(pulumi.ProviderResource):
    """How the provider reaches one MLflow server. `password` names the admin's secret; nothing here is secret itself.

    `region` is the AWS region whose Secrets Manager holds what is named `awssm:`.
    """

    def __init__(
        self,
        name: str,
        *,
        url: pulumi.Input[str] | None = None,
        port_forward: pulumi.Input[Mapping[str, Any]] | None = None,
        user: str | None = None,
        password: str | None = None,
        timeout_sec: int | None = None,
        region: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        settings = {"url": url, "portForward": port_forward, "user": user, "password": password}
        super().__init__("modelyard", name, {**settings, "timeoutSec": timeout_sec, "region": region}, opts)


class _Item(pulumi.CustomResource):
    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(f"{_MODULE}:{type(self).__name__}", name, dict(inputs), opts)


class Experiment(_Item):
    """Where runs and traces are logged; its id is the server's number for it."""

    def __init__(
        self, key: str, *, name: str, description: str, tags: Tags, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(key, {"name": name, "description": description, "tags": tags}, opts)


class RegisteredModel(_Item):
    """A model; its versions come from training. Its id is its name."""

    def __init__(
        self, key: str, *, name: str, description: str, tags: Tags, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(key, {"name": name, "description": description, "tags": tags}, opts)


class ModelAlias(_Item):
    """A name for one version of a model."""

    def __init__(
        self,
        key: str,
        *,
        model: pulumi.Input[str],
        alias: str,
        version: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(key, {"model": model, "alias": alias, "version": version}, opts)


class Prompt(_Item):
    """A prompt; each change of its content is a new version of it."""

    def __init__(
        self,
        key: str,
        *,
        name: str,
        description: str,
        tags: Tags,
        content: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"name": name, "description": description, "tags": tags, "version": None}
        super().__init__(key, {**inputs, **content}, opts)

    @property
    @pulumi.getter
    def version(self) -> pulumi.Output[int]:
        """The number of the version that has the declared content."""
        found: pulumi.Output[int] = pulumi.get(self, "version")
        return found


class PromptAlias(_Item):
    """A name for one version of a prompt."""

    def __init__(
        self,
        key: str,
        *,
        prompt: pulumi.Input[str],
        alias: str,
        version: pulumi.Input[int],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(key, {"prompt": prompt, "alias": alias, "version": version}, opts)


class Webhook(_Item):
    """Whom the registry tells, at `url` or where the secret says that `url_secret` names; `secret` names what it signs with."""

    def __init__(
        self,
        key: str,
        *,
        name: str,
        url: str | None,
        url_secret: str | None,
        events: Sequence[str],
        description: str,
        enabled: bool,
        secret: str | None,
        revision: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"name": name, "url": url, "urlSecret": url_secret, "events": sorted(events), "enabled": enabled}
        super().__init__(key, {**inputs, "description": description, "secret": secret, "revision": revision}, opts)


class User(_Item):
    """Somebody who may sign in; `password` names a secret."""

    def __init__(
        self,
        key: str,
        *,
        username: str,
        password: str,
        admin: bool,
        revision: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(key, {"username": username, "password": password, "admin": admin, "revision": revision}, opts)


class Permission(_Item):
    """What one user may do with one experiment, model or prompt."""

    def __init__(
        self,
        key: str,
        *,
        user: pulumi.Input[str],
        type: str,
        resource: pulumi.Input[str],
        permission: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"user": user, "type": type, "resource": resource, "permission": permission}
        super().__init__(key, inputs, opts)


class GatewayKey(_Item):
    """A provider's API key, which `value` names."""

    def __init__(
        self,
        key: str,
        *,
        name: str,
        provider: str,
        value: str,
        settings: Mapping[str, str],
        revision: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"name": name, "provider": provider, "value": value, "settings": settings, "revision": revision}
        super().__init__(key, inputs, opts)


class GatewayModel(_Item):
    """A provider's model, reached with one key."""

    def __init__(
        self,
        key: str,
        *,
        name: str,
        provider: str,
        model: str,
        gateway_key: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(key, {"name": name, "provider": provider, "model": model, "key": gateway_key}, opts)


class GatewayEndpoint(_Item):
    """An address of the gateway over one or more models."""

    def __init__(
        self,
        key: str,
        *,
        name: str,
        models: pulumi.Input[Sequence[Mapping[str, Any]]],
        fallbacks: Sequence[pulumi.Input[str]],
        usage_tracking: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"name": name, "models": models, "fallbacks": fallbacks, "usageTracking": usage_tracking}
        super().__init__(key, inputs, opts)


class BudgetPolicy(_Item):
    """What may be spent through the gateway in a window of time, and what happens beyond it."""

    def __init__(
        self,
        key: str,
        *,
        amount_usd: float,
        every: int,
        unit: str,
        action: str,
        scope: str,
        target: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"amountUsd": amount_usd, "every": every, "unit": unit, "action": action, "scope": scope}
        super().__init__(key, {**inputs, "target": target}, opts)


class _Module(pulumi.runtime.rpc.ResourceModule):
    """Tells the SDK which class a type token has, so that it can make one again from its URN."""

    mod_info = {
        "fqn": __name__,
        "classes": {f"{_MODULE}:{cls.__name__}": cls.__name__ for cls in _Item.__subclasses__()},
    }

    def version(self) -> None:
        return None

    def construct(self, name: str, typ: str, urn: str) -> pulumi.Resource:  # noqa: ARG002 (the SDK's signature)
        return DependencyResource(urn)


pulumi.runtime.register_resource_module("modelyard", "registry", _Module())
