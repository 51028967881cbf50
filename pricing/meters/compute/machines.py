"""What EC2 machines are asked for when AWS itself starts them: instances, node groups, auto-scaling groups, reservations.

How a machine is bought, its type, disks, addresses and credits may stand in the group or in its launch template; both are
read. The price is that of Linux: an image does not say what runs on it, so the line says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, Decimal

from pricing.items.cost import CostItem
from pricing.items.graph import UNKNOWN, Node, Value
from pricing.items.unpriced import Unpriced
from pricing.meters.compute.fleet import SURGE_PER_ZONE, Fleet, fleet
from pricing.meters.meters import Meter
from pricing.meters.storage.disks import Disk, mapped

LINUX_AMI = re.compile(r"(AL2|AL2023|BOTTLEROCKET)_[A-Za-z0-9_]+|CUSTOM")
ROOTS = ("/dev/xvda", "/dev/sda1")
BOTTLEROCKET = ("/dev/xvda", "/dev/xvdb")
"""Where an image's own disk is: one that a template does not name is made too, as large as the image says."""
GROUP_DISK = Disk(gib=20, kind="gp2")
"""What a node of a group without a template has: EKS's own template asks for gp2, of 20 GiB unless `diskSize` is said."""
MOST_UNAVAILABLE = 100
"""Nodes that EKS updates at once at most, whatever the group asks for (EKS user guide, managed node update behavior)."""
ALL_LINUX = "Linux: an image does not say what runs on it"
ALL_DISKS = "its own disks and those of its template, should one stand for another"
Templates = Node | None


def node_group(meter: Meter, node: Node, template: Templates) -> Iterator[CostItem]:
    """An EKS node group, and the nodes that an update starts beside it."""
    try:
        found = _template(node, template)
        types = _names(node.read("instanceTypes")) or _names(found.read("instanceType")) or ("t3.medium",)
        sizes = [_whole(node, "scalingConfig", key) for key in ("minSize", "desiredSize", "maxSize")]
        image, buying = node.read("amiType"), node.read("capacityType")
        if image is not None and not (isinstance(image, str) and LINUX_AMI.fullmatch(image)):
            raise Unpriced("its input amiType is not one of Linux, whose rate is the only one on file")
        if buying not in (None, UNKNOWN, "ON_DEMAND", "SPOT"):
            raise Unpriced("its input capacityType is neither ON_DEMAND nor SPOT")
        surge, why = _surge(node, sizes[2])
        asked = Fleet(
            types=types,
            sizes=_ordered(*sizes),
            disks=_group_disks(node, template, bottlerocket=str(image).startswith("BOTTLEROCKET")),
            spot=buying == "SPOT" or _spot(found),
            surge=surge,
            why_surge=why,
            unlimited=_unlimited(found),
            monitored=_on(found.read("monitoring", "enabled")),
            public=_public(found) is True,
            assumptions=(ALL_LINUX,) if found.read("imageId") is not None else (),
        )
        yield from fleet(meter, asked)
    except Unpriced as why:
        yield meter.unpriced("nodes", str(why))


def scaling_group(meter: Meter, node: Node, template: Templates) -> Iterator[CostItem]:
    """An auto-scaling group whose launch template names one type, with public addresses unless the template has none."""
    try:
        if template is None:
            raise Unpriced("the launch template of the group is not declared here")
        types = _names(template.read("instanceType"))
        if not types:
            raise Unpriced("the launch template names no instance type")
        low, high = _whole(node, "minSize"), _whole(node, "maxSize")
        likely = low if node.read("desiredCapacity") is None else _whole(node, "desiredCapacity")
        asked = Fleet(
            types=types,
            sizes=_ordered(low, likely, high),
            disks=_image_disks(template.read("blockDeviceMappings")),
            spot=_spot(template),
            surge=_replaced(node, high),
            why_surge="more while machines are replaced: a tenth of the group, or what maxHealthyPercentage allows",
            unlimited=_unlimited(template),
            monitored=_on(template.read("monitoring", "enabled")),
            public=_public(template) is not False,
            assumptions=(ALL_LINUX,),
        )
        yield from fleet(meter, asked)
    except Unpriced as why:
        yield meter.unpriced("nodes", str(why))


def instance(meter: Meter, node: Node, template: Templates) -> Iterator[CostItem]:
    """One instance, with a public address unless it says that it has none."""
    try:
        found = _template(node, template)
        types = _names(node.read("instanceType")) or _names(found.read("instanceType"))
        if not types:
            raise Unpriced("the instance type is not known")
        added = found.read("blockDeviceMappings") is not None and node.read("rootBlockDevice") is not None
        credit, said = node.read("creditSpecification", "cpuCredits"), node.read("associatePublicIpAddress")
        watched = node.read("monitoring")
        asked = Fleet(
            types=types,
            sizes=(1, 1, 1),
            disks=_instance_disks(node, found),
            spot=_spot(node) or _spot(found) or node.type.endswith(":SpotInstanceRequest"),
            unlimited=_unlimited(found) if credit is None else credit != "standard",
            monitored=_on(found.read("monitoring", "enabled")) if watched is None else _on(watched),
            public=(_public(found) if said is None else said) is not False,
            assumptions=(ALL_LINUX, *((ALL_DISKS,) if added else ())),
        )
        yield from fleet(meter, asked)
    except Unpriced as why:
        yield meter.unpriced("instance", str(why))


def capacity_reservation(meter: Meter, node: Node) -> Iterator[CostItem]:
    """Reserved capacity, paid at the on-demand rate whether used or not; CPU credits are those of what runs in it."""
    try:
        types, count = _names(node.read("instanceType")), _whole(node, "instanceCount")
        if not types:
            raise Unpriced("the instance type is not known")
        yield from fleet(meter, Fleet(types=types, sizes=(count, count, count), unlimited=False))
    except Unpriced as why:
        yield meter.unpriced("reservation", str(why))


def whole_images(mappings: Value, devices: tuple[str, ...] = ()) -> None:
    """Raises Unpriced unless the mappings name all the disks that an image brings: `devices`, or a root of any name."""
    listed = mappings if isinstance(mappings, tuple) else ()
    names = [each.get("deviceName") for each in listed if isinstance(each, Mapping)]
    missing = [device for device in devices if device not in names]
    if missing or not any(name in ROOTS for name in names):
        where = " and ".join(missing) or "the image's root"
        raise Unpriced(f"the size of the disk at {where} is not said, and the image brings one")


def _template(node: Node, template: Templates) -> Node:
    """The template, or an empty one where none is asked for. Raises Unpriced for one that is declared elsewhere."""
    if template is not None:
        return template
    if node.read("launchTemplate") is not None:
        raise Unpriced("the launch template, which says how large the disks are, is not declared here")
    return Node(urn="", type="", name="")


def _group_disks(node: Node, template: Templates, *, bottlerocket: bool) -> tuple[Disk, ...]:
    if template is not None:
        return _image_disks(template.read("blockDeviceMappings"), BOTTLEROCKET if bottlerocket else ())
    if bottlerocket:
        raise Unpriced("the size of the disk for Bottlerocket itself is not said: name both in a launch template")
    size = GROUP_DISK.gib if node.read("diskSize") is None else _whole(node, "diskSize")
    return (Disk(gib=size, kind=GROUP_DISK.kind),)


def _image_disks(mappings: Value, devices: tuple[str, ...] = ()) -> tuple[Disk, ...]:
    disks = mapped(mappings)
    whole_images(mappings, devices)
    return disks


def _instance_disks(node: Node, template: Node) -> tuple[Disk, ...]:
    """Its own disks and those of its template; where both may mean the same one, both are counted."""
    root, extra, added = (
        node.read("rootBlockDevice"),
        node.read("ebsBlockDevices"),
        template.read("blockDeviceMappings"),
    )
    if UNKNOWN in (root, extra, added):
        raise Unpriced("the disks are not known")
    own = [{"ebs": each} for each in (root, *(extra if isinstance(extra, tuple) else ())) if each is not None]
    if root is None and added is None:
        raise Unpriced("the size of the instance's disk is not said")
    if root is None:
        whole_images(added)
    return (*(mapped(tuple(own)) if own else ()), *(mapped(added) if added else ()))


def _surge(node: Node, most: int) -> tuple[int, str]:
    """How many nodes an update starts beside the group: two a zone, or as many as may be unavailable."""
    zones = node.read("subnetIds")
    if not isinstance(zones, tuple):
        raise Unpriced("the number of the group's subnets is not known")
    by_zone = SURGE_PER_ZONE * len(zones)
    percent = node.read("updateConfig", "maxUnavailablePercentage")
    if percent is not None:
        asked = _share(most, _whole(node, "updateConfig", "maxUnavailablePercentage"))
    else:
        said = node.read("updateConfig", "maxUnavailable")
        asked = 0 if said is None else _whole(node, "updateConfig", "maxUnavailable")
    asked = min(asked, MOST_UNAVAILABLE)
    if asked > by_zone:
        return asked, "as many more nodes as may be unavailable at once"
    return by_zone, f"{SURGE_PER_ZONE} more nodes a zone"


def _replaced(node: Node, most: int) -> int:
    """How many machines a group starts before it ends others: a tenth while it balances zones, or what it allows itself."""
    allowed = [10]
    for path in (("instanceMaintenancePolicy",), ("instanceRefresh", "preferences")):
        said = node.read(*path, "maxHealthyPercentage")
        if said is not None and said != -1:
            allowed.append(_whole(node, *path, "maxHealthyPercentage") - 100)
    return _share(most, max(allowed))


def _share(count: int, percent: int) -> int:
    return int((Decimal(count) * percent / 100).to_integral_value(ROUND_CEILING))


def _spot(node: Node) -> bool:
    """Whether a template or an instance asks for spot. Raises Unpriced when it is bought in another way, or nobody knows."""
    options = node.read("instanceMarketOptions")
    if options is None:
        return False
    if node.read("instanceMarketOptions", "marketType") not in (None, "spot"):
        raise Unpriced("its input instanceMarketOptions.marketType is not spot")
    return True


def _unlimited(node: Node) -> bool:
    """Whether a burstable machine may take CPU credits: it may unless it says that it does not."""
    return node.read("creditSpecification", "cpuCredits") != "standard"


def _on(value: Value) -> bool:
    return value is UNKNOWN or value in (True, "true")


def _public(template: Node) -> bool | None:
    """Whether a template's machines have public addresses; None when it leaves that to the subnet."""
    faces = template.read("networkInterfaces")
    listed = faces if isinstance(faces, tuple) else ()
    if faces is UNKNOWN or UNKNOWN in listed:
        return True
    said = [each.get("associatePublicIpAddress") for each in listed if isinstance(each, Mapping)]
    if any(_on(each) for each in said if each is not None):
        return True
    return False if any(each is not None for each in said) else None


def _names(value: Value) -> tuple[str, ...]:
    if value is UNKNOWN or (isinstance(value, tuple) and UNKNOWN in value):
        raise Unpriced("the instance types are not known")
    found = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
    return tuple(str(each) for each in found)


def _whole(node: Node, *path: str) -> int:
    value = node.read(*path)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unpriced(f"{'.'.join(path)} is no known whole number")
    return value


def _ordered(low: int, likely: int, high: int) -> tuple[int, int, int]:
    if not low <= likely <= high:
        raise Unpriced("the sizes of the group are out of order")
    return low, likely, high
