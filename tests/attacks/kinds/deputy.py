"""Attacks that make the deployer's own program send secrets elsewhere, or serve somebody who is not the engine."""

from __future__ import annotations

import functools
import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.problem import Refused
from engine.peer import REFUSED, Callers, Owner
from infra.stack.file import StackFile
from infra.stack.sent_secrets import sent_secrets
from infra.stack.stack import Stack
from mlflow_provider.api import Unavailable
from mlflow_provider.connection import Connection
from mlflow_provider.credentials import NoSecret, Secrets
from policies.guard.secret_hosts import problems
from tests.attacks.attack import Attack, Harmless, Kind, Tried
from tests.attacks.rules import GUARD, node, refusals
from tests.components.registry.content.test_spec import HAPPY
from tests.roots import ROOT

RULE = "secrets-go-to-listed-hosts"
PROVIDER = "pulumi:providers:modelyard"
LISTED = "registry.example.com"
EVIL = "https://evil.example"
ENVIRON = {"AWS_SECRET_ACCESS_KEY": "planted", "MODELYARD_HOOK": "planted", "GITHUB_TOKEN": "planted"}


def declared(token: str, inputs: dict[str, Any]) -> Tried:
    """A resource of a program, as the pack is asked about it."""
    return lambda _folder: refusals([node(token, inputs)], pack="security")


def listed(token: str, inputs: dict[str, Any]) -> Tried:
    guard = replace(GUARD, secret_hosts=(LISTED,))
    return lambda _folder: refusals([node(token, inputs)], pack="security", guard=guard)


def written(hosts: tuple[str, ...] = (), **changed: Any) -> Tried:
    """A stack file with these parts, as the plan judges it."""

    def tried(_folder: Path) -> Collection[str]:
        platform = {**StackFile.read(ROOT / "Pulumi.dev.yaml").platform, "releases": [], **changed}
        try:
            settings = Stack.of(platform, "us-east-1").settings
            return [problem.text() for problem in problems(sent_secrets(settings), hosts)]
        except Refused as refused:
            return [str(refused)]

    return tried


def asked(reference: str) -> Tried:
    """A reference to a secret, as the provider looks it up."""

    def tried(_folder: Path) -> Collection[str]:
        try:
            Secrets(config={"hook": "planted"}, environ=ENVIRON).value(reference)
        except NoSecret as error:
            return [str(error)]
        return []

    return tried


def connected(settings: dict[str, Any]) -> Tried:
    """A provider that is configured by somebody, as it looks for its server."""

    def tried(_folder: Path) -> Collection[str]:
        environ = {**ENVIRON, "MODELYARD_REGISTRY_PASSWORD": "planted"}
        try:
            Connection(settings, Secrets(config={}, environ=environ)).server()
        except (NoSecret, Unavailable) as error:
            return [str(error)]
        return []

    return tried


def called(owner: Owner | None, only: frozenset[int] | None = None, peer: str = "ipv4:127.0.0.1:40000") -> Tried:
    """A call from a socket of somebody's."""
    return lambda _folder: [] if Callers(port=1, only=only, find=lambda *_: owner).allows(peer) else [REFUSED]


registry = functools.partial(lambda **changed: written(registry={**HAPPY, **changed}))
ME, ENGINE = os.geteuid(), frozenset({7})
OTHER = Owner(user=ME + 1, processes=ENGINE)

_ATTACKS = (
    ("a stack file sends the admin's password to a server of its author", "registry.url", registry(url=EVIL)),
    ("a stack file sends it over http", "without https", registry(url="http://registry.example.com")),
    ("a stack file sends it to a port of the build machine", "does not list", registry(url="http://127.0.0.1:5000")),
    (
        "a listed host stands before another one's at-sign",
        "who signs in",
        written((LISTED,), registry={**HAPPY, "url": f"https://{LISTED}@evil.example"}),
    ),
    (
        "a listed host is the beginning of another one's name",
        "does not list",
        written((LISTED,), registry={**HAPPY, "url": f"https://{LISTED}.evil.example"}),
    ),
    (
        "a backslash makes two readers see two hosts",
        "read differently",
        written((LISTED,), registry={**HAPPY, "url": f"https://evil.example\\.{LISTED}"}),
    ),
    (
        "a provider's key goes to a gateway of its author",
        "registry.gateway.keys.k.settings.api_base",
        registry(
            gateway={
                **HAPPY["gateway"],
                "keys": {"k": {"provider": "openai", "value": "config:k", "settings": {"api_base": EVIL}}},
            }
        ),
    ),
    (
        "samples are written to a receiver of the author's, with the platform's password",
        "monitoring.remoteWrite.url",
        written(monitoring={"remoteWrite": {"url": f"{EVIL}/write", "secret": "modelyard-dev/samples"}}),
    ),
    ("a program declares the provider itself", RULE, declared(PROVIDER, {"url": EVIL, "password": "config:admin"})),
    ("a program declares it without a password", RULE, declared(PROVIDER, {"url": EVIL})),
    (
        "a program declares a key of the gateway",
        RULE,
        declared("modelyard:registry:GatewayKey", {"settings": {"api_base": EVIL}}),
    ),
    (
        "a chart's own values write samples elsewhere",
        RULE,
        declared(
            "kubernetes:helm.sh/v3:Release",
            {"values": {"prometheus": {"prometheusSpec": {"remoteWrite": [{"url": EVIL}]}}}},
        ),
    ),
    (
        "a chart's own values send Grafana's client secret elsewhere",
        RULE,
        declared("kubernetes:helm.sh/v3:Release", {"values": {"grafana.ini": {"auth.google": {"token_url": EVIL}}}}),
    ),
    ("a reference names a cloud's key in the environment", "names no variable", asked("env:AWS_SECRET_ACCESS_KEY")),
    ("a reference names the token of CI", "names no variable", asked("env:GITHUB_TOKEN")),
    ("a reference is followed by a line", "names no secret", asked("env:MODELYARD_HOOK\nenv:GITHUB_TOKEN")),
    (
        "a stack file names a variable of the deployer's",
        "adminPassword",
        registry(adminPassword="env:AWS_SECRET_ACCESS_KEY"),
    ),
    (
        "a provider is configured with an http server",
        "secrets go over https",
        connected({"url": "http://evil.example"}),
    ),
    (
        "a provider is configured with a host that only looks local",
        "over https",
        connected({"url": "http://127.0.0.1.evil.example"}),
    ),
    ("another user of the machine calls the provider", REFUSED, called(OTHER, ENGINE)),
    ("another user of the machine calls a simulated cloud", REFUSED, called(OTHER)),
    ("another process of the same user calls the provider", REFUSED, called(Owner(user=ME), ENGINE)),
    ("a caller that the system does not know calls", REFUSED, called(None)),
    ("a caller from another machine calls", REFUSED, called(Owner(user=ME), None, "ipv4:10.0.0.7:40000")),
)
ATTACKS = tuple(Attack(kind=Kind.DEPUTY, name=name, stopped_by=by, tried=tried) for name, by, tried in _ATTACKS)
HARMLESS = tuple(
    Harmless(kind=Kind.DEPUTY, name=name, tried=tried)
    for name, tried in (
        ("a registry of the stack's own cluster", written(registry={**HAPPY, "url": None})),
        ("a registry that the guard file lists", written((LISTED,), registry={**HAPPY, "url": f"https://{LISTED}/x"})),
        ("a listed provider", listed(PROVIDER, {"url": f"https://{LISTED}"})),
        ("a provider that is forwarded to", declared(PROVIDER, {"portForward": {"service": "registry"}})),
        ("a variable of Modelyard's", asked("env:MODELYARD_HOOK")),
        ("a secret of the stack's configuration", asked("config:hook")),
        ("the sandbox's registry on this machine", connected({"url": "http://127.0.0.1:5000"})),
        ("the engine", called(Owner(user=ME, processes=ENGINE), ENGINE)),
        ("a process of the same user, in the sandbox", called(Owner(user=ME))),
    )
)
