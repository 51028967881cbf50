"""A host with one permissive provider, so that the runner's tests need no simulated cloud: `tiny` takes what it is given.

A resource with the property `refuse` fails on create with that text; `slow` (seconds) delays it. `protectedByCloud`
makes Delete fail. The world is one JSON file.
"""

# ruff: noqa: N802 - the method names are the protocol's
from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc


def _plain(message: struct_pb2.Struct) -> dict[str, Any]:
    return dict(json_format.MessageToDict(message))


def _struct(value: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(value)
    return message


class Tiny(provider_pb2_grpc.ResourceProviderServicer):
    """Creates, updates and deletes entries of a JSON file."""

    def __init__(self, file: Path) -> None:
        self.file, self.lock = file, threading.Lock()

    def _world(self) -> dict[str, Any]:
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def _put(self, key: str, value: dict[str, Any] | None) -> None:
        with self.lock:
            world = self._world()
            world.pop(key, None)
            if value is not None:
                world[key] = value
            self.file.write_text(json.dumps(world))

    def Handshake(self, request: Any, context: Any) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "not here")

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="7.51.1")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse()

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        old, new = _plain(request.old_inputs), _plain(request.news)
        keys = [key for key in {*old, *new} if old.get(key) != new.get(key)]
        kind = provider_pb2.DiffResponse.DIFF_SOME if keys else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=kind, diffs=keys)

    def Create(self, request: Any, context: Any) -> Any:
        wanted = _plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        time.sleep(float(wanted.get("slow", 0)))
        if "refuse" in wanted:
            context.abort(grpc.StatusCode.UNKNOWN, wanted["refuse"])
        name = request.urn.rsplit("::", 1)[1]
        self._put(name, wanted)
        return provider_pb2.CreateResponse(id=name, properties=request.properties)

    def Read(self, request: Any, context: Any) -> Any:
        known = self._world().get(request.id)
        if known is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=_struct(known), inputs=_struct(known))

    def Update(self, request: Any, context: Any) -> Any:
        if not request.preview:
            self._put(request.id, _plain(request.news))
        return provider_pb2.UpdateResponse(properties=request.news)

    def Delete(self, request: Any, context: Any) -> Any:
        self._put(request.id, None)
        return empty_pb2.Empty()


def main() -> None:
    parser = argparse.ArgumentParser()
    for flag in ("--world", "--cache", "--faults", "--calls", "--account"):
        parser.add_argument(flag)
    arguments = parser.parse_args()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Tiny(Path(arguments.world) / "tiny.json"), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"tiny": port}), flush=True)
    sys.stdin.read()
    server.stop(0)


if __name__ == "__main__":
    main()
