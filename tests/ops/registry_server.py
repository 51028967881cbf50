"""A container registry on loopback that speaks the distribution API, token challenge included: what the tests read from."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"


def sha256(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass
class Registry:
    """What is kept by path, what was asked, and how it misbehaves: `faults` maps the end of a path to a status or to a lie."""

    port: int = 0
    kept: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    faults: dict[str, Any] = field(default_factory=dict)
    realm: str = ""
    tokens: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def put(self, name: str, tag: str, kind: str, body: dict[str, Any]) -> str:
        """Keeps a manifest under its tag and its digest; gives the digest."""
        text = json.dumps(body).encode()
        for reference in (tag, sha256(text)):
            self.kept[f"/v2/{name}/manifests/{reference}"] = (kind, text)
        return sha256(text)

    def blob(self, name: str, body: dict[str, Any]) -> str:
        text = json.dumps(body).encode()
        self.kept[f"/v2/{name}/blobs/{sha256(text)}"] = ("application/octet-stream", text)
        return sha256(text)

    def image(self, name: str, tag: str, *architectures: str) -> str:
        """An image of several architectures, with an attestation beside each, as buildkit writes them."""
        several = [{"architecture": architecture, "os": "linux"} for architecture in architectures]
        several += [{"architecture": "unknown", "os": "unknown"}, {"architecture": "amd64", "os": "windows"}]
        return self.put(name, tag, INDEX, {"manifests": [{"platform": each, "digest": "x"} for each in several]})

    def single(self, name: str, tag: str, config: dict[str, Any], kind: str = IMAGE_CONFIG) -> str:
        """A manifest of its own, without an index."""
        digest = self.blob(name, config)
        return self.put(name, tag, MANIFEST, {"config": {"mediaType": kind, "digest": digest}, "layers": []})

    def chart(self, name: str, version: str) -> str:
        return self.single(name, version, {"name": name.rpartition("/")[2], "version": version}, HELM_CONFIG)


@contextmanager
def running() -> Iterator[Registry]:
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            registry.asked.append((self.path, dict(self.headers)))
            if place.path == "/token":
                asked = parse_qs(place.query)
                registry.tokens += 1
                self._answer(200, "application/json", json.dumps({"token": f"for {asked['scope'][0]}"}).encode())
                return
            name = place.path.removeprefix("/v2/").partition("/manifests/")[0].partition("/blobs/")[0]
            if self.headers.get("Authorization") != f"Bearer for repository:{name}:pull":
                realm = registry.realm or f"http://{registry.host}/token"
                challenge = f'Bearer realm="{realm}",service="here",scope="repository:{name}:pull"'
                self._answer(401, "application/json", b"{}", {"WWW-Authenticate": challenge})
                return
            fault = next((said for end, said in registry.faults.items() if place.path.endswith(end)), None)
            kind, body = registry.kept.get(place.path, ("", b""))
            if fault == "slow":
                time.sleep(3)
            elif fault == "changed":
                body += b" "
            elif fault == "large":
                body = b"[" + b" " * (5 * 1024 * 1024)
            elif isinstance(fault, int):
                self._answer(fault, "application/json", b"{}")
                return
            self._answer(200 if kind else 404, kind or "application/json", body)

        def _answer(self, status: int, kind: str, body: bytes, more: dict[str, str] | None = None) -> None:
            digest = registry.kept.get(urlsplit(self.path).path, ("", b""))[1]
            said = {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}
            if digest:
                said["Docker-Content-Digest"] = sha256(digest)
            self.send_response(status)
            for key, value in said.items():
                self.send_header(key, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                return

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    registry.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
