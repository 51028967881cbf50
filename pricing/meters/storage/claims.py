"""The volume that a Kubernetes claim makes: its size, and type and speed by the storage class that it names.

Sources: Kubernetes, "Persistent Volumes" and "Storage Classes"; AWS EBS CSI driver, `docs/parameters.md` (not opened).
A class that is not declared in the same stack may be anything, so a claim of it has no price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from pricing.items.graph import UNKNOWN, Node, Value
from pricing.items.quantity import gibibytes
from pricing.items.tokens import STORAGE_CLASS
from pricing.items.unpriced import Unpriced
from pricing.meters.storage.disks import GP3, PROVISIONED, Disk, whole

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
BY_EBS = {"ebs.csi.aws.com": GP3, "ebs.csi.eks.amazonaws.com": GP3, "kubernetes.io/aws-ebs": "gp2"}
"""Provisioner of EBS volumes -> the type that it makes when the class names none."""
CHANGING = ("ebs.csi.aws.com/", "volume.beta.kubernetes.io/storage-class")
"""Annotations by which the EBS driver changes type and speed of a volume, and the old one that names a class."""
LEAST_IOPS = 100
"""What the driver raises IOPS by size to, for io1 and io2, where the class allows it."""
_FREE_OF_CHARGE = frozenset(
    {
        "allowautoiopspergbincrease",
        "blockexpress",
        "blocksize",
        "bytesperinode",
        "csi.storage.k8s.io/fstype",
        "encrypted",
        "ext4bigalloc",
        "ext4clustersize",
        "ext4encryptionsupport",
        "fstype",
        "inodesize",
        "kmskeyid",
        "numberofinodes",
    }
)
_READ = frozenset({"iops", "iopspergb", "throughput", "type"})
_CLAIM_FREE = frozenset({"accessModes", "volumeMode"})
_CLAIM_READ = frozenset({"resources", "storageClassName"})


class Declared(Protocol):
    """Where other resources of the stack are found."""

    def of_type(self, *types: str) -> Iterable[Node]:
        """Every resource of those types."""


def claimed(around: Declared, claim: Value, what: str = "the volume") -> Disk:
    """The volume that a claim, or a template of one, asks for. Raises Unpriced when size, type or speed cannot be known."""
    spec = claim.get("spec") if isinstance(claim, Mapping) else None
    if not isinstance(claim, Mapping) or not isinstance(spec, Mapping):
        raise Unpriced(f"what is asked of {what} is not known")
    _check_annotations(claim.get("metadata"), what)
    given = {key for key, value in spec.items() if value is not None}
    if unread := given - _CLAIM_FREE - _CLAIM_READ:
        raise Unpriced(f"{', '.join(sorted(unread))} of {what} may change what it is, and is not priced")
    resources = spec.get("resources")
    requests = resources.get("requests") if isinstance(resources, Mapping) else None
    size = requests.get("storage") if isinstance(requests, Mapping) else None
    return of_class(around, spec.get("storageClassName"), gibibytes(size, what))


def _check_annotations(metadata: Value, what: str) -> None:
    """Raises Unpriced for an annotation by which the driver changes a volume, or which names its class."""
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else metadata
    if annotations is UNKNOWN:
        raise Unpriced(f"the annotations of {what} are not known")
    if isinstance(annotations, Mapping) and (
        odd := [annotation for annotation in annotations if annotation.startswith(CHANGING)]
    ):
        raise Unpriced(f"the annotation {sorted(odd)[0]} may change what {what} is, and is not priced")


def of_class(around: Declared, name: Value, gib: int) -> Disk:
    """The volume of `gib` GiB that a storage class makes; without a name, the stack's default class. Raises Unpriced."""
    node = _class(around, name)
    provisioner = node.read("provisioner")
    kind = BY_EBS.get(provisioner) if isinstance(provisioner, str) else None
    if kind is None:
        raise Unpriced("only volumes of EBS are priced, and the storage class is served by something else")
    given = _parameters(node)
    speed = {key: whole(given.get(key), key) for key in ("iops", "iopspergb", "throughput")}
    kind = given.get("type", kind)
    by_size = None if speed["iopspergb"] is None else speed["iopspergb"] * gib
    if by_size is not None and kind in PROVISIONED:
        by_size = max(by_size, LEAST_IOPS)
    known = [each for each in (speed["iops"], by_size) if each is not None]
    return Disk(gib=gib, kind=kind, iops=max(known, default=None), throughput=speed["throughput"])


def undeclared(name: str) -> str:
    """Why a claim of a class that the stack does not declare has no price."""
    return f"the storage class {name} is not declared here, so its type, IOPS and throughput are not known"


def _parameters(found: Node) -> dict[str, str]:
    parameters = found.read("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise Unpriced("the parameters of the storage class are not known")
    given: dict[str, str] = {}
    for name, value in parameters.items():
        key = name.lower()
        if key in _FREE_OF_CHARGE or key.startswith("tagspecification_"):
            continue
        if key not in _READ:
            raise Unpriced(f"the storage class has a parameter {name}, which nobody has priced")
        if not isinstance(value, str) or key in given:
            raise Unpriced(f"the parameter {name} of the storage class is not known")
        given[key] = value
    return given


def _class(around: Declared, name: Value) -> Node:
    if name is UNKNOWN or not isinstance(name, str | None):
        raise Unpriced("which storage class makes the volume is not known")
    classes = list(around.of_type(STORAGE_CLASS))
    if name is None:
        nodes = [node for node in classes if node.read("metadata", "annotations", DEFAULT_CLASS) == "true"]
        missing = "no storage class is named, and the stack declares no default one"
    else:
        nodes = [node for node in classes if node.read("metadata", "name") == name]
        missing = undeclared(name)
    if not nodes:
        raise Unpriced(missing)
    if len(nodes) > 1:
        raise Unpriced("two storage classes of the stack answer to one claim")
    return nodes[0]
