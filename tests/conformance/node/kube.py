"""Pods for the tests of a real node: a server of a few lines, somebody who asks it, and questions to both."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from sandbox.images.catalogue import RECIPES
from sandbox.node.node import Node

PYTHON = RECIPES["python"].image.name
_SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["HOSTNAME"].encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""


def deployment(name: str) -> dict[str, Any]:
    """A restricted pod that answers every request with its own name."""
    labels = {"app": name}
    container = {
        "name": "server",
        "image": PYTHON,
        "imagePullPolicy": "Never",
        "args": ["-c", _SERVER],
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(name: str) -> dict[str, Any]:
    """Port 80 of a name, for the server of that name."""
    spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


@dataclass(frozen=True)
class Space:
    """One namespace of a node."""

    node: Node
    name: str

    def kubectl(self, *arguments: str, text: str = "", check: bool = True) -> str:
        """What `kubectl` says in the namespace; with `check` a failure is one of the test."""
        command = ["kubectl", f"--kubeconfig={self.node.kubeconfig}", f"--namespace={self.name}", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=660, check=False)
        assert not check or done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Applies objects."""
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(objects))

    def available(self, name: str) -> float:
        """Waits until a Deployment is available, and gives how long that took (seconds)."""
        began = time.monotonic()
        self.kubectl("rollout", "status", f"deployment/{name}", "--timeout=600s")
        return time.monotonic() - began

    def pod(self, app: str) -> str:
        """The name of an app's running pod."""
        wanted = ("get", "pods", f"--selector=app={app}", "--field-selector=status.phase=Running")
        return self.kubectl(*wanted, "--output=jsonpath={.items[0].metadata.name}")

    def ask(self, app: str, url: str) -> str:
        """What an app's pod is answered at a URL; empty when it is not answered."""
        code = f"import urllib.request; print(urllib.request.urlopen({url!r}, timeout=3).read().decode())"
        return self.kubectl("exec", self.pod(app), "--", "python3", "-c", code, check=False).strip()


def until(true: Callable[[], bool], seconds: float) -> float:
    """Waits until something holds, and gives how long that took (seconds)."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it does not come to hold"
        time.sleep(0.1)
    return time.monotonic() - began
