"""The addresses of a stack file that are sent a secret, each with its place: the guard file says which of them may be."""

from __future__ import annotations

from collections.abc import Iterator

from infra.stack.settings import Settings


def sent_secrets(settings: Settings) -> Iterator[tuple[str, str]]:
    """Place and address of the registry, of model providers, of the receiver of samples and of the sign-in."""
    registry = settings.registry
    if registry is not None and registry.url is not None:
        yield "registry.url", registry.url
    for name, key in (registry.gateway.keys if registry else {}).items():
        for setting, value in key.settings.items():
            if "://" in value:
                yield f"registry.gateway.keys.{name}.settings.{setting}", value
    if settings.monitoring.remote_write is not None:
        yield "monitoring.remoteWrite.url", settings.monitoring.remote_write.url
    oidc = settings.monitoring.grafana.oidc
    if oidc is not None:
        yield "monitoring.grafana.oidc.tokenUrl", oidc.token_url
        yield "monitoring.grafana.oidc.apiUrl", oidc.api_url
