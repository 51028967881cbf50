"""The rule on where secrets go: an address in a stack is sent none, unless the guard file lists its host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.graph import UNKNOWN, Node, mapping
from policies.guard.secret_hosts import ALLOWED, why_not
from policies.rule import Context, Finding, Rule, Severity, refuse, undetermined

PROVIDER = "pulumi:providers:modelyard"
KEY = "modelyard:registry:GatewayKey"
CHARTS = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v3:Chart", "kubernetes:helm.sh/v4:Chart")
_SIGNS_IN = ("token_url", "api_url")
"""Grafana's settings of a provider to which it sends its client secret, or a user's token."""


def listed_hosts(node: Node, context: Context) -> Iterator[Finding]:
    """The addresses of a resource that are sent a secret."""
    for where, url in _addresses(node):
        if url is UNKNOWN:
            yield undetermined(where)
        elif why := why_not(url, context.guard.secret_hosts) if isinstance(url, str) else "this is no address":
            yield refuse(where, why, found="an address", allowed=ALLOWED)


def _addresses(node: Node) -> Iterator[tuple[str, Any]]:
    if node.type == PROVIDER:
        if (url := node.read("url")) not in (None, ""):
            yield "url", url
    elif node.type == KEY:
        settings = node.read("settings")
        if settings is UNKNOWN:
            yield "settings", UNKNOWN
        for key, value in mapping(settings).items():
            if value is UNKNOWN or (isinstance(value, str) and "://" in value):
                yield f"settings.{key}", value
    else:
        yield from _in_values(node.read("values"), "values", "")


def _in_values(value: Any, where: str, under: str) -> Iterator[tuple[str, Any]]:
    """Where a chart's values send samples, or sign in: by the keys that the operator of Prometheus and Grafana read."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            place = f"{where}.{key}"
            if (under == "remoteWrite" and key == "url") or (
                under.startswith("auth.") and key in _SIGNS_IN and inner not in (None, "")
            ):
                yield place, inner
            else:
                yield from _in_values(inner, place, str(key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _in_values(inner, f"{where}[{number}]", under)


RULES = (
    Rule(
        name="secrets-go-to-listed-hosts",
        pack="security",
        severity=Severity.CRITICAL,
        description="A registry, a model provider, a receiver of samples and a sign-in that are sent a secret are https "
        "addresses of hosts that the guard file lists.",
        fix="Let a guardian add the host to secretHosts in the guard file, or leave the address out.",
        applies_to=(PROVIDER, KEY, *CHARTS),
        check=listed_hosts,
        exemptible=False,
    ),
)
