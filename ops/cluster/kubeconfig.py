"""Kubeconfigs of clusters: one context taken out of a user's file, and what the cluster behind it says of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from core.problem import ExitCode, Problem, Refused
from core.yaml_lines import documents
from kube.pods import items, mapping
from sandbox.faults import CloudError
from sandbox.kubernetes.real.api import Api
from sandbox.node.config import keys


def own() -> list[Path]:
    """The user's own files, as kubectl looks for them: those of KUBECONFIG, or `~/.kube/config`."""
    named = [Path(each) for each in os.environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    return named or [Path.home() / ".kube" / "config"]


def narrow(sources: Sequence[Path], context: str, target: Path, *, name: str) -> None:
    """Writes a kubeconfig with one context of others, called `name`; the first file that has something of a name counts.

    Raises `Refused` when none of them has such a context, or one of them is no kubeconfig.
    """
    contexts: dict[str, dict[str, Any]] = {}
    clusters: dict[str, dict[str, Any]] = {}
    users: dict[str, dict[str, Any]] = {}
    for source in sources:
        if len(sources) > 1 and not source.exists():
            continue  # so does kubectl
        config = _read(source)
        for group, key, found in (
            ("contexts", "context", contexts),
            ("clusters", "cluster", clusters),
            ("users", "user", users),
        ):
            for each in map(mapping, items(config.get(group))):
                found.setdefault(str(each.get("name")), _placed(mapping(each.get(key)), source.parent))
    files = os.pathsep.join(map(str, sources))
    if context not in contexts:
        allowed = ", ".join(contexts) or "none: there is no context"
        problem = Problem(
            summary="no such context", found=context, allowed=allowed, file=files, fix="name one of these"
        )
        raise Refused(problem, ExitCode.USAGE)
    wanted = contexts[context]
    cluster, user = str(wanted.get("cluster")), str(wanted.get("user"))
    if cluster not in clusters:
        problem = Problem(summary="the context has no cluster", where=context, found=cluster, file=files)
        raise Refused(problem, ExitCode.USAGE)
    only = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": cluster, "cluster": clusters[cluster]}],
        "users": [{"name": user, "user": users[user]}] if user in users else [],
        "contexts": [{"name": name, "context": wanted}],
    }
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys.write(target, yaml.safe_dump(only, sort_keys=False))


def _read(source: Path) -> Mapping[str, Any]:
    try:
        read = documents(source.read_text(encoding="utf-8"), str(source))
    except (OSError, UnicodeDecodeError) as error:
        summary = "cannot read the kubeconfig"
        raise Refused(Problem(summary=summary, file=str(source), found=str(error)), ExitCode.USAGE) from None
    except Refused as refused:
        raise Refused(refused.problems, ExitCode.USAGE) from None
    config = (read[0].value if read else None) or {}
    if not isinstance(config, Mapping):
        summary, allowed = "this is no kubeconfig", "a mapping with clusters, users and contexts"
        raise Refused(Problem(summary=summary, file=str(source), allowed=allowed), ExitCode.USAGE)
    return config


def _placed(of: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """A cluster or user whose files are still found when the kubeconfig stands elsewhere."""
    files = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    return {key: str((home / str(value)).resolve()) if key in files and value else value for key, value in of.items()}


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
    except (CloudError, OSError, ValueError, KeyError):
        return None
    conditions = [each for node in nodes for each in node["status"].get("conditions") or ()]
    return {
        "kubernetes": version,
        "ready": any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions),
        "running": sum(pod["status"].get("phase") == "Running" for pod in pods),
        "pods": len(pods),
    }
