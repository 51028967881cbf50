"""Kubeconfigs of clusters: one context taken out of a user's file, and what the cluster behind it says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from problem import ExitCode, Problem, Refused
from sandbox.faults import CloudError
from sandbox.kubernetes.api import Api
from sandbox.node import keys


def narrow(source: Path, context: str, target: Path, *, name: str) -> None:
    """Writes a kubeconfig with one context of another, called `name`. Raises `Refused` when the other has no such context."""
    try:
        config = yaml.safe_load(source.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise Refused(Problem(summary=f"cannot read the kubeconfig: {error}"), ExitCode.USAGE) from None
    contexts = {each["name"]: each["context"] for each in config.get("contexts") or ()}
    if context not in contexts:
        allowed = ", ".join(contexts) or "none: the file has no context"
        problem = Problem(
            summary="no such context", found=context, allowed=allowed, file=str(source), fix="name one of these"
        )
        raise Refused(problem, ExitCode.USAGE)
    found = contexts[context]
    clusters = [each for each in config.get("clusters") or () if each["name"] == found["cluster"]]
    users = [each for each in config.get("users") or () if each["name"] == found.get("user")]
    for place in (*(each["cluster"] for each in clusters), *(each["user"] for each in users)):
        for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
            if place.get(key):
                place[key] = str((source.parent / place[key]).resolve())
    only = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": clusters,
        "users": users,
        "contexts": [{"name": name, "context": found}],
    }
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys.write(target, yaml.safe_dump(only, sort_keys=False))


def context_of(kubeconfig: Path) -> str:
    """The current context of a kubeconfig of ours; empty when it is not there."""
    try:
        lines = kubeconfig.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("current-context:")), "")


def reached(kubeconfig: Path) -> dict[str, Any] | None:
    """What a cluster says of itself, or None when it does not answer."""
    try:
        api = Api(kubeconfig)
        version = api.request("GET", "/version", warned=False)["gitVersion"]
        nodes = api.request("GET", "/api/v1/nodes", warned=False)["items"]
        pods = api.request("GET", "/api/v1/pods", warned=False)["items"]
    except (CloudError, OSError):
        return None
    conditions = [each for node in nodes for each in node["status"].get("conditions") or ()]
    return {
        "kubernetes": version,
        "ready": any(each["type"] == "Ready" and each["status"] == "True" for each in conditions),
        "running": sum(each["status"].get("phase") == "Running" for each in pods),
        "pods": len(pods),
    }
