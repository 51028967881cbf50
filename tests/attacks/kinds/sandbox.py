"""Attacks through the sandbox: credentials of the caller that reach what runs there, and callers that are not its engine."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from engine.peer import Callers, Owner
from sandbox import environment
from sandbox.stack.mlflow_server import _for_this_user
from tests.attacks.attack import Attack, Harmless, Kind, Tried

LISTED = "not on the list"


def given(*names: str, value: str = "planted") -> Tried:
    """Variables of the caller, as a process of the sandbox gets them."""

    def tried(_folder: Path) -> Collection[str]:
        kept = environment.kept(dict.fromkeys(names, value))
        return [] if kept else [LISTED]

    return tried


def fetching(name: str) -> Tried:
    """A variable of the caller, as a compiler or pip gets it."""

    def tried(_folder: Path) -> Collection[str]:
        before = os.environ.get(name)
        os.environ[name] = "planted"
        try:
            return [] if name in environment.for_fetching() else [LISTED]
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before

    return tried


def sourced(caller: Mapping[str, str]) -> Tried:
    """A shell with these variables that reads those of a sandbox's stack."""

    def tried(_folder: Path) -> Collection[str]:
        script, env = f"{environment.unset_the_rest()}\nenv", {"PATH": "/usr/bin:/bin", **caller}
        said = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, check=True).stdout
        return [] if "planted" in said else [LISTED]

    return tried


def registry(user: int, client: Any = ("127.0.0.1", 40000), kind: str = "http") -> Tried:
    """A request to the sandbox's registry from a process of a user."""

    def tried(_folder: Path) -> Collection[str]:
        sent: list[Any] = []

        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"through": True})

        async def send(message: Any) -> None:
            sent.append(message)

        callers = Callers(1, find=lambda *_: Owner(user=user) if user >= 0 else None)
        asyncio.run(_for_this_user(app, callers)({"type": kind, "client": client}, None, send))
        return [] if {"through": True} in sent else ["answers only the user"]

    return tried


ME = os.geteuid()
_ATTACKS = (
    ("Azure's credentials", LISTED, given("ARM_CLIENT_SECRET", "AZURE_CLIENT_SECRET")),
    ("Google's credentials", LISTED, given("GOOGLE_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG")),
    ("DigitalOcean's token", LISTED, given("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")),
    ("Cloudflare's token", LISTED, given("CLOUDFLARE_API_TOKEN")),
    ("Vault's token", LISTED, given("VAULT_TOKEN", "VAULT_ADDR")),
    ("AWS's keys", LISTED, given("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE")),
    ("a cloud that nobody has heard of", LISTED, given("NEXTCLOUDCO_API_SECRET")),
    ("the tokens of code hosts", LISTED, given("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN")),
    ("the caller's cluster", LISTED, given("KUBECONFIG", "HELM_REGISTRY_CONFIG")),
    ("Pulumi's token and options", LISTED, given("PULUMI_ACCESS_TOKEN", "PULUMI_OPTION_TARGET")),
    ("code that a shell or Python runs at its start", LISTED, given("BASH_ENV", "PYTHONSTARTUP", "LD_PRELOAD")),
    ("the real registry and its password", LISTED, given("MODELYARD_REGISTRY_URL", "MODELYARD_REGISTRY_PASSWORD")),
    ("what the caller says is deployed", LISTED, given("MODELYARD_DEPLOYED_MAXIMUM_USD")),
    ("a password in a proxy's address", LISTED, given("HTTPS_PROXY", value="http://me:pw@proxy.example.com")),
    ("a name in other letters", LISTED, given("Path", "home ", "PATH2")),
    ("a cloud's key while a program is compiled", LISTED, fetching("AWS_SECRET_ACCESS_KEY")),
    ("a token while wheels are fetched", LISTED, fetching("VAULT_TOKEN")),
    ("a key in the shell that reads the variables", LISTED, sourced({"ARM_CLIENT_SECRET": "planted"})),
    ("a key after a value of two lines", LISTED, sourced({"LC_ALL": "C\nX=1", "VAULT_TOKEN": "planted"})),
    ("another user of the machine asks the registry", "answers only", registry(ME + 1)),
    ("another user opens a socket of the registry", "answers only", registry(ME + 1, kind="websocket")),
    ("a caller that the system does not know asks it", "answers only", registry(-1)),
    ("a caller of another machine asks it", "answers only", registry(ME, ("10.0.0.7", 40000))),
)
ATTACKS = tuple(Attack(kind=Kind.SANDBOX, name=name, stopped_by=by, tried=tried) for name, by, tried in _ATTACKS)
HARMLESS = tuple(
    Harmless(kind=Kind.SANDBOX, name=name, tried=tried)
    for name, tried in (
        ("the path and the home", given("PATH", "HOME")),
        ("the language", given("LC_ALL", "LANG")),
        ("a proxy without a password", given("HTTPS_PROXY", value="http://proxy.example.com:3128")),
        ("the mirror of Go's modules while a program is compiled", fetching("GOPROXY")),
        ("Modelyard's own switch", given("MODELYARD_DEBUG")),
        ("the user's own request to the registry", registry(ME)),
    )
)
