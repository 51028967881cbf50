"""Data sources: what a program may ask the simulated AWS, answered from the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.aws.outputs import ACCOUNT, zone_id
from sandbox.aws.render import policy_document
from sandbox.aws.view import ADDON, CLUSTER, SUBNET, VPC, View
from sandbox.provider import CloudError
from sandbox.world import Item, World

ZONES = "abc"
PARAMETER = "aws:ssm/parameter:Parameter"
_FILTERS = {"cidr": "cidrBlock", "cidr-block": "cidrBlock", "is-default": "default"}
_LISTED = {
    "accessConfig": "accessConfigs",
    "certificateAuthority": "certificateAuthorities",
    "kubernetesNetworkConfig": "kubernetesNetworkConfigs",
    "upgradePolicy": "upgradePolicies",
}

Answer = Callable[[dict[str, Any], str], dict[str, Any]]


class Invokes:
    """The data sources that are simulated; any other, and any argument that they do not know, is refused by name."""

    def __init__(self, world: World) -> None:
        self.view = View(world)
        found = "cidrBlock default dhcpOptionsId filters id region state tags"
        place = "availabilityZone availabilityZoneId cidrBlock defaultForAz filters id ipv6CidrBlock region state tags vpcId"
        zones = "allAvailabilityZones excludeNames excludeZoneIds filters region state"
        document = "overrideJson overridePolicyDocuments policyId sourceJson sourcePolicyDocuments statements version"
        self._known: dict[str, tuple[str, Answer]] = {
            "aws:index/getAvailabilityZones:getAvailabilityZones": (zones, self._zones),
            "aws:index/getCallerIdentity:getCallerIdentity": ("id", self._identity),
            "aws:index/getRegion:getRegion": ("endpoint id name region", self._region),
            "aws:index/getPartition:getPartition": ("id", self._partition),
            "aws:ec2/getVpc:getVpc": (found, self._vpc),
            "aws:ec2/getSubnet:getSubnet": (place, self._subnet),
            "aws:ec2/getSubnets:getSubnets": ("filters region tags", self._subnets),
            "aws:eks/getCluster:getCluster": ("name region tags", self._cluster),
            "aws:eks/getAddon:getAddon": ("addonName clusterName region tags", self._addon),
            "aws:iam/getPolicyDocument:getPolicyDocument": (document, lambda args, _: policy_document(args)),
            "aws:ssm/getParameter:getParameter": ("name region withDecryption", self._parameter),
        }

    def answer(self, token: str, args: dict[str, Any], region: str) -> dict[str, Any]:
        """The data source's answer, with its arguments echoed."""
        if token not in self._known:
            names = ", ".join(sorted(name.rpartition(":")[2] for name in self._known))
            raise CloudError("NotSimulated", f"{token} is not simulated; simulated are {names}")
        accepted, known = self._known[token]
        if wrong := sorted(set(args) - set(accepted.split())):
            raise CloudError("InvalidArgument", f"unsupported argument {', '.join(wrong)}; accepted are {accepted}")
        return {**args, **known(args, str(args.get("region") or region))}

    def _zones(self, args: dict[str, Any], region: str) -> dict[str, Any]:
        if used := sorted(set(args) & {"filters", "allAvailabilityZones"}):
            raise CloudError("NotSimulated", f"getAvailabilityZones with {', '.join(used)} is not simulated")
        out, out_ids = args.get("excludeNames") or (), args.get("excludeZoneIds") or ()
        zones = [name for name in (f"{region}{letter}" for letter in ZONES) if name not in out]
        names = [
            name for name in zones if zone_id(name) not in out_ids and args.get("state", "available") == "available"
        ]
        return {
            "id": region,
            "region": region,
            "names": names,
            "zoneIds": list(map(zone_id, names)),
            "groupNames": [region],
        }

    def _identity(self, _args: dict[str, Any], _region: str) -> dict[str, Any]:
        arn = f"arn:aws:iam::{ACCOUNT}:user/simulated"
        return {"id": ACCOUNT, "accountId": ACCOUNT, "arn": arn, "userId": "AIDASIMULATED0000000"}

    def _region(self, args: dict[str, Any], region: str) -> dict[str, Any]:
        name = str(args.get("name") or region)
        return {
            "id": name,
            "region": name,
            "name": name,
            "endpoint": f"ec2.{name}.amazonaws.com",
            "description": "SIMULATED",
        }

    def _partition(self, _args: dict[str, Any], _region: str) -> dict[str, Any]:
        return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}

    def _vpc(self, args: dict[str, Any], region: str) -> dict[str, Any]:
        item = _only(self._matching(VPC, args, region), "EC2 VPC")
        blocks = [
            {
                "associationId": f"vpc-cidr-assoc-{item.id[4:]}",
                "cidrBlock": item.state["cidrBlock"],
                "state": "associated",
            }
        ]
        return {**item.state, "id": item.id, "state": "available", "default": False, "cidrBlockAssociations": blocks}

    def _subnet(self, args: dict[str, Any], region: str) -> dict[str, Any]:
        item = _only(self._matching(SUBNET, args, region), "EC2 Subnet")
        size = 2 ** (32 - int(str(item.state["cidrBlock"]).rpartition("/")[2])) - 5
        return {
            **item.state,
            "id": item.id,
            "state": "available",
            "defaultForAz": False,
            "availableIpAddressCount": size,
        }

    def _subnets(self, args: dict[str, Any], region: str) -> dict[str, Any]:
        return {"id": region, "region": region, "ids": [item.id for item in self._matching(SUBNET, args, region)]}

    def _cluster(self, args: dict[str, Any], _region: str) -> dict[str, Any]:
        item = self.view.one(CLUSTER, args.get("name"))
        if item is None:
            raise CloudError("ResourceNotFoundException", f"No cluster found for name: {args.get('name')}.")
        listed = {plural: [item.state[key]] for key, plural in _LISTED.items() if key in item.state}
        return {**item.state, **listed, "id": item.id}

    def _addon(self, args: dict[str, Any], _region: str) -> dict[str, Any]:
        name = f"{args.get('clusterName')}:{args.get('addonName')}"
        item = self.view.one(ADDON, name)
        if item is None:
            raise CloudError(
                "ResourceNotFoundException", f"No addon: {args.get('addonName')} found in cluster: {name.split(':')[0]}"
            )
        return {**item.state, "id": item.id}

    def _parameter(self, args: dict[str, Any], _region: str) -> dict[str, Any]:
        item = self.view.one(PARAMETER, args.get("name"))
        if item is None:
            raise CloudError("ParameterNotFound", f"{args.get('name')} does not exist")
        value = item.state.get("value") or item.state.get("insecureValue")
        if not isinstance(value, str):
            raise CloudError("NotSimulated", f"the value of {item.id} is a secret, which the world does not keep")
        kept = {key: item.state.get(key) for key in ("arn", "type", "version")}
        return {**kept, "id": item.id, "value": value, "insecureValue": value if kept["type"] != "SecureString" else ""}

    def _matching(self, token: str, args: Mapping[str, Any], region: str) -> list[Item]:
        wanted = {
            key: value for key, value in args.items() if key not in ("filters", "tags", "region", "state", "default")
        }
        return [
            item
            for item in self.view.all(token, region=region)
            if all((item.id if key == "id" else item.state.get(key)) == value for key, value in wanted.items())
            and all((item.state.get("tags") or {}).get(key) == value for key, value in (args.get("tags") or {}).items())
            and all(_passes(item, each) for each in args.get("filters") or ())
            and args.get("default") is not True
        ]


def _passes(item: Item, each: Mapping[str, Any]) -> bool:
    name, values = str(each.get("name")), each.get("values") or ()
    if name.startswith("tag:"):
        return (item.state.get("tags") or {}).get(name[4:]) in values
    head, *rest = name.split("-")
    key = _FILTERS.get(name, head + "".join(word.capitalize() for word in rest))
    if key not in item.state and key not in ("subnetId", "vpcId"):
        raise CloudError("InvalidParameterValue", f"The filter '{name}' is invalid")
    return item.state.get(key, item.id) in values


def _only(found: list[Item], kind: str) -> Item:
    if len(found) != 1:
        many = "multiple" if found else "no"
        raise CloudError(
            "InvalidParameterValue", f"{many} matching {kind} found; use additional constraints to find one"
        )
    return found[0]
