"""Kind 5: prices taken by a name or a place that looks right, and lines of the plan that are used for something else."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from pricing.items.graph import UNKNOWN, Node
from tests.attacks.attack import Attack, Harmless, Kind, Tried
from tests.attacks.whole import changed, find, refused, under

COUNTED, PLAN = "resources-as-counted", "resources-in-plan"
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
_SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"


def _after(*made: Node) -> Tried:
    return lambda _: refused(*made)


def _set(name: str, token: str, path: str, value: Any) -> Tried:
    return lambda _: refused(changed(find(name, token), path, value))


def _twin(name: str, token: str, path: str, value: Any, stack: str = "dev") -> Tried:
    """A second resource beside one, changed in one place, under a name of its own."""

    def tried(_: Path) -> set[str]:
        first = changed(find(name, token, stack), path, value)
        return refused(dataclasses.replace(first, urn=f"{first.urn}-2", name=f"{name}-2"), stack=stack)

    return tried


def _as_another(component: str, token: str, role: str, inputs: dict[str, Any]) -> Tried:
    """A resource of another type, under the logical name that gives its line the role of one that is counted."""
    return lambda _: refused(under(component, token, role, inputs))


def _late(token: str, inputs: dict[str, Any], *before: Node) -> Tried:
    """What decides a price, registered after what it decides about."""
    component = "serving" if token == _SCALER else "storage"
    return lambda _: refused(*before, under(component, token, "late", inputs))


def _claims(replicas: int, size: str = "1Gi") -> Node:
    asked = {"resources": {"requests": {"storage": size}}, "storageClassName": "gp3"}
    spec = {"replicas": replicas, "volumeClaimTemplates": [{"spec": asked}], "template": {"spec": {}}}
    return under("serving", "kubernetes:apps/v1:StatefulSet", "kept", {"metadata": {"name": "kept"}, "spec": spec})


_TARGET = {"kind": "StatefulSet", "name": "kept"}
_SYSTEM = ("system", "NodeGroup")

_MACHINE = {
    "instanceType": "m7g.large",
    "rootBlockDevice": {"volumeSize": 20, "volumeType": "gp3"},
    "associatePublicIpAddress": False,
    "monitoring": False,
    "ami": "ami-1",
}

_TRIED: dict[str, tuple[str, Tried]] = {
    "a template by an id that is no template here": (
        COUNTED,
        _set(*_SYSTEM, "launchTemplate", {"id": "lt-0123456789", "version": "1"}),
    ),
    "a template by an id that is not known": (
        COUNTED,
        _set(*_SYSTEM, "launchTemplate", {"id": UNKNOWN, "version": "1"}),
    ),
    "a template by name and by another's id": (
        COUNTED,
        _set(*_SYSTEM, "launchTemplate", {"id": "lt-1", "name": "modelyard-dev-system-nodes", "version": "1"}),
    ),
    "a template of a name that nobody declares": (
        COUNTED,
        _set(*_SYSTEM, "launchTemplate", {"name": "somebody-else", "version": "1"}),
    ),
    "a template whose name is not known": (
        COUNTED,
        _set(*_SYSTEM, "launchTemplate", {"name": UNKNOWN, "version": "1"}),
    ),
    "a second template under the name of the first": (
        COUNTED,
        _twin("system-nodes", "LaunchTemplate", "imageId", "ami-1"),
    ),
    "a template that changes after its nodes were judged": (
        COUNTED,
        _after(
            changed(
                find("system-nodes", "LaunchTemplate"),
                "blockDeviceMappings",
                [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 16000, "volumeType": "gp3"}}],
            )
        ),
    ),
    "a second class of nodes under the name of the first": (
        COUNTED,
        _twin("chat", "EC2NodeClass", "spec.blockDeviceMappings", []),
    ),
    "a class of nodes whose name is not known": (PLAN, _set("chat", "EC2NodeClass", "metadata.name", UNKNOWN)),
    "nodes of a class that nobody declares": (
        COUNTED,
        _set("chat-spot", "NodePool", "spec.template.spec.nodeClassRef.name", "other"),
    ),
    "a second storage class under the name of the first": (
        COUNTED,
        _late(_CLASS, {"metadata": {"name": "gp3"}, "provisioner": "ebs.csi.aws.com", "parameters": {"type": "io2"}}),
    ),
    "a machine of another type of resource in the line of the system nodes": (
        "`system: ",
        _as_another("system-nodes", "aws:ec2/instance:Instance", "system", _MACHINE),
    ),
    "a spot request in the same line": (
        "`system: ",
        _as_another("system-nodes", "aws:ec2/spotInstanceRequest:SpotInstanceRequest", "system", _MACHINE),
    ),
    "a second address under the line of the first": (COUNTED, _twin("nat-a", "Eip", "tags", {})),
    "a queue under the line of another": (COUNTED, _twin("interruptions", "Queue", "fifoQueue", True)),
    "an autoscaler registered after the workload whose volumes it multiplies": (
        "late",
        _late(_SCALER, {"spec": {"maxReplicas": 500, "scaleTargetRef": _TARGET}}, _claims(1)),
    ),
    "two Gateways' classes of one name, one of them with a load balancer": (
        COUNTED,
        _twin("modelyard", "GatewayClass", "spec.parametersRef", {"kind": "EnvoyProxy", "name": "x", "namespace": "y"}),
    ),
}

ATTACKS = tuple(
    Attack(kind=Kind.REFERENCES, name=name, stopped_by=rule, tried=tried) for name, (rule, tried) in _TRIED.items()
)

HARMLESS = (
    Harmless(kind=Kind.REFERENCES, name="the platform's own node group, once more", tried=_after(find(*_SYSTEM))),
    Harmless(
        kind=Kind.REFERENCES,
        name="another version of the same template",
        tried=_set(*_SYSTEM, "launchTemplate.version", "7"),
    ),
    Harmless(
        kind=Kind.REFERENCES,
        name="the same template, registered after its nodes",
        tried=_after(find("system-nodes", "LaunchTemplate")),
    ),
)
