"""Rules on Kubernetes objects: they are valid, their images are pinned, their pods and namespaces are restricted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.problem import Problem
from policies.graph import UNKNOWN, Node, inputs_of, mapping
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined

RELEASE = "kubernetes:helm.sh/v3:Release"
NAMESPACE = "kubernetes:core/v1:Namespace"
ENFORCE = "pod-security.kubernetes.io/enforce"
ABOVE_RESTRICTED = {
    "kube-system": "EKS add-ons and the GPU device plugin need the host's network, devices and sockets",
    "monitoring-nodes": "node exporters read the host's processes, disks and network, the GPU exporter its devices and counters",
}
"""Namespaces whose pods may be more than `restricted`, with the reason; the list is reviewed with this file."""
DIGEST = "@sha256:"
MOVING = re.compile(r"(?i)(?:^|[._-])(?:latest|nightly|edge|main|master|stable|canary|snapshot|dev|head)(?:$|[._-])")
"""Words in a tag that say that it is moved to whatever is newest."""
NO_OBJECTS = ("kubernetes:helm.sh/", "kubernetes:yaml", "kubernetes:kustomize", "kubernetes:index")
"""Tokens of the Kubernetes provider that are charts or components, not objects."""


def for_kube(value: object) -> Any:
    """A value as the `kube` checks read it: dicts, lists, and their own mark for what is not known."""
    from engine.marks import UNKNOWN as NOT_KNOWN

    if value is UNKNOWN:
        return NOT_KNOWN
    if isinstance(value, Mapping):
        return {key: for_kube(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [for_kube(inner) for inner in value]
    return value


def _is_object(node: Node) -> bool:
    return node.type.startswith("kubernetes:") and not node.type.startswith(NO_OBJECTS)


def pod_specs(node: Node) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The spec of every pod that an object makes, whatever its kind: a Pod's own, and each `template.spec`."""
    if node.type.rpartition(":")[2] in ("Pod", "PodPatch"):
        yield "spec", mapping(node.read("spec"))
    for path, key, value in inputs_of(node):
        if key == "spec" and path.endswith("emplate.spec") and isinstance(mapping(value).get("containers"), tuple):
            yield path, value


def images(node: Node) -> Iterator[tuple[str, Any]]:
    """(path, image) wherever an object names one: containers of every kind of object, volumes of images, and charts' values.

    A map that is no image, such as a schema's or a chart's with repository and tag, is left to its own keys.
    """
    for path, key, value in inputs_of(node):
        if not isinstance(value, str) and value is not UNKNOWN:
            continue
        if key == "image" or path.endswith("image.reference"):
            yield path, value
        elif key == "tag" and node.type == RELEASE and isinstance(value, str) and value:
            yield path, f"image:{value}"


def moves(image: str) -> str:
    """Why what an image's tag means can change any day, or nothing."""
    if "@" in image:
        return ""
    tag = image.rpartition("/")[2].partition(":")[2]
    if not tag:
        return "image has no tag, so it means latest"
    if tag == "latest":
        return "image has the tag latest"
    if not any(letter.isdigit() for letter in tag) or MOVING.search(tag):
        return "the tag is no version, and moves"
    return ""


def objects_valid(node: Node, _: Context) -> Iterator[Finding]:
    """The engine may not ask the provider in a preview, so what the API server would refuse is refused here."""
    from kube.charts import check_values, find, name_of
    from kube.objects import check_object, token_to_gvk

    found: list[Problem] = []
    prefix = ""
    if node.type == RELEASE:
        chart, version, values = node.read("chart"), node.read("version"), node.read("values")
        if UNKNOWN in (chart, version, values):
            yield undetermined("values")
            return
        name = name_of(chart)
        facts = find(name, str(version))
        if isinstance(facts, Problem):
            found = [facts]
        else:
            prefix, found = "values.", check_values(name, str(version), for_kube(mapping(values)))
    elif _is_object(node):
        api_version, kind = token_to_gvk(node.type)
        found = check_object({"apiVersion": api_version, "kind": kind, **for_kube(node.inputs)})
    for problem in found:
        where = f"{prefix}{problem.where}" if problem.where else prefix.rstrip(".")
        yield refuse(where, problem.summary, found=problem.found, allowed=problem.allowed, fix=problem.fix)


def images_pinned(node: Node, _: Context) -> Iterator[Finding]:
    """A tag that moves changes what runs without a deployment, and undoes a rollback."""
    if not (_is_object(node) or node.type == RELEASE):
        return
    for path, image in images(node):
        if image is UNKNOWN:
            yield undetermined(path)
        elif summary := moves(str(image)):
            fix = "name a version, or better a digest"
            yield refuse(path, summary, found=image, allowed="a version tag or a digest", fix=fix)


def digests_known(node: Node, context: Context) -> Iterator[Finding]:
    """Whoever can move a tag decides what runs in production; a digest cannot be moved."""
    if context.environment != "prod":
        return
    if node.type == RELEASE:
        chart = node.read("chart")
        if chart is not UNKNOWN and DIGEST not in str(chart):
            yield refuse(
                "chart", "Helm would take any chart of this version", found=chart, allowed="an OCI reference@sha256:..."
            )
        return
    for path, image in images(node) if _is_object(node) else ():
        if image is UNKNOWN:
            yield undetermined(path)
        elif DIGEST not in str(image):
            yield refuse(path, "the tag can be moved", found=image, allowed="image@sha256:...")


def pods_restricted(node: Node, _: Context) -> Iterator[Finding]:
    """Pod Security refuses such a pod only when its ReplicaSet makes it, long after the deployment was accepted."""
    from kube.pods import check_restricted

    namespace = node.read("metadata", "namespace")
    if isinstance(namespace, str) and namespace in ABOVE_RESTRICTED:
        return
    for path, spec in pod_specs(node):
        for problem in check_restricted(for_kube(spec)):
            yield refuse(f"{path}.{problem.where}", problem.summary, fix=problem.fix)


def namespaces_restricted(node: Node, _: Context) -> Iterator[Finding]:
    """Without the label the cluster's default is `privileged`."""
    name = node.read("metadata", "name")
    if isinstance(name, str) and name in ABOVE_RESTRICTED:
        return
    level = node.read("metadata", "labels", ENFORCE)
    if level is UNKNOWN:
        yield undetermined("metadata.labels")
    elif level != "restricted":
        yield refuse(
            f'metadata.labels."{ENFORCE}"',
            "pods in the namespace may be more than restricted",
            found=level,
            allowed="restricted",
        )


RULES = (
    Rule(
        name="objects-valid",
        pack="security",
        severity=Severity.MEDIUM,
        description="Every Kubernetes object is one that the API server takes, and every chart reads the values it gets.",
        fix="Correct the property; the names are those of the API, or of the chart at this version.",
        applies_to=("kubernetes:",),
        check=objects_valid,
    ),
    Rule(
        name="images-pinned",
        pack="security",
        severity=Severity.HIGH,
        description="Every image names a version or a digest, never `latest`.",
        fix="Name a version, or better a digest.",
        applies_to=("kubernetes:",),
        check=images_pinned,
    ),
    Rule(
        name="digests-known",
        pack="security",
        severity=Severity.HIGH,
        description="In prod, every chart and every image of an object is named by its digest.",
        fix="Read the digest from the registry, write it into core/versions.py, and name the chart or image by it.",
        applies_to=("kubernetes:",),
        check=digests_known,
    ),
    Rule(
        name="pods-restricted",
        pack="security",
        severity=Severity.HIGH,
        description="Every pod meets Pod Security `restricted`, outside a short list of namespaces with reasons.",
        fix="Set the security context that the message names.",
        applies_to=("kubernetes:",),
        check=pods_restricted,
        references=(Reference(framework="Kubernetes Pod Security Standards", control="restricted"),),
    ),
    Rule(
        name="namespaces-restricted",
        pack="security",
        severity=Severity.HIGH,
        description="Every namespace enforces Pod Security `restricted`, outside a short list with reasons.",
        fix=f"Label the namespace {ENFORCE}: restricted.",
        applies_to=(NAMESPACE,),
        check=namespaces_restricted,
        references=(Reference(framework="Kubernetes Pod Security Standards", control="restricted"),),
    ),
)
