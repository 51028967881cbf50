"""Rules on Kubernetes RBAC: what roles grant, and to whom they are bound.

Source: Kubernetes, "Role Based Access Control Good Practices", read on 2026-12-01.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.graph import UNKNOWN, Node, items, mapping
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined

GROUP = "kubernetes:rbac.authorization.k8s.io/"
_ROLES = ("ClusterRole", "Role")
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")
AGGREGATED = "rbac.authorization.k8s.io/aggregate-to-"
READ_ONLY = "view"
"""The one role of Kubernetes' own that may be bound: it reads no secrets and changes nothing."""
EVERYBODY = (
    "system:anonymous",
    "system:authenticated",
    "system:masters",
    "system:serviceaccounts",
    "system:unauthenticated",
)
"""Subjects that are everybody, or administrators whatever their role says."""
_WAYS_UP = {
    "escalate": "whoever may escalate gives himself any right",
    "bind": "whoever may bind gives himself any role",
    "impersonate": "whoever may impersonate is anybody",
}
_WRITES = frozenset(("create", "update", "patch", "*"))
_READS = frozenset(("get", "list", "watch", "*"))
_CONTROL = {
    "nodes/proxy": _READS | _WRITES,
    "pods/exec": _READS | _WRITES,
    "pods/attach": _READS | _WRITES,
    "pods/portforward": _READS | _WRITES,
    "pods/ephemeralcontainers": _WRITES,
    "serviceaccounts/token": _WRITES,
    "persistentvolumes": _WRITES,
    "clusterroles": _WRITES,
    "clusterrolebindings": _WRITES,
    "roles": _WRITES,
    "rolebindings": _WRITES,
    "certificatesigningrequests/approval": _WRITES,
    "mutatingwebhookconfigurations": _WRITES,
    "validatingwebhookconfigurations": _WRITES,
    "validatingadmissionpolicies": _WRITES | {"delete", "deletecollection"},
    "validatingadmissionpolicybindings": _WRITES | {"delete", "deletecollection"},
}
"""Resource -> the verbs that make more of whoever may use them: another identity, another pod's or a node's rights."""
_ACROSS = {
    **dict.fromkeys(("deployments", "daemonsets", "statefulsets", "replicasets", "jobs", "cronjobs", "pods"), _WRITES),
    "secrets": _READS | _WRITES,
}
"""What is a way up when it holds in every namespace: any pod can take any service account, any secret be read."""


def _objects(node: Node) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(path, kind, object) of the roles or bindings that a resource makes: one, or the items of a list."""
    kind = node.type.rpartition(":")[2].removesuffix("Patch")
    if kind.endswith("List"):
        for index, each in enumerate(items(node.read("items"))):
            yield f"items[{index}].", kind.removesuffix("List"), mapping(each)
    else:
        yield "", kind, node.inputs


def roles_bounded(node: Node, _: Context) -> Iterator[Finding]:
    """Rights are what verbs on resources come to, so a wildcard is judged as all that it takes in."""
    for path, kind, made in _objects(node):
        if kind not in _ROLES:
            continue
        if made.get("aggregationRule") is not None:
            yield refuse(f"{path}aggregationRule", "the role grants whatever others are labelled into it")
        labels = mapping(mapping(made.get("metadata")).get("labels"))
        if into := [label for label in labels if label.startswith(AGGREGATED)]:
            yield refuse(
                f'{path}metadata.labels."{into[0]}"', "the label adds these rights to a role of Kubernetes' own"
            )
        rules = made.get("rules")
        if rules is UNKNOWN or UNKNOWN in items(rules):
            yield undetermined(f"{path}rules")
        for index, rule in enumerate(items(rules)):
            if isinstance(rule, Mapping):
                yield from _rule(f"{path}rules[{index}]", rule, everywhere=kind == "ClusterRole")


def _rule(where: str, rule: Mapping[str, Any], *, everywhere: bool) -> Iterator[Finding]:
    for name in ("verbs", "resources", "apiGroups", "nonResourceURLs"):
        listed = rule.get(name)
        if listed is UNKNOWN or UNKNOWN in items(listed):
            yield undetermined(f"{where}.{name}")
        elif any("*" in str(each) for each in items(listed)):
            yield refuse(
                f"{where}.{name}",
                "the role grants what nobody has listed",
                found=", ".join(map(str, items(listed))),
                allowed="names, without wildcards",
            )
    # The API server compares both as they are written; another case would only be a rule that never holds.
    verbs = {str(each).lower() for each in items(rule.get("verbs"))}
    for verb in sorted(verbs & _WAYS_UP.keys()):
        yield refuse(f"{where}.verbs", _WAYS_UP[verb], found=verb)
    risky = {**_CONTROL, **(_ACROSS if everywhere and not items(rule.get("resourceNames")) else {})}
    for resource in map(str, items(rule.get("resources"))):
        if held := sorted(verbs & risky.get(resource.lower(), frozenset())):
            yield refuse(
                f"{where}.resources",
                "the right leads to rights that the role does not list",
                found=f"{', '.join(held)} on {resource}" + (" in every namespace" if everywhere else ""),
                allowed="a Role in the namespace that needs it" if resource.lower() in _ACROSS else "",
            )


def no_cluster_admin(node: Node, context: Context) -> Iterator[Finding]:
    """Administrators come in by access entries; workloads never are administrators."""
    for path, kind, made in _objects(node):
        if kind not in _BINDINGS:
            continue
        reference = mapping(made.get("roleRef"))
        name = UNKNOWN if made.get("roleRef") is UNKNOWN else reference.get("name")
        if name is UNKNOWN:
            yield undetermined(f"{path}roleRef.name")
        elif name != READ_ONLY and not _declared(str(name), str(reference.get("kind")), context):
            summary = "the binding makes administrators" if name == "cluster-admin" else "nobody here has read the role"
            yield refuse(
                f"{path}roleRef.name",
                summary,
                found=name,
                allowed=f"{READ_ONLY}, or a role that this stack declares before its binding",
            )
        subjects = made.get("subjects")
        if subjects is UNKNOWN:
            yield undetermined(f"{path}subjects")
        for index, subject in enumerate(items(subjects)):
            who = UNKNOWN if subject is UNKNOWN else mapping(subject).get("name")
            if who is UNKNOWN:
                yield undetermined(f"{path}subjects[{index}].name")
            elif who in EVERYBODY:
                yield refuse(f"{path}subjects[{index}].name", "the binding is for everybody", found=who)


def _declared(name: str, kind: str, context: Context) -> bool:
    return any(
        node.type.startswith(GROUP)
        and node.type.rpartition(":")[2] == (kind if kind in _ROLES else "ClusterRole")
        and node.read("metadata", "name") == name
        for node in context.seen.values()
    )


RULES = (
    Rule(
        name="roles-bounded",
        pack="security",
        severity=Severity.CRITICAL,
        description="A role of Kubernetes lists what it grants, and nothing that leads to rights it does not list.",
        fix="List the API groups, resources and verbs that are needed, in a Role of one namespace.",
        applies_to=("kubernetes:",),
        check=roles_bounded,
        references=(
            Reference(framework="CIS EKS", control="4.1.3"),
            Reference(framework="CIS EKS", control="4.1.2"),
        ),
    ),
    Rule(
        name="no-cluster-admin-binding",
        pack="security",
        severity=Severity.CRITICAL,
        description="A binding hands out a role that this stack declares, or `view`, and never to everybody.",
        fix="Bind a role that lists what is needed to the subject that needs it.",
        applies_to=("kubernetes:",),
        check=no_cluster_admin,
        references=(Reference(framework="CIS EKS", control="4.1.1"),),
    ),
)
