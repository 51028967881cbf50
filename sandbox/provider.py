"""A Pulumi provider in one process: turns the engine's gRPC calls into calls of a small `Cloud` protocol.

The engine talks to any server named in PULUMI_DEBUG_PROVIDERS and then installs no plugin. What is common to every
simulated cloud stands here: unknowns, secrets, property differences, error texts and faults. A cloud is left with what
it knows about its own resources.

No call says which of a program's providers it is for, but the engine opens one connection for each of them. So each
connection that configures gets a copy of the cloud with settings of its own, over the same world.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from core.problem import Refused
from engine.paths import at, steps
from engine.serve import start
from sandbox.faults import CloudError, Faults
from sandbox.items import CREATOR, IGNORED, SEALED
from sandbox.values import from_wire, secret_keys, to_wire

__all__ = ["Change", "Checked", "Cloud", "CloudError", "Fault", "Provider", "Reconfigurable", "serve"]

T = TypeVar("T")
WORKERS = 32


@dataclass(frozen=True)
class Fault:
    """One refused property: its path in the provider's own names, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """What a check found, when it also fills in inputs (a generated name, default tags)."""

    inputs: dict[str, Any]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Change:
    """The property paths that differ, and those of them that cannot change in place."""

    changed: tuple[str, ...]
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = False


class Cloud(Protocol):
    """A cloud. Every method may raise CloudError; unknown values are the string `UNKNOWN`.

    `label` is what its messages begin with: it says SIMULATED where it is.
    """

    package: str
    label: str
    version: str

    def configure(self, variables: dict[str, Any]) -> None:
        """Take the provider's own settings; called on a shallow copy that belongs to that provider."""

    def check(
        self, token: str, name: str, olds: dict[str, Any], news: dict[str, Any]
    ) -> list[Fault] | Checked:  # fmt: skip
        """Every property of `news` that the cloud would refuse; `Checked` when inputs were filled in."""

    def diff(self, token: str, olds: dict[str, Any], news: dict[str, Any]) -> Change:
        """Compare old inputs with new inputs."""

    def create(self, token: str, name: str, inputs: dict[str, Any], *, preview: bool) -> tuple[str, dict[str, Any]]:
        """Make it: its id and all its outputs. In a preview nothing is written and what is not known is UNKNOWN."""

    def read(
        self, token: str, id: str, inputs: dict[str, Any], state: dict[str, Any]
    ) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
        """What is there now: id, outputs, inputs. None when it is gone."""

    def update(
        self, token: str, id: str, olds: dict[str, Any], news: dict[str, Any], *, preview: bool
    ) -> dict[str, Any]:
        """Change it in place: its new outputs. `olds` are its old outputs, `news` its new inputs."""

    def delete(self, token: str, id: str, state: dict[str, Any]) -> None:
        """Remove it; nothing happens when it is gone already."""

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer a data source."""


@runtime_checkable
class Reconfigurable(Protocol):
    """A cloud that says what a change of the provider's own settings does to its resources."""

    def diff_config(self, olds: dict[str, Any], news: dict[str, Any]) -> Change:
        """Compare old with new settings; `replaces` makes every resource of the provider be replaced."""


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The gRPC face of one cloud."""

    def __init__(self, cloud: Cloud, faults: Faults | None = None) -> None:
        self.cloud = cloud
        self.faults = faults or Faults()
        self._configured: dict[str, Cloud] = {}

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return plugin_pb2.PluginInfo(version=self.cloud.version)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        schema = {"name": self.cloud.package, "version": self.cloud.version, "description": self.cloud.label}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        if not isinstance(self.cloud, Reconfigurable):
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_UNKNOWN)
        olds, news = from_wire(request.old_inputs), from_wire(request.news)
        with self._answering("configure", self.cloud.package, context):
            return _diff_response(self.cloud.diff_config(olds, news), olds, news)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._answering("configure", self.cloud.package, context):
            mine = copy.copy(self.cloud)
            mine.configure(from_wire(request.args) or dict(request.variables))
            self._configured[context.peer()] = mine
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        olds, news = from_wire(request.olds), from_wire(request.news)
        with self._call("check", request, context) as cloud:
            found = cloud.check(_token(request.urn), _name(request.urn), olds, news)
        if isinstance(found, Checked):
            inputs, faults = to_wire(found.inputs, secret_keys(request.news)), list(found.faults)
        else:
            inputs, faults = request.news, found
        failures = [provider_pb2.CheckFailure(property=fault.path, reason=fault.reason) for fault in faults]
        return provider_pb2.CheckResponse(inputs=inputs, failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        token, olds, news = _token(request.urn), from_wire(request.old_inputs), from_wire(request.news)
        with self._call("diff", request, context, preview=True) as cloud:
            return _diff_response(cloud.diff(token, olds, news), olds, news)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        token, name, inputs = _token(request.urn), _name(request.urn), from_wire(request.properties)
        secret = secret_keys(request.properties)
        with self._call("create", request, context, secret, preview=request.preview) as cloud:
            identity, outputs = cloud.create(token, name, inputs, preview=request.preview)
        return provider_pb2.CreateResponse(id=identity, properties=to_wire(outputs, secret))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        token, inputs, state = _token(request.urn), from_wire(request.inputs), from_wire(request.properties)
        with self._call("read", request, context) as cloud:
            found = cloud.read(token, request.id, inputs, state)
        if found is None:
            return provider_pb2.ReadResponse(id="")
        identity, outputs, now = found
        return provider_pb2.ReadResponse(
            id=identity,
            properties=to_wire(outputs, secret_keys(request.properties)),
            inputs=to_wire(now, secret_keys(request.inputs)),
        )

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        token, olds, news = _token(request.urn), from_wire(request.olds), from_wire(request.news)
        secret = secret_keys(request.news)
        with self._call("update", request, context, secret, preview=request.preview) as cloud:
            outputs = cloud.update(token, request.id, olds, news, preview=request.preview)
        return provider_pb2.UpdateResponse(properties=to_wire(outputs, secret))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._call("delete", request, context) as cloud:
            cloud.delete(_token(request.urn), request.id, from_wire(request.properties))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._answering("invoke", request.tok, context) as cloud:
            answer = cloud.invoke(request.tok, from_wire(request.args))
        return provider_pb2.InvokeResponse(**{"return": to_wire(answer)})

    def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{self.cloud.label}: {request.type} is not served")

    def Call(self, request: Any, context: Any) -> Any:  # noqa: N802
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{self.cloud.label}: {request.tok} is not served")

    @contextmanager
    def _call(
        self, call: str, request: Any, context: Any, secret: Set[str] = frozenset(), *, preview: bool = False
    ) -> Iterator[Cloud]:
        """The cloud of this call, acting for the request's URN; the faults of a setting meet all but a preview."""
        faults = Faults() if preview else self.faults
        aim = (call, _token(request.urn), request.urn)
        with self._answering(call, aim[1], context) as cloud:
            creator, sealed = CREATOR.set(request.urn), SEALED.set(frozenset(secret))
            ignored = IGNORED.set(tuple(getattr(request, "ignoreChanges", ())))
            try:
                faults.before(*aim)
                yield cloud
                faults.after_write(*aim)
            finally:
                CREATOR.reset(creator)
                SEALED.reset(sealed)
                IGNORED.reset(ignored)
        context.add_callback(lambda: faults.after_reply(*aim))

    @contextmanager
    def _answering(self, call: str, token: str, context: Any) -> Iterator[Cloud]:
        try:
            yield self._configured.get(context.peer(), self.cloud)
        except (CloudError, Refused) as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"{self.cloud.label}, {call} {token}: {error}")


def serve(cloud: Cloud, faults: Faults | None = None) -> tuple[grpc.Server, int]:
    """Serve one cloud on a free port of 127.0.0.1; stop the returned server to end it."""
    provider = Provider(cloud, faults)
    return start(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server), workers=WORKERS
    )


def _diff_response(change: Change, olds: dict[str, Any], news: dict[str, Any]) -> Any:
    wire = provider_pb2.PropertyDiff
    detailed = {}
    for path in (*change.changed, *(path for path in change.replaces if path not in change.changed)):
        kind = "ADD" if at(olds, path) is None else "DELETE" if at(news, path) is None else "UPDATE"
        if _under(path, change.replaces):
            kind += "_REPLACE"
        detailed[path] = wire(kind=wire.Kind.Value(kind), inputDiff=True)
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some if detailed else none,
        replaces=change.replaces,
        diffs=sorted({str(steps(path)[0]) for path in detailed}),
        deleteBeforeReplace=change.delete_before_replace,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _under(path: str, parents: Iterable[str]) -> bool:
    mine = steps(path)
    return any(mine[: len(theirs)] == theirs for theirs in map(steps, parents))


def _token(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]
