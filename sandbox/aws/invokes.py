"""Data sources: what a program may ask the simulated AWS, answered from the store; any other is refused by name."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from sandbox.aws.outputs import ACCOUNT
from sandbox.aws.view import ADDON, CLUSTER, SUBNET, VPC, View
from sandbox.items import Item, ItemStore
from sandbox.provider import CloudError

PARAMETER = "aws:ssm/parameter:Parameter"
_LISTED = {
    "accessConfig": "accessConfigs",
    "certificateAuthority": "certificateAuthorities",
    "kubernetesNetworkConfig": "kubernetesNetworkConfigs",
    "upgradePolicy": "upgradePolicies",
}


class Invokes:
    """The data sources that are simulated, by token, each with the arguments that it knows."""

    def __init__(self, store: ItemStore) -> None:
        self.view = View(store)
        self._known: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any]], dict[str, Any]]]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": ((), self._identity),
            "aws:ec2/getVpc:getVpc": (("id",), self._vpc),
            "aws:ec2/getSubnet:getSubnet": (("id",), self._subnet),
            "aws:eks/getCluster:getCluster": (("name",), self._cluster),
            "aws:eks/getAddon:getAddon": (("addonName", "clusterName"), self._addon),
            "aws:ssm/getParameter:getParameter": (("name", "withDecryption"), self._parameter),
        }

    def answer(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        """The data source's answer, with its arguments echoed."""
        if token not in self._known:
            names = ", ".join(sorted(name.rpartition(":")[2] for name in self._known))
            raise CloudError("NotSimulated", f"{token} is not simulated; simulated are {names}")
        accepted, known = self._known[token]
        if wrong := sorted(set(args) - {*accepted, "region"}):
            said = f"argument {', '.join(wrong)} is not simulated; simulated are {', '.join(accepted) or 'none'}"
            raise CloudError("NotSimulated", said)
        return {**args, **known(args)}

    def _identity(self, _: dict[str, Any]) -> dict[str, Any]:
        arn = f"arn:aws:iam::{ACCOUNT}:user/simulated"
        return {"id": ACCOUNT, "accountId": ACCOUNT, "arn": arn, "userId": "AIDASIMULATED0000000"}

    def _vpc(self, args: dict[str, Any]) -> dict[str, Any]:
        item = self._one(VPC, args.get("id"), "InvalidParameterValue", "no matching EC2 VPC found")
        return {**item.state, "id": item.id, "state": "available", "default": False}

    def _subnet(self, args: dict[str, Any]) -> dict[str, Any]:
        item = self._one(SUBNET, args.get("id"), "InvalidParameterValue", "no matching EC2 Subnet found")
        free = ipaddress.ip_network(item.state["cidrBlock"]).num_addresses - 5
        return {**item.state, "id": item.id, "state": "available", "availableIpAddressCount": free}

    def _cluster(self, args: dict[str, Any]) -> dict[str, Any]:
        said = f"No cluster found for name: {args.get('name')}."
        item = self._one(CLUSTER, args.get("name"), "ResourceNotFoundException", said)
        listed = {plural: [item.state[key]] for key, plural in _LISTED.items() if key in item.state}
        return {**item.state, **listed, "id": item.id}

    def _addon(self, args: dict[str, Any]) -> dict[str, Any]:
        cluster, addon = args.get("clusterName"), args.get("addonName")
        said = f"No addon: {addon} found in cluster: {cluster}"
        item = self._one(ADDON, f"{cluster}:{addon}", "ResourceNotFoundException", said)
        return {**item.state, "id": item.id}

    def _parameter(self, args: dict[str, Any]) -> dict[str, Any]:
        item = self._one(PARAMETER, args.get("name"), "ParameterNotFound", f"{args.get('name')} does not exist")
        value = item.state.get("value") or item.state.get("insecureValue")
        if not isinstance(value, str):
            raise CloudError("NotSimulated", f"the value of {item.id} is a secret, which the world does not keep")
        kept = {key: item.state.get(key) for key in ("arn", "type", "version")}
        return {**kept, "id": item.id, "value": value, "insecureValue": value if kept["type"] != "SecureString" else ""}

    def _one(self, token: str, name: Any, code: str, said: str) -> Item:
        item = self.view.one(token, name)
        if item is None:
            raise CloudError(code, said)
        return item
