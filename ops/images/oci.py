"""Reads manifests from container registries over the OCI distribution API, as anybody may: no credentials, one token a scope.

Specification: opencontainers/distribution-spec 1.1, and the token flow of distribution's `docs/spec/auth/token.md`. Whatever a
registry says is checked: a manifest's digest is computed from its bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from core import plain_json

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
HELM = "application/vnd.cncf.helm.config.v1+json"
SECONDS = (5.0, 15.0)
"""Longest wait for a connection, and for each piece of an answer."""
MOST_BYTES = 4 * 1024 * 1024
"""The specification's bound on a manifest; a configuration is held to it too."""
_HUB = {"docker.io": "registry-1.docker.io"}
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_LOOPBACK = frozenset(("127.0.0.1", "localhost"))


class Unread(Exception):
    """A registry does not answer, or not in a way that can be believed; the text says what and where."""


class Missing(Unread):
    """The registry answers, and has no such manifest."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a registry says of an image or a chart: its digest, and the Linux architectures that it is built for.

    `chart` is the name and version that a Helm chart gives itself, empty for an image.
    """

    digest: str
    architectures: tuple[str, ...] = ()
    chart: tuple[str, str] | None = None


@dataclass(frozen=True)
class Registries:
    """Every registry that is asked, with the tokens that they gave, and those that did not answer: nobody waits for one twice.

    Not for several threads at once.
    """

    session: requests.Session = field(default_factory=lambda: _Session())
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    seconds: tuple[float, float] = SECONDS

    def manifest(self, repository: str, reference: str) -> Manifest:
        """The manifest of `repository` (with its registry) at a tag or a digest. Raises Unread, or Missing when there is none."""
        body, found = self._get(repository, "manifests", reference, (*INDEXES, *MANIFESTS))
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        wanted = reference if reference.startswith("sha256:") else found.headers.get("Docker-Content-Digest", digest)
        if wanted != digest:
            raise Unread(f"{repository}:{reference}: the manifest's digest is {digest}, not {wanted}")
        said = _parsed(body, f"{repository}:{reference}")
        if "manifests" in said:
            return Manifest(digest=digest, architectures=_of_index(said))
        return self._of_one(repository, digest, said)

    def _of_one(self, repository: str, digest: str, said: Mapping[str, Any]) -> Manifest:
        described = said.get("config")
        if not isinstance(described, Mapping) or not isinstance(described.get("digest"), str):
            raise Unread(f"{repository}: neither an index nor a manifest with a configuration")
        blob, _ = self._get(repository, "blobs", described["digest"], ("*/*",))
        if f"sha256:{hashlib.sha256(blob).hexdigest()}" != described["digest"]:
            raise Unread(f"{repository}: the configuration is not the one that the manifest names")
        config = _parsed(blob, repository)
        if described.get("mediaType") == HELM:
            return Manifest(digest=digest, chart=(str(config.get("name")), str(config.get("version"))))
        linux = config.get("os") == "linux" and isinstance(config.get("architecture"), str)
        return Manifest(digest=digest, architectures=(config["architecture"],) if linux else ())

    def _get(self, repository: str, kind: str, what: str, accept: tuple[str, ...]) -> tuple[bytes, requests.Response]:
        host, _, name = repository.partition("/")
        url = f"{_scheme(host)}://{_HUB.get(host, host)}/v2/{name}/{kind}/{what}"
        headers = {"Accept": ", ".join(accept)}
        scope = f"repository:{name}:pull"
        answer = self._ask(url, headers, self.tokens.get((host, scope)))
        if answer.status_code == requests.codes.unauthorized:
            token = self._token(host, scope, answer.headers.get("WWW-Authenticate", ""))
            self.tokens[host, scope] = token
            answer = self._ask(url, headers, token)
        if answer.status_code == requests.codes.not_found:
            raise Missing(f"{repository}: the registry has no {kind.removesuffix('s')} {what}")
        if answer.status_code != requests.codes.ok:
            raise Unread(f"{repository}: the registry answers {answer.status_code}")
        return _bytes(answer, repository), answer

    def _ask(self, url: str, headers: Mapping[str, str], token: str | None = None) -> requests.Response:
        sent = {**headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        host = urlsplit(url).netloc
        if host in self.silent:
            raise Unread(self.silent[host])
        try:
            return self.session.get(url, headers=sent, timeout=self.seconds, stream=True, auth=_Anonymous())
        except requests.RequestException as error:
            self.silent[host] = f"{host}: {type(error).__name__}"
            raise Unread(self.silent[host]) from None

    def _token(self, host: str, scope: str, challenge: str) -> str:
        said = dict(_PARAMETER.findall(challenge))
        realm = said.get("realm", "")
        place = urlsplit(realm)
        if not challenge.lower().startswith("bearer ") or not place.hostname:
            raise Unread(f"{host}: the registry asks for credentials")
        if place.scheme != "https" and place.hostname not in _LOOPBACK:
            raise Unread(f"{host}: the registry gives tokens in clear, at {place.netloc}")
        asked = requests.Request("GET", realm, params={"service": said.get("service", ""), "scope": scope}).prepare()
        answer = self._ask(str(asked.url), {"Accept": "application/json"})
        if answer.status_code != requests.codes.ok:
            raise Unread(f"{host}: no token for {scope}: {answer.status_code}")
        found = _parsed(_bytes(answer, host), host)
        token = found.get("token") or found.get("access_token")
        if not isinstance(token, str):
            raise Unread(f"{host}: no token for {scope}")
        return token


class _Anonymous(requests.auth.AuthBase):
    """Keeps requests from adding what a netrc file says."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Session(requests.Session):
    """A session that hands a token to the host it was made for, and no name of a netrc file to whoever that one points to."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        headers, before, after = prepared_request.headers, response.request.url, prepared_request.url
        strip = self.should_strip_auth(str(before), str(after))  # type: ignore[no-untyped-call]
        if "Authorization" in headers and strip:
            del headers["Authorization"]


def _scheme(host: str) -> str:
    return "http" if host.partition(":")[0] in _LOOPBACK else "https"


def _bytes(answer: requests.Response, where: str) -> bytes:
    body = bytearray()
    try:
        for piece in answer.iter_content(65_536):
            body += piece
            if len(body) > MOST_BYTES:
                raise Unread(f"{where}: the answer is larger than {MOST_BYTES} bytes")
    except requests.RequestException as error:
        raise Unread(f"{where}: {type(error).__name__}") from None
    finally:
        answer.close()
    return bytes(body)


def _parsed(body: bytes, where: str) -> dict[str, Any]:
    try:
        said = plain_json.loads(body, largest=MOST_BYTES)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Unread(f"{where}: the answer is not a JSON object")
    return said


def _of_index(said: Mapping[str, Any]) -> tuple[str, ...]:
    platforms = [manifest.get("platform") for manifest in said["manifests"] if isinstance(manifest, Mapping)]
    linux = [platform for platform in platforms if isinstance(platform, Mapping) and platform.get("os") == "linux"]
    return tuple(sorted({str(each.get("architecture")) for each in linux}))
