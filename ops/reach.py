"""Reaches a stack's model registry from the command line: the sandbox's own, the platform's, or one at an address."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ops.world import Place, World, registry_asks
from problem import ExitCode, Problem, Refused
from registry.api import Rejected, Server, Unavailable
from registry.connection import Connection
from registry.credentials import NoSecret, Secrets
from sandbox import registry

NAMESPACE, SERVICE, PORT = "modelyard-registry", "registry", 5000


@contextlib.contextmanager
def reached(place: Place, url: str = "") -> Iterator[Server]:
    """The server, while the block runs. What it refuses or does not answer becomes Refused."""
    try:
        if place.world is World.SANDBOX and not url:
            with sandboxed(place) as found:
                yield Server(found.url, registry.ADMIN if found.password else "", found.password)
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


@contextlib.contextmanager
def sandboxed(place: Place) -> Iterator[registry.Registry]:
    """The sandbox's registry of this stack, which is a real MLflow server, as long as the block runs."""
    asks = registry_asks(place)
    sandbox = place.root / ".sandbox"
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "AWS_"))}
    found = registry.start(sandbox / place.stack / "mlflow", sandbox / "cache", env, users=bool(asks))
    try:
        yield found
    finally:
        found.close()


def address(place: Place) -> str:
    """Where the sandbox's registry of this stack listens; it keeps its port."""
    with sandboxed(place) as found:
        return found.url


def _elsewhere(place: Place, url: str) -> Connection:
    from infra.settings import Stack
    from infra.stackfile import StackFile

    secrets = Secrets(config={}, environ=os.environ)
    if url:
        return Connection({"url": url}, secrets)
    spec = Stack.read(StackFile.read(place.stack_file)).settings.registry
    settings = {"url": spec.url, "user": spec.admin, "password": spec.admin_password} if spec else {}
    # Without a kubeconfig of its own kubectl takes the one that is current.
    way = {"namespace": NAMESPACE, "service": SERVICE, "port": PORT}
    return Connection({**settings, "portForward": way}, secrets)
