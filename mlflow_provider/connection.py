"""How the provider reaches the server: by its address, or through `kubectl port-forward` when it is only in the cluster."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlflow_provider.api import Server, Unavailable
from mlflow_provider.credentials import NoSecret, Secrets

URL = "MODELYARD_REGISTRY_URL"
"""Reaches the server another way than the stack file says: through a tunnel of one's own, or in the sandbox."""
USER, PASSWORD = "MODELYARD_REGISTRY_USER", "MODELYARD_REGISTRY_PASSWORD"
WITHIN_SEC = 120
"""How long (seconds) a call is tried again when the stack file does not say."""

NO_KUBECTL = "kubectl is not on PATH, and the registry is only reached through it"
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


@dataclass
class Connection:
    """The settings of one provider; nothing is contacted before `server` is asked for."""

    settings: Mapping[str, Any]
    secrets: Secrets
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _forward: subprocess.Popen[str] | None = field(default=None, repr=False)
    _server: Server | None = field(default=None, repr=False)
    _file: Path | None = field(default=None, repr=False)

    @property
    def within_sec(self) -> float:
        """How long a call is tried again."""
        return float(self.settings.get("timeoutSec") or WITHIN_SEC)

    @property
    def near_key(self) -> str | None:
        """What digests of secrets are keyed with: the admin's password, or nothing when none can be had without asking."""
        given = self.secrets.environ.get(PASSWORD)
        reference = str(self.settings.get("password") or "")
        if given or reference:
            return given or self.secrets.near(reference)
        return None if self._secret_in_cluster() else ""

    def server(self) -> Server:
        """The server. Raises Unavailable when it cannot be forwarded to, NoSecret when the admin's password is not there."""
        with self._lock:
            if self._server is None or (self._forward is not None and self._forward.poll() is not None):
                self._server = Server(self._url(), *self._credentials())
            return self._server

    def close(self) -> None:
        """Ends the forwarding."""
        if self._forward is not None:
            self._forward.terminate()
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _credentials(self) -> tuple[str, str]:
        environ = self.secrets.environ
        reference = str(self.settings.get("password") or "")
        password = environ.get(PASSWORD) or (self.secrets.value(reference) if reference else self._kept_in_cluster())
        user = environ.get(USER) or str(self.settings.get("user") or "")
        return (user, password) if password else ("", "")

    def _secret_in_cluster(self) -> str:
        """The name of the cluster's own Secret with the admin's password; empty when another server is named."""
        elsewhere = self.secrets.environ.get(URL) or self.settings.get("url")
        return "" if elsewhere else str((self.settings.get("portForward") or {}).get("secret") or "")

    def _kept_in_cluster(self) -> str:
        name, to = self._secret_in_cluster(), self.settings.get("portForward") or {}
        if not name:
            return ""
        path = f"jsonpath={{.data.{to['secretKey']}}}"
        command = [*self._kubectl(to), "get", "secret", name, "--namespace", str(to["namespace"]), "--output", path]
        try:
            found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        except FileNotFoundError:
            raise Unavailable(NO_KUBECTL) from None
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            raise Unavailable(f"the cluster does not give its Secret {to['namespace']}/{name}") from None
        return base64.b64decode(found).decode()

    def _kubectl(self, to: Mapping[str, Any]) -> list[str]:
        """`kubectl` for the cluster: by the kubeconfig that is given, else by the user's own and the context that is named."""
        if self._file is None:
            self._file = _written(str(to.get("kubeconfig") or ""))
        config = ["--kubeconfig", str(self._file)] if self._file else []
        return ["kubectl", *config, *(["--context", str(to["context"])] if to.get("context") else [])]

    def _url(self) -> str:
        said = self.secrets.environ.get(URL) or str(self.settings.get("url") or "")
        if "@" in urlsplit(said).netloc:
            # The address is part of what is said when the server does not answer.
            raise Unavailable(f"{URL} has a user or a password in it: say them in {USER} and {PASSWORD}")
        if said and not _safe(said):
            raise NoSecret(f"{said.partition('?')[0]}: secrets go over https, and over http to this machine alone")
        return said or self._forwarded(self.settings.get("portForward") or {})

    def _forwarded(self, to: Mapping[str, Any]) -> str:
        if not to:
            raise Unavailable(
                "nothing says how the registry is reached: registry.content.url, or a cluster to forward to"
            )
        target = [f"service/{to['service']}", f":{int(to['port'])}", "--namespace", str(to["namespace"])]
        command = [*self._kubectl(to), "port-forward", "--address", "127.0.0.1", *target]
        try:
            pipe = subprocess.PIPE
            self._forward = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=dict(os.environ))
        except FileNotFoundError:
            raise Unavailable(NO_KUBECTL) from None
        line = self._forward.stdout.readline() if self._forward.stdout else ""
        match = _FORWARDED.search(line)
        if match is None:
            self._forward.terminate()
            why = (self._forward.stderr.read() if self._forward.stderr else "").strip().split("\n")[-1]
            raise Unavailable(f"kubectl port-forward to {to['service']} failed: {why[:200]}")
        return f"http://127.0.0.1:{match[1]}"


def _safe(url: str) -> bool:
    """Whether nobody on the way reads what is sent to an address."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
    except ValueError:
        return False


def _written(kubeconfig: str) -> Path | None:
    """The kubeconfig as a file that only this user may read; None for whatever kubectl itself takes."""
    if not kubeconfig:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".kubeconfig", delete=False) as file:
        file.write(kubeconfig)
    return Path(file.name)
