"""The registry's Pulumi provider: the engine's calls, and for each one kind of item that does the work.

Check and Diff ask nobody. What a call did is what it answers: when it fails, nothing of it is in the state, and because
every kind looks at what is there, the next `up` finishes what was cut off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from engine.marks import UNKNOWN
from mlflow_provider.api import Rejected, Server, Stopped, Unavailable, persist
from mlflow_provider.connection import Connection
from mlflow_provider.credentials import NoSecret, Secrets, digest
from mlflow_provider.kinds.base import Kind, Props, own
from mlflow_provider.kinds.catalogue import KINDS
from mlflow_provider.wire import SecretGiven, differences, plain, struct

T = TypeVar("T")
VERSION = "0.1.0"
DIGEST = "secretDigest"
"""The output that holds the keyed digest of an item's secret; that of a secret behind another input is `<input>Digest`."""


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one engine. `secrets` are looked up when an item that names one is made or changed."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._connection = Connection({}, secrets)
        self._stop = threading.Event()

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._stop.set()
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return provider_pb2.GetSchemaResponse(schema=f'{{"name": "modelyard", "version": "{VERSION}"}}')

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        # Another way to the server is no other server: no item is replaced for it.
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_UNKNOWN)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _told(context, "configure"):
            settings = plain(request.args)
            self._secrets = replace(self._secrets, region=str(settings.get("region") or ""))
            self._connection = Connection(settings, self._secrets)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind = _kind(request, context)
        failures = []
        with _told(context, f"check {kind.name}"):
            try:
                failures = list(kind.faults(plain(request.news)))
            except SecretGiven as given:
                failures = [(kind.secret, str(given))]
        wire = [provider_pb2.CheckFailure(property=path, reason=reason) for path, reason in failures]
        return provider_pb2.CheckResponse(inputs=request.news, failures=wire)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind = _kind(request, context)
        with _told(context, f"diff {kind.name}"):
            olds, news, state = plain(request.old_inputs), plain(request.news), plain(request.olds)
            changed = list(differences(olds, news))
            replaces = kind.must_replace(olds, news, changed)
            changed = changed or list(self._other_secrets(kind, news, state, request.urn))
        return _answer(olds, news, changed, replaces)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind, inputs = _kind(request, context), plain(request.properties)
        if request.preview:
            outputs = {**inputs, **dict.fromkeys(kind.numbers, UNKNOWN)}
            return provider_pb2.CreateResponse(id="", properties=struct(outputs))
        with _told(context, f"create {kind.name}"):
            values = self._values(kind, inputs)
            given, secret = _unveiled(kind, inputs, values), values.get(kind.secret, "")
            found = self._do(lambda server: kind.create(server, given, secret), values.values())
        outputs = {**inputs, **found.outputs, **self._digested(kind, values, request.urn)}
        return provider_pb2.CreateResponse(id=found.id, properties=struct(outputs))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind, before, state = _kind(request, context), plain(request.inputs), plain(request.properties)
        with _told(context, f"read {kind.name}"):
            found = self._do(lambda server: kind.read(server, request.id))
        if found is None:
            return provider_pb2.ReadResponse(id="")
        there = own(found.inputs, before) if before else found.inputs
        kept = {key: value for key, value in before.items() if key in {*kind.local, *kind.behind, kind.secret}}
        inputs = self._veiled(kind, {**kept, **there}, state, request.urn)
        known = {key: value for key, value in state.items() if key in _digests(kind).values()}
        return provider_pb2.ReadResponse(
            id=found.id, inputs=struct(inputs), properties=struct({**inputs, **found.outputs, **known})
        )

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind, olds, news = _kind(request, context), plain(request.old_inputs), plain(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(
                properties=struct({**news, **_later(kind, plain(request.olds), olds, news)})
            )
        with _told(context, f"update {kind.name} {request.id}"):
            values = self._values(kind, news)
            given, secret = _unveiled(kind, news, values), values.get(kind.secret, "")
            outputs = self._do(lambda server: kind.update(server, request.id, olds, given, secret), values.values())
        made = {**news, **outputs, **self._digested(kind, values, request.urn)}
        return provider_pb2.UpdateResponse(properties=struct(made))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind, inputs = _kind(request, context), plain(request.properties)
        with _told(context, f"delete {kind.name} {request.id}"):
            self._do(lambda server: kind.delete(server, request.id, inputs))
        return empty_pb2.Empty()

    def close(self) -> None:
        """Ends what was started to reach the server."""
        self._connection.close()

    def _do(self, act: Callable[[Server], T], secrets: Iterable[str] = ()) -> T:
        connection = self._connection
        try:
            return persist(lambda: act(connection.server()), within_sec=connection.within_sec, stop=self._stop)
        except Rejected as error:
            raise error.without(secrets) from None

    def _values(self, kind: Kind, inputs: Props) -> dict[str, str]:
        """The secrets that an item names, by the input that names each."""
        return {key: self._secrets.value(str(inputs[key])) for key in _digests(kind) if inputs.get(key)}

    def _digested(self, kind: Kind, values: Mapping[str, str], urn: str) -> Props:
        key = self._connection.near_key
        if key is None:
            return {}
        return {
            output: digest(values[name], key=key, about=_about(kind, name, urn))
            for name, output in _digests(kind).items()
            if name in values
        }

    def _other_secrets(self, kind: Kind, inputs: Props, state: Props, urn: str) -> Iterator[str]:
        """The inputs whose secret has another value than was given last, as far as that is known without asking."""
        for name in _digests(kind):
            value = self._secrets.near(str(inputs[name])) if inputs.get(name) else None
            if value is not None and self._differs(kind, name, value, state, urn):
                yield name

    def _differs(self, kind: Kind, name: str, value: str, state: Props, urn: str) -> bool:
        key, known = self._connection.near_key, state.get(_digests(kind)[name])
        return bool(known) and key is not None and digest(value, key=key, about=_about(kind, name, urn)) != known

    def _veiled(self, kind: Kind, inputs: Props, state: Props, urn: str) -> Props:
        """What was read, less the values of secrets; an input whose value is not the one that was given is left out too."""
        made = dict(inputs)
        for name, clear in kind.behind.items():
            value = made.pop(clear, None) if name in made else None
            if value is not None and self._differs(kind, name, str(value), state, urn):
                del made[name]
        return made


def _digests(kind: Kind) -> dict[str, str]:
    """The inputs of a kind that name a secret, each with the output that holds its digest."""
    return {**({kind.secret: DIGEST} if kind.secret else {}), **{name: f"{name}Digest" for name in kind.behind}}


def _about(kind: Kind, name: str, urn: str) -> str:
    return urn if name == kind.secret else f"{urn}#{name}"


def _unveiled(kind: Kind, inputs: Props, values: Mapping[str, str]) -> Props:
    """The inputs as the server is given them, with the values of the secrets that stand behind another input."""
    return {**inputs, **{clear: values[name] for name, clear in kind.behind.items() if name in values}}


def _kind(request: Any, context: Any) -> Kind:
    token = request.urn.split("::")[2].rpartition("$")[2]
    if token not in KINDS:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"a registry holds no {token}; it holds {', '.join(KINDS)}")
    return KINDS[token]


@contextmanager
def _told(context: Any, doing: str) -> Iterator[None]:
    """Turns what went wrong into one message that says what to do; no message holds a secret's value."""
    try:
        yield
    except Unavailable as error:
        fix = "when it answers again, the same `up` goes on where this one stopped"
        context.abort(grpc.StatusCode.UNAVAILABLE, f"{doing}: the registry does not answer: {error}; {fix}")
    except Rejected as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{doing}: {error}")
    except (NoSecret, SecretGiven) as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{doing}: {error}")
    except Stopped as error:
        context.abort(grpc.StatusCode.CANCELLED, f"{doing}: {error}")


def _later(kind: Kind, state: Props, olds: Props, news: Props) -> Props:
    """Outputs in a preview: what an update may move is not known when anything but the surroundings changes."""
    still = {"description", "tags"}
    moves = any(path.partition("[")[0] not in still for path in differences(olds, news))
    return {key: UNKNOWN if moves else state.get(key) for key in kind.numbers}


def _answer(olds: Props, news: Props, changed: list[str], replaces: list[str]) -> Any:
    wire = provider_pb2.PropertyDiff
    detailed = {}
    for path in changed:
        top = path.partition("[")[0]
        kind = "ADD" if top not in olds else "DELETE" if top not in news else "UPDATE"
        detailed[path] = wire(kind=wire.Kind.Value(f"{kind}_REPLACE" if path in replaces else kind), inputDiff=True)
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some if detailed else none,
        replaces=replaces,
        diffs=sorted({path.partition("[")[0] for path in detailed}),
        # A name is taken once: the old one has to go before the new one can come.
        deleteBeforeReplace=bool(replaces),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )
