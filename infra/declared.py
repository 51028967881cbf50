"""What a stack declares, found without an engine, a cloud or a toolchain: the program runs against a recording monitor.

Whatever only a cloud would know stands as `${urn#property}`, so that a reader sees what refers to what. This is what
`modelyard render` writes, what the golden files hold, and what the bill and the demo show before an engine is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, sync_await
from pulumi.runtime.stack import run_pulumi_func

from pricing.items.graph import UNKNOWN, Graph

ACCOUNT = "${aws#accountId}"
SECRET = "${secret}"  # noqa: S105
"""What stands for every secret value: it is never written out."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One declared resource or component, its inputs in the provider's camelCase keys.

    `references` says for an input from which resources its value comes.
    """

    urn: str
    token: str
    name: str
    parent: str
    custom: bool
    inputs: dict[str, Any]
    dependencies: tuple[str, ...]
    protect: bool
    provider: str
    references: dict[str, tuple[str, ...]]
    ignores: tuple[str, ...] = ()
    """Property paths whose changes are left to others."""


Answer = Callable[[str, Mapping[str, Any]], "dict[str, Any] | None"]
"""What a data source says: of its token and its arguments, its result; None when it is not known."""


def declare(
    program: Callable[[], None], *, project: str, stack: str, answers: Answer = lambda *_: None
) -> dict[str, Declared]:
    """Runs a program and returns everything that it registers, by URN, in order of registration.

    `answers` says what an account holds already, for a program that asks.

    Raises what the program raises. Not thread-safe: Pulumi's runtime has one monitor for the process.
    """
    monitor = _Recorder(answers)
    _have_a_loop()
    # A second program in this process would otherwise hang its resources under the first one's stack.
    pulumi.runtime.settings.ROOT.set(None)
    mocks.set_mocks(_Answers(answers), project=project, stack=stack, preview=False, monitor=monitor)
    pulumi.runtime.settings.SETTINGS.outputs.clear()
    sync_await._sync_await(run_pulumi_func(program))
    return monitor.found


def _have_a_loop() -> None:
    """Pulumi's mocks take the thread's event loop, which another part of the program may have ended."""
    with contextlib.suppress(RuntimeError):
        if not asyncio.get_event_loop_policy().get_event_loop().is_closed():
            return
    asyncio.set_event_loop(asyncio.new_event_loop())


def as_graph(found: Mapping[str, Declared], *, texts: bool = False) -> Graph:
    """What a stack declares as the graph that estimates and rules read; every value with a placeholder is unknown.

    With `texts` a text that only holds one, as a policy document does, stays as it is.
    """
    return Graph.of(
        {
            "urn": declared.urn,
            "type": declared.token,
            "name": declared.name,
            "parent": declared.parent,
            "inputs": _unknown(declared.inputs, texts),
            "depends": declared.dependencies,
            "references": declared.references,
        }
        for declared in found.values()
    )


def _unknown(value: Any, texts: bool) -> Any:
    if isinstance(value, Mapping):
        return {key: _unknown(inner, texts) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unknown(inner, texts) for inner in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    whole = value.startswith("${") and value.endswith("}")
    return value if texts and not whole else UNKNOWN


class _Recorder(mocks.MockMonitor):
    """Keeps what a program registers; answers with its inputs, and placeholders for what a cloud would decide."""

    def __init__(self, answers: Answer) -> None:
        super().__init__(_Answers(answers))
        self.found: dict[str, Declared] = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN that an engine gives: the whole chain of parents' types, less the stack's own."""
        chain = parent.split("::")[2] if parent else ""
        qualified = type_ if chain in {"", "pulumi:pulumi:Stack"} else f"{chain}${type_}"
        return "::".join([f"urn:pulumi:{pulumi.get_stack()}", pulumi.get_project(), qualified, name])

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        urn = response.urn
        if request.type != "pulumi:pulumi:Stack":
            inputs = _plain(rpc.deserialize_properties(request.object, keep_unknowns=True))
            self.found[urn] = Declared(
                urn=urn,
                token=request.type,
                name=request.name,
                parent=request.parent,
                custom=bool(request.custom),
                inputs=inputs,
                dependencies=tuple(sorted(set(request.dependencies))),
                protect=bool(request.protect),
                ignores=tuple(request.ignoreChanges),
                provider=request.provider,
                references={
                    key: tuple(sorted(found.urns)) for key, found in request.propertyDependencies.items() if found.urns
                },
            )
            if request.custom:
                known = _placeholders(request.type, urn, inputs)
                response.id = f"${{{urn}#id}}"
                response.object.CopyFrom(sync_await._sync_await(rpc.serialize_properties(known, {})))
        return response


class _Answers(mocks.Mocks):
    """Data sources as a plan can know them: whatever was asked for is there, and no more is known than `answers` says."""

    def __init__(self, answers: Answer) -> None:
        self._answers = answers

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return "", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        asked = dict(args.args)
        if (known := self._answers(args.token, asked)) is not None:
            return {**asked, **known}, []
        name = args.token.rpartition(":")[2]
        if name == "readStackOutputs":
            return {**asked, "outputs": {}}, []
        if name == "getCallerIdentity":
            return {"accountId": ACCOUNT, "arn": "${aws#callerArn}", "id": ACCOUNT, "userId": "${aws#userId}"}, []
        return {**asked, **{key: f"${{{name}#{key}}}" for key in ("arn", "endpoint") if key not in asked}}, []


def _plain(value: Any) -> Any:
    """A deserialized property without its wrappers: secrets become SECRET, unknowns and resources their text."""
    if isinstance(value, Mapping):
        if rpc._special_sig_key in value:
            return SECRET
        return {str(key): _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _placeholders(token: str, urn: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = _completed(inputs, _outputs(token, urn))
    return known


def _completed(said: Any, decided: Any) -> Any:
    """What was declared, completed at every depth by what a cloud would decide."""
    if isinstance(said, Mapping) and isinstance(decided, Mapping):
        return {**decided, **{key: _completed(inner, decided.get(key)) for key, inner in said.items()}}
    return said


def _outputs(token: str, urn: str) -> dict[str, Any]:
    cls = class_of(token)
    return {name: _stand_in(kind, f"{urn}#{name}") for name, _, kind in properties(cls)} if cls else {}


@functools.cache
def class_of(token: str) -> type | None:
    """The SDK's class of a type token; None when no installed package has one."""
    package, module, _ = token.split(":")
    for registered in rpc._RESOURCE_MODULES.get(f"{package}:{module}", []):
        info = registered.mod_info  # type: ignore[attr-defined]
        if token in info["classes"]:
            return typing.cast(type, getattr(__import__(info["fqn"], fromlist=["_"]), info["classes"][token]))
    return None


@functools.cache
def properties(cls: type) -> tuple[tuple[str, str, Any], ...]:
    """Every output of an SDK class: its camelCase name, the name of its getter and its type."""
    return tuple(_walk(cls))


def _walk(cls: type) -> Iterator[tuple[str, str, Any]]:
    for name, member in inspect.getmembers(cls, lambda each: isinstance(each, property)):
        getter = member.fget
        if name in {"urn", "id"} or getter is None or getter.__module__.startswith("pulumi.resource"):
            continue
        hint = typing.get_type_hints(getter).get("return")
        inner = typing.get_args(hint)[0] if typing.get_origin(hint) is pulumi.Output else hint
        yield getattr(getter, "_pulumi_name", name), name, inner


def _stand_in(kind: Any, path: str) -> Any:
    """A value of the shape of `kind`, each leaf saying where it would come from."""
    arguments = [each for each in typing.get_args(kind) if each is not type(None)]
    origin = typing.get_origin(kind)
    if origin is typing.Union or type(kind).__name__ == "UnionType":
        return _stand_in(arguments[0], path)
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return {}
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        return [_stand_in(arguments[0], f"{path}[0]")]
    if inspect.isclass(kind) and kind.__module__.startswith("pulumi_"):
        return {name: _stand_in(inner, f"{path}.{name}") for name, _, inner in properties(typing.cast(type, kind))}
    return f"${{{path}}}"
