"""A small client of a real Kubernetes API server: discovery, server-side apply with strict fields, dry runs, deletion.

A warning that the server sends along with its answer is an error here: what it warns of today it refuses tomorrow.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from kube.pods import items, mapping
from sandbox.faults import CloudError
from sandbox.kubernetes.cluster import current

MANAGER = "modelyard"
_APPLY = "application/apply-patch+yaml"
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
_SECONDS = 60.0


@dataclass(frozen=True)
class Kind:
    """How the server serves a kind: its path segment, and whether its objects live in namespaces."""

    api_version: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """The URL path of one object, or of all of them without a name."""
        root = "/apis/" if "/" in self.api_version else "/api/"
        space = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{root}{self.api_version}{space}/{self.plural}{f'/{name}' if name else ''}"


class Api:
    """The API server of a kubeconfig's current context. Methods raise CloudError with the server's reason and words."""

    def __init__(self, kubeconfig: Path) -> None:
        self.context, cluster, self._user = current(kubeconfig)
        self.url = str(cluster["server"]).rstrip("/")
        self._home = kubeconfig.parent
        self._private = tempfile.TemporaryDirectory(prefix="kube-")
        self._session = requests.Session()
        self._session.trust_env = False
        retry = Retry(total=6, connect=3, backoff_factor=0.2, status_forcelist=(429, 504), allowed_methods=None)
        self._session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=32, max_retries=retry))
        authority = self._file(cluster, "certificate-authority")
        self._session.verify = authority or not cluster.get("insecure-skip-tls-verify", False)
        self._login(self._user)
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._lock = threading.Lock()

    def _file(self, of: Mapping[str, Any], key: str) -> str:
        if data := of.get(f"{key}-data"):
            file = Path(self._private.name) / key
            file.write_bytes(base64.b64decode(data))
            return str(file)
        return str(self._home / str(of[key])) if of.get(key) else ""

    def _login(self, user: Mapping[str, Any]) -> None:
        token = user.get("token") or (Path(self._home / user["tokenFile"]).read_text() if "tokenFile" in user else "")
        certificate, key = self._file(user, "client-certificate"), self._file(user, "client-key")
        if "exec" in user:
            self._login(self._credential(mapping(user["exec"])))
        elif token:
            self._session.headers["Authorization"] = f"Bearer {token.strip()}"
        elif certificate:
            self._session.cert = (certificate, key)
        elif "username" in user:
            self._session.auth = (str(user["username"]), str(user.get("password", "")))

    def _credential(self, plugin: Mapping[str, Any]) -> dict[str, Any]:
        """What a credential plugin answers, in a kubeconfig's own words."""
        asked = {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}}
        extra = {str(item["name"]): str(item["value"]) for item in items(plugin.get("env"))}
        command = [str(plugin["command"]), *map(str, items(plugin.get("args")))]
        try:
            env = {**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(asked)}
            done = subprocess.run(command, env=env, cwd=self._home, capture_output=True, text=True, check=True)
            status = json.loads(done.stdout)["status"]
        except (OSError, subprocess.CalledProcessError, ValueError, KeyError) as error:
            said = str(getattr(error, "stderr", "") or error).strip()
            raise CloudError("Unauthorized", f"the credential plugin {command[0]} gave none: {said}") from None
        encoded = {
            f"client-{name}-data": base64.b64encode(status[field].encode()).decode()
            for name, field in (("certificate", "clientCertificateData"), ("key", "clientKeyData"))
            if status.get(field)
        }
        return {"token": status.get("token", ""), **encoded}

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
        warned: bool = True,
    ) -> dict[str, Any]:
        """The server's answer as JSON; with `warned` a warning is an error too."""
        headers = {"Content-Type": content, "Accept": "application/json"}
        data = None if body is None else json.dumps(body)
        for last in (False, True):
            try:
                answer = self._session.request(
                    method, self.url + path, params=query, data=data, headers=headers, timeout=_SECONDS
                )
            except requests.RequestException as error:
                raise CloudError("Unreachable", f"the API server {self.url} does not answer: {error}") from None
            if answer.status_code != 401 or last or "exec" not in self._user:
                break
            self._login(self._user)
        if not answer.ok:
            raise _refused(answer)
        if warned and (warnings := _WARNING.findall(answer.headers.get("Warning", ""))):
            raise CloudError("Warning", "; ".join(dict.fromkeys(warnings)).replace('\\"', '"'))
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def healthy(self) -> bool:
        """Whether the server says that it is ready to serve."""
        return self._session.get(f"{self.url}/readyz", timeout=5).ok

    def kind(self, api_version: str, kind: str) -> Kind | None:
        """How the server serves a kind, or None; asked again when it is not there yet, for CRDs come late."""
        with self._lock:
            if kind not in self._kinds.get(api_version, {}):
                self._kinds[api_version] = self._discover(api_version)
            return self._kinds[api_version].get(kind)

    def _discover(self, api_version: str) -> dict[str, Kind]:
        root = "/apis/" if "/" in api_version else "/api/"
        try:
            listed = self.request("GET", f"{root}{api_version}", warned=False)
        except CloudError as error:
            if error.code != "NotFound":
                raise
            return {}
        served = (resource for resource in listed.get("resources", []) if "/" not in resource["name"])
        return {each["kind"]: Kind(api_version, each["name"], each["namespaced"]) for each in served}

    def place(self, obj: Mapping[str, Any]) -> tuple[Kind, str, str]:
        """The kind, namespace and name of an object; CloudError for a kind that the server does not serve."""
        api_version, kind, metadata = str(obj.get("apiVersion")), str(obj.get("kind")), mapping(obj.get("metadata"))
        served = self.kind(api_version, kind)
        if served is None:
            raise CloudError("NoMatch", f'no matches for kind "{kind}" in version "{api_version}"')
        return served, str(metadata.get("namespace") or "default"), str(metadata.get("name") or "")

    def get(self, obj: Mapping[str, Any]) -> dict[str, Any] | None:
        """The object of the same kind, namespace and name as the server holds it, or None."""
        try:
            kind, namespace, name = self.place(obj)
            return self.request("GET", kind.path(namespace, name), warned=False)
        except CloudError as error:
            if error.code in ("NoMatch", "NotFound"):
                return None
            raise

    def apply(
        self, obj: Mapping[str, Any], *, manager: str = MANAGER, dry_run: bool = False, warned: bool = True
    ) -> dict[str, Any]:
        """Server-side apply of an object with strict field validation: the object as the server then holds it."""
        kind, namespace, name = self.place(obj)
        query = {"fieldManager": manager, "force": "true", "fieldValidation": "Strict"}
        query |= {"dryRun": "All"} if dry_run else {}
        return self.request("PATCH", kind.path(namespace, name), obj, query=query, content=_APPLY, warned=warned)

    def judge(self, obj: Mapping[str, Any]) -> None:
        """CloudError when the server would not take the object if it were new; nothing is written."""
        kind, namespace, _ = self.place(obj)
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict", "dryRun": "All"}
        try:
            self.request("POST", kind.path(namespace), obj, query=query)
        except CloudError as error:
            if error.code != "AlreadyExists":  # only told once everything else was found in order
                raise

    def delete(self, obj: Mapping[str, Any], *, within: float = 300.0) -> None:
        """Deletes an object and what it owns, and waits until it is gone; CloudError names what holds it."""
        live = self.get(obj)
        if live is None:
            return
        kind, namespace, name = self.place(obj)
        try:
            options = {"propagationPolicy": _propagation(kind), "preconditions": {"uid": live["metadata"]["uid"]}}
            self.request("DELETE", kind.path(namespace, name), options, warned=False)
        except CloudError as error:
            if error.code != "NotFound":
                raise
        born, ends, pause = live["metadata"]["uid"], time.monotonic() + within, 0.02
        while live is not None and live["metadata"]["uid"] == born:
            if time.monotonic() > ends:
                held = ", ".join(live["metadata"].get("finalizers", ())) or "nothing named"
                raise CloudError("Timeout", f"{obj['kind']} {name} is not gone after {within:.0f} s; held by {held}")
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)
            live = self.get(obj)


def _propagation(kind: Kind) -> str:
    """What owns pods goes after them; the collector may not know a new CRD's kind for half a minute."""
    return "Foreground" if kind.api_version.partition("/")[0] in ("apps", "batch") else "Background"


def _refused(answer: requests.Response) -> CloudError:
    try:
        status = answer.json()
        found = CloudError(str(status.get("reason") or answer.status_code), str(status.get("message")))
        causes = mapping(status.get("details")).get("causes")
    except ValueError:
        reason = "NotFound" if answer.status_code == 404 else str(answer.status_code)
        found, causes = CloudError(reason, answer.text.strip()[:300] or answer.reason), ()
    found.causes = tuple((str(item.get("field", "")), str(item.get("message", ""))) for item in items(causes))
    return found
