"""How Kubernetes names things in its answers, and how Pulumi's tokens and ids map to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.problem import Problem
from kube import objects
from sandbox.faults import CloudError

RELEASE = "kubernetes:helm.sh/v3:Release"
NAMESPACE = "kubernetes:core/v1:Namespace"
CRD = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"


def gvk(token: str) -> tuple[str, str]:
    """(apiVersion, kind) of an object's token; CloudError for what is no object, as charts and manifests are."""
    try:
        return objects.token_to_gvk(token)
    except ValueError as error:
        raise CloudError("NotSimulated", f"{token} is not simulated: declare the objects themselves") from error


def identity(token: str, inputs: Mapping[str, Any]) -> str:
    """The provider's id: `namespace/name`, or `name` for what lives outside namespaces."""
    if token == RELEASE:
        return f"{inputs['namespace']}/{inputs['name']}"
    _, _, namespace, name = objects.identity(inputs)
    return f"{namespace}/{name}" if namespace else name


def resource(token: str) -> str:
    """The API's name for a type, as in its error messages: `deployments.apps`."""
    if token == RELEASE:
        return "releases"
    api_version, kind = gvk(token)
    group, name = api_version.rpartition("/")[0], kind.lower()
    if name.endswith("s"):
        many = f"{name}es"
    else:
        many = f"{name[:-1]}ies" if name.endswith("y") and name[-2] not in "aeiou" else f"{name}s"
    return f"{many}.{group}" if group else many


def reason(problem: Problem) -> str:
    """A problem as one line."""
    parts = (("found", problem.found), ("allowed", problem.allowed), ("to fix", problem.fix))
    rest = "; ".join(f"{label}: {value}" for label, value in parts if value)
    return f"{problem.summary} ({rest})" if rest else problem.summary


def words(problems: Iterable[Problem]) -> str:
    """Several problems as the API server lists them."""
    return ", ".join(dict.fromkeys(problem.summary for problem in problems))
