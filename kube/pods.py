"""What a pod may be: where a kind keeps its pod template, the Pod Security levels, and which images are pinned.

The levels follow the Pod Security Standards of Kubernetes 1.36; each problem is worded as the admission controller
words it, so that a reader finds it in the documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.problem import Problem
from kube.builtin import facts
from kube.shape import is_unknown

LEVELS = ("privileged", "baseline", "restricted")
ENFORCE = "pod-security.kubernetes.io/enforce"

_TEMPLATES = {
    "Pod": (),
    "PodTemplate": ("template",),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
_WORKLOADS = frozenset(
    ("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "Rollout", "StatefulSet")
)


def mapping(value: object) -> Mapping[str, Any]:
    """`value` if it is a map, else an empty one (its kind is judged elsewhere, an unknown holds nothing yet)."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def pod_template(obj: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """The path and the value of the pod template (metadata and spec) inside a workload; None when none is known."""
    kind = str(obj.get("kind", ""))
    steps = ("spec", "template") if kind in _WORKLOADS else _TEMPLATES.get(kind)
    if steps is None:
        return None
    place: Mapping[str, Any] = obj
    for step in steps:
        if is_unknown(place.get(step)):
            return None
        place = mapping(place.get(step))
    return ".".join(steps), place


def containers(pod_spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each container of a pod, init and ephemeral ones too, with its path inside the pod's spec."""
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(items(pod_spec.get(group))):
            if isinstance(container, Mapping):
                yield f"{group}[{index}]", container


def _given(value: object, *allowed: object) -> bool:
    return is_unknown(value) or value in allowed


def check_images(pod_spec: Mapping[str, Any]) -> list[Problem]:
    """Images that say neither a tag other than `latest` nor a digest: what runs would change under one's feet."""
    problems = []
    for path, container in containers(pod_spec):
        image = container.get("image")
        if not isinstance(image, str) or is_unknown(image) or "@" in image:
            continue
        tag = image.rpartition("/")[2].partition(":")[2]
        if tag in ("", "latest"):
            summary = "image has the tag latest" if tag else "image has no tag, so it means latest"
            fix = "name a version, or better a digest"
            problems.append(Problem(summary=summary, where=f"{path}.image", found=image, fix=fix))
    return problems


def check_baseline(pod_spec: Mapping[str, Any]) -> list[Problem]:
    """What the Pod Security level `baseline` refuses in a pod's spec."""
    found: list[Problem] = []
    allowed = facts()["pod_security"]

    def refuse(where: str, summary: str, fix: str) -> None:
        found.append(Problem(summary=summary, where=where, fix=fix))

    pod_context = mapping(pod_spec.get("securityContext"))
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if not _given(pod_spec.get(name), None, False):
            refuse(name, f"host namespaces ({name}=true)", "leave it out")
    for index, volume in enumerate(items(pod_spec.get("volumes"))):
        if mapping(volume).get("hostPath") is not None:
            refuse(f"volumes[{index}].hostPath", f'hostPath volumes (volume "{volume.get("name")}")', "use emptyDir")
    for index, sysctl in enumerate(items(pod_context.get("sysctls"))):
        name = str(mapping(sysctl).get("name", ""))
        if name not in allowed["safe_sysctls"] and not is_unknown(name):
            refuse(f"securityContext.sysctls[{index}]", f"forbidden sysctls ({name})", "leave it out")
    contexts = [("securityContext", "pod", pod_context)]
    for path, container in containers(pod_spec):
        who, context = f'container "{container.get("name")}"', mapping(container.get("securityContext"))
        contexts.append((f"{path}.securityContext", who, context))
        if not _given(context.get("privileged"), None, False):
            refuse(f"{path}.securityContext.privileged", f"privileged ({who} must not set it to true)", "leave it out")
        if not _given(context.get("procMount"), None, "Default"):
            refuse(f"{path}.securityContext.procMount", f"procMount ({who} must not set it)", "leave it out")
        for added in items(mapping(context.get("capabilities")).get("add")):
            if added not in allowed["baseline_capabilities"] and not is_unknown(added):
                summary = (
                    f'non-default capabilities ({who} must not include "{added}" in securityContext.capabilities.add)'
                )
                refuse(f"{path}.securityContext.capabilities.add", summary, f'remove "{added}"')
        for index, port in enumerate(items(container.get("ports"))):
            if not _given(mapping(port).get("hostPort"), None, 0):
                refuse(f"{path}.ports[{index}].hostPort", f"hostPort ({who} uses a host port)", "leave it out")
    for where, who, context in contexts:
        if mapping(context.get("seccompProfile")).get("type") == "Unconfined":
            refuse(f"{where}.seccompProfile", f"seccompProfile ({who} must not be Unconfined)", "use RuntimeDefault")
        selinux = mapping(context.get("seLinuxOptions"))
        if not _given(selinux.get("type", ""), *allowed["selinux_types"]) or selinux.get("user") or selinux.get("role"):
            refuse(f"{where}.seLinuxOptions", f"seLinuxOptions ({who} sets forbidden options)", "leave it out")
        if not _given(mapping(context.get("appArmorProfile")).get("type"), None, "RuntimeDefault", "Localhost"):
            refuse(f"{where}.appArmorProfile", f"appArmorProfile ({who} must not be Unconfined)", "leave it out")
    return found


def check_restricted(pod_spec: Mapping[str, Any]) -> list[Problem]:
    """What the Pod Security level `restricted` refuses in a pod's spec; paths are inside that spec."""
    found = check_baseline(pod_spec)
    allowed = facts()["pod_security"]

    def refuse(where: str, summary: str, fix: str) -> None:
        found.append(Problem(summary=summary, where=where, fix=fix))

    for index, volume in enumerate(items(pod_spec.get("volumes"))):
        for kind in mapping(volume).keys() - {*allowed["restricted_volumes"], "name", "hostPath"}:
            summary = f'restricted volume types (volume "{volume.get("name")}" uses restricted volume type "{kind}")'
            refuse(f"volumes[{index}].{kind}", summary, f"use one of {', '.join(allowed['restricted_volumes'])}")
    pod = mapping(pod_spec.get("securityContext"))
    whole = is_unknown(pod_spec.get("securityContext"))
    for path, container in containers(pod_spec):
        if whole or is_unknown(container.get("securityContext")):
            continue
        own, at = mapping(container.get("securityContext")), f"{path}.securityContext"
        who = f'container "{container.get("name")}"'
        if not _given(own.get("allowPrivilegeEscalation"), False):
            summary = (
                f"allowPrivilegeEscalation != false ({who} must set securityContext.allowPrivilegeEscalation=false)"
            )
            refuse(f"{at}.allowPrivilegeEscalation", summary, "set it to false")
        capabilities = own.get("capabilities")
        dropped = mapping(capabilities).get("drop")
        if not (is_unknown(capabilities) or is_unknown(dropped) or "ALL" in items(dropped)):
            summary = f'unrestricted capabilities ({who} must set securityContext.capabilities.drop=["ALL"])'
            refuse(f"{at}.capabilities.drop", summary, 'set it to ["ALL"]')
        for added in items(mapping(capabilities).get("add")):
            if not _given(added, "NET_BIND_SERVICE") and added in allowed["baseline_capabilities"]:
                summary = (
                    f'unrestricted capabilities ({who} must not include "{added}" in securityContext.capabilities.add)'
                )
                refuse(f"{at}.capabilities.add", summary, f'remove "{added}"')
        if not _given(own.get("runAsNonRoot", pod.get("runAsNonRoot")), True):
            summary = f"runAsNonRoot != true (pod or {who} must set securityContext.runAsNonRoot=true)"
            refuse(f"{at}.runAsNonRoot", summary, "set it to true, on the pod or on each container")
        if own.get("runAsUser", pod.get("runAsUser")) == 0:
            refuse(f"{at}.runAsUser", f"runAsUser=0 (pod or {who} must not set runAsUser=0)", "use another user")
        profile = own.get("seccompProfile", pod.get("seccompProfile"))
        chosen = mapping(profile).get("type")
        if not (is_unknown(profile) or _given(chosen, "RuntimeDefault", "Localhost", "Unconfined")):
            summary = (
                f"seccompProfile (pod or {who} must set securityContext.seccompProfile.type "
                'to "RuntimeDefault" or "Localhost")'
            )
            refuse(f"{at}.seccompProfile.type", summary, 'set it to "RuntimeDefault"')
    return found
