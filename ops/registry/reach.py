"""Reaches a stack's model registry from the command line: the sandbox's own, the platform's, or one at an address."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from core.problem import ExitCode, Problem, Refused
from mlflow_provider.api import Rejected, Server, Unavailable
from mlflow_provider.connection import PASSWORD, URL, Connection
from mlflow_provider.credentials import NoSecret, Secrets
from mlflow_provider.kinds.catalogue import PACKAGE
from ops.engine.automation import Engine
from ops.show import Show
from ops.worlds.world import Place


@contextlib.contextmanager
def reached(place: Place, url: str = "") -> Iterator[Server]:
    """The server, while the block runs. What it refuses or does not answer becomes Refused."""
    try:
        own = None if url else place.world.registry(place)
        if own is not None:
            with own as server:
                yield server
        else:
            connection = _elsewhere(place, url)
            try:
                yield connection.server()
            finally:
                connection.close()
    except Unavailable as error:
        fix = "is it up, and is its address right? --url names another"
        raise Refused(
            Problem(summary="the registry does not answer", found=str(error), fix=fix), ExitCode.UNAVAILABLE
        ) from None
    except (Rejected, NoSecret) as error:
        raise Refused(Problem(summary=f"the registry: {error}", fix=_HOW), ExitCode.FAILED) from None


_HOW = "who you are comes from MODELYARD_REGISTRY_USER and MODELYARD_REGISTRY_PASSWORD"


def _elsewhere(place: Place, url: str) -> Connection:
    """The way that the program itself takes. Raises Refused when the stack does not say where its registry is."""
    from pydantic.alias_generators import to_camel

    from infra import program as wiring
    from infra.content import content_args, context
    from infra.guard import guard
    from infra.stack.sent_secrets import sent_secrets
    from policies.guard.secret_hosts import problems

    if url:
        return Connection({"url": url}, Secrets(config={}, environ=os.environ))
    stack = place.loaded.stack
    spec = stack.settings.registry
    if spec is None:
        raise Refused(Problem(summary="the stack has no registry", where="registry", fix="--url names a server"))
    if not os.environ.get(URL) and (unlisted := list(problems(sent_secrets(stack.settings), guard().secret_hosts))):
        raise place.loaded.placed(Refused(unlisted))
    addressed = bool(spec.url or os.environ.get(URL))
    way: dict[str, str] = context(stack)
    password = "" if os.environ.get(PASSWORD) else spec.admin_password or ""
    config: dict[str, str] = {}
    # Whatever cluster happens to be current is never taken: another stack's registry would be read for this one's.
    if not (addressed or way) or password.startswith("config:"):
        with place.world.opened(place, wiring.make(place.loaded), Show(as_json=True).say) as engine:
            if not (addressed or way):
                way = {"kubeconfig": _kubeconfig(engine.state())}
            config = _configured(engine) if password.startswith("config:") else {}
    said = {to_camel(key): value for key, value in content_args(stack, spec, way).connection().items()}
    return Connection(said, Secrets(config=config, environ=os.environ, region=stack.region))


def _kubeconfig(state: Mapping[str, Any]) -> str:
    """The kubeconfig with which the program last reached the stack's own cluster."""
    for resource in state.get("resources") or []:
        found = (resource.get("inputs") or {}).get("kubeconfig")
        if (
            resource.get("type") == "pulumi:providers:kubernetes"
            and not resource.get("delete")
            and isinstance(found, str)
        ):
            return found
    raise Refused(
        Problem(
            summary="the stack's cluster is not known",
            found="the state has none",
            fix="`modelyard up --cloud` makes it; --url or MODELYARD_REGISTRY_URL names a server without it",
        )
    )


def _configured(engine: Engine) -> dict[str, str]:
    """The stack's configuration as the engine gives it to the provider, secrets included."""
    found = json.loads(engine.ask("config", "--show-secrets", "--json"))
    own = f"{PACKAGE}:"
    return {key.removeprefix(own): str(each.get("value", "")) for key, each in found.items() if key.startswith(own)}
