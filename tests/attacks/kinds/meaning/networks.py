"""Networks cut into pieces, hidden behind names, or written where nobody looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pricing.items.graph import UNKNOWN, Node
from tests.attacks.attack import Attack, Harmless
from tests.attacks.kinds.meaning.judged import attack, aws, harmless, kube

GROUP = "group-not-open"
RANGES = "ranges-not-open"
EIGHTS = [f"{first}.0.0.0/8" for first in range(1, 224) if first not in (10, 127)]
HALVES = ["0.0.0.0/1", "128.0.0.0/1"]
SIXES = [f"{first:x}::/20" for first in range(0x2000, 0x2100)]
NOTES = "service.beta.kubernetes.io/"


def _group(**rule: Any) -> Node:
    return aws("ec2/securityGroup:SecurityGroup", ingress=[{"protocol": "tcp", "fromPort": 22, "toPort": 22, **rule}])


def _rule(name: str, block: object, **more: Any) -> Node:
    return aws(
        "vpc/securityGroupIngressRule:SecurityGroupIngressRule", name, cidrIpv4=block, securityGroupId=UNKNOWN, **more
    )


def _cluster(blocks: Sequence[str]) -> Node:
    return aws("eks/cluster:Cluster", vpcConfig={"endpointPublicAccess": True, "publicAccessCidrs": list(blocks)})


def _service(notes: dict[str, str] | None = None, **spec: Any) -> Node:
    return kube(
        "core/v1:Service", metadata={"name": "a", "annotations": notes or {}}, spec={"type": "LoadBalancer", **spec}
    )


def _lets_in(*blocks: dict[str, Any]) -> Node:
    return kube(
        "networking.k8s.io/v1:NetworkPolicy",
        metadata={"name": "a"},
        spec={"podSelector": {}, "ingress": [{"from": [{"ipBlock": block} for block in blocks]}]},
    )


ATTACKS: tuple[Attack, ...] = (
    attack("a group lets in 221 blocks of /8 at once", GROUP, _group(cidrBlocks=EIGHTS)),
    attack("a group lets in both halves of the internet", GROUP, _group(cidrBlocks=HALVES)),
    attack("a group lets in two blocks of /8", GROUP, _group(cidrBlocks=["12.0.0.0/8", "14.0.0.0/8"])),
    attack("a group lets in most of IPv6 in blocks of /20", GROUP, _group(ipv6CidrBlocks=SIXES)),
    attack("a group lets in a prefix list", GROUP, _group(prefixListIds=["pl-0123"])),
    attack(
        "rules of one group add up to the internet",
        GROUP,
        *(_rule(f"rule-{index}", block) for index, block in enumerate(EIGHTS)),
    ),
    attack("two rules of two groups let in a /8 each", GROUP, _rule("one", "12.0.0.0/8"), _rule("two", "14.0.0.0/8")),
    attack("a rule lets in a prefix list", GROUP, _rule("one", None, prefixListId="pl-0123")),
    attack("a rule lets in a prefix list that is still to be made", GROUP, _rule("one", None, prefixListId=UNKNOWN)),
    attack("a rule lets in a block that is none", GROUP, _rule("one", "anybody")),
    attack(
        "a rule of the old kind does not say its direction yet",
        GROUP,
        aws("ec2/securityGroupRule:SecurityGroupRule", type=UNKNOWN, cidrBlocks=HALVES, securityGroupId="sg-1"),
    ),
    attack("a cluster's endpoint is open to 221 blocks of /8", "endpoint-not-open", _cluster(EIGHTS)),
    attack("a cluster's endpoint is open to both halves", "endpoint-not-open", _cluster(HALVES)),
    attack("a load balancer lets in both halves", RANGES, _service(loadBalancerSourceRanges=HALVES)),
    attack(
        "a load balancer lets in 221 blocks by an annotation",
        RANGES,
        _service({f"{NOTES}load-balancer-source-ranges": ", ".join(EIGHTS)}),
    ),
    attack(
        "a load balancer that faces the internet names nobody",
        RANGES,
        _service({f"{NOTES}aws-load-balancer-scheme": "internet-facing", f"{NOTES}aws-load-balancer-internal": "true"}),
    ),
    attack(
        "an ingress lets in both halves by an annotation",
        RANGES,
        kube(
            "networking.k8s.io/v1:Ingress",
            metadata={"name": "a", "annotations": {"alb.ingress.kubernetes.io/inbound-cidrs": ",".join(HALVES)}},
            spec={},
        ),
    ),
    attack(
        "a gateway's own service lets in everybody",
        RANGES,
        kube(
            "gateway.envoyproxy.io/v1alpha1:EnvoyProxy",
            metadata={"name": "a"},
            spec={"provider": {"kubernetes": {"envoyService": {"loadBalancerSourceRanges": HALVES}}}},
        ),
    ),
    attack("a network policy lets in both halves", RANGES, _lets_in(*({"cidr": half} for half in HALVES))),
    attack(
        "a network policy lets in all but one address",
        RANGES,
        _lets_in({"cidr": "0.0.0.0/0", "except": ["1.1.1.1/32"]}),
    ),
    attack(
        "a network policy lets in the IPv6 internet in two", RANGES, _lets_in({"cidr": "::/1"}, {"cidr": "8000::/1"})
    ),
)
HARMLESS: tuple[Harmless, ...] = (
    harmless(
        "a group lets in private blocks, however many",
        aws(
            "ec2/securityGroup:SecurityGroup",
            ingress=[{"cidrBlocks": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]}],
        ),
    ),
    harmless("two rules let in the same block", _rule("one", "12.0.0.0/8"), _rule("two", "12.0.0.0/8")),
    harmless("two rules let in the halves of one /8", _rule("one", "12.0.0.0/9"), _rule("two", "12.128.0.0/9")),
    harmless(
        "a load balancer lets in an office",
        kube(
            "core/v1:Service",
            metadata={"name": "a", "namespace": "a"},
            spec={"type": "LoadBalancer", "loadBalancerSourceRanges": ["203.0.113.0/24"], "ports": [{"port": 443}]},
        ),
    ),
    harmless(
        "a load balancer stands inside the VPC",
        kube(
            "core/v1:Service",
            metadata={"name": "a", "namespace": "a", "annotations": {f"{NOTES}aws-load-balancer-scheme": "internal"}},
            spec={"type": "LoadBalancer", "ports": [{"port": 443}]},
        ),
    ),
)
