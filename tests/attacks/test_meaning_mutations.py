"""Random spellings of what is dangerous: each is stopped. The seed is fixed, so that a failure comes again."""

from __future__ import annotations

import base64
import datetime
import gzip
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from policies.evaluate import Evaluator
from policies.packs import rules
from policies.rule import Level
from policies.security.access.actions import SERVICES
from pricing.items.graph import UNKNOWN, Node
from tests.attacks.kinds.meaning.judged import OWN, allow, aws, kube, policy, role
from tests.attacks.rules import GUARD

SEED = 14
TODAY = datetime.date(2026, 11, 24)


def _refusals(*nodes: Node) -> set[str]:
    """Rules that refuse any of the resources, in one run."""
    judge = Evaluator(rules("security"), lambda: GUARD, TODAY)
    told = [verdict for each in nodes for verdict in judge.resource(each)]
    return {verdict.rule.name for verdict in told if verdict.level is Level.MANDATORY}


def _recased(chance: random.Random, text: str) -> str:
    return "".join(chance.choice((each.lower(), each.upper())) for each in text)


def _widened(chance: random.Random, text: str) -> str:
    """A pattern that still matches the text."""
    start = chance.randrange(len(text) + 1)
    end = chance.randrange(start, len(text) + 1)
    middle = chance.choice(("*", "?*", "**")) if end > start else "*"
    widened = text[:start] + middle + text[end:]
    return "".join("?" if each.isalpha() and chance.random() < 0.1 else each for each in widened)


def _policy(chance: random.Random) -> tuple[str, Sequence[Node]]:
    prefix = chance.choice([name for name, service in SERVICES.items() if service.never or service.conditioned])
    service = SERVICES[prefix]
    action = chance.choice(sorted(service.never | service.conditioned.keys()))
    name = chance.choice((action, _widened(chance, action), f"{_widened(chance, action)}*"))
    resource = chance.choice(
        ("*", f"arn:aws:{prefix}:us-east-1:{OWN}:thing/name", f"arn:aws:{prefix}:::name*", "arn:aws:*")
    )
    harmless = [allow("s3:GetObject", "arn:aws:s3:::models/*") for _ in range(chance.randrange(3))]
    statements = [
        *harmless,
        allow(chance.choice((f"{prefix}:{_recased(chance, name)}", [f"{prefix}:{name}"])), resource),
    ]
    chance.shuffle(statements)
    return "no-wildcard-admin", [policy(*statements)]


def _network(chance: random.Random) -> tuple[str, Sequence[Node]]:
    length = chance.randrange(8, 11)
    pieces = [
        f"{index << (32 - length) >> 24}.{(index << (32 - length) >> 16) & 255}.0.0/{length}"
        for index in range(2**length)
    ]
    away = [each for each in pieces if not each.startswith(("0.", "10.", "127.", "100.", "169.", "172.", "192."))]
    chosen = chance.sample(away, 2 ** (length - 8) + chance.randrange(1, 40))
    nodes: list[Node] = []
    while chosen:
        take = [chosen.pop() for _ in range(min(len(chosen), chance.randrange(1, 60)))]
        name, group = f"rule-{len(nodes)}", chance.choice((UNKNOWN, "sg-1", "sg-2"))
        kind = chance.randrange(3)
        if kind == 0:
            nodes.append(
                aws("ec2/securityGroup:SecurityGroup", name, ingress=[{"cidrBlocks": [each]} for each in take])
            )
        elif kind == 1:
            inputs = {"type": "ingress", "cidrBlocks": take, "securityGroupId": group}
            nodes.append(aws("ec2/securityGroupRule:SecurityGroupRule", name, **inputs))
        else:
            token = "vpc/securityGroupIngressRule:SecurityGroupIngressRule"
            nodes += [aws(token, f"{name}-{each}", cidrIpv4=each, securityGroupId=group) for each in take]
    return "group-not-open", nodes


def _trust(chance: random.Random) -> tuple[str, Sequence[Node]]:
    key = chance.choice(("aws:PrincipalOrgID", "aws:PrincipalArn", "aws:SourceArn", "aws:SourceAccount", "aws:userid"))
    base = chance.choice(
        ("StringLike", "ArnLike", "StringEquals", "ArnEquals", "StringNotEquals", "StringEqualsIgnoreCase")
    )
    operator = chance.choice((f"{base}IfExists", f"ForAllValues:{base}", "Null", "StringNotLike", "Bool", base.lower()))
    value = chance.choice(("*", "o-1", "false", "arn:aws:iam::*:role/a", "${aws:PrincipalOrgID}", "?*"))
    if chance.random() < 0.4:
        operator, value = (
            chance.choice(("StringLike", "ArnLike", "ForAnyValue:StringLike")),
            chance.choice(("*", "?*", "arn:*", "o*")),
        )
    principal: object = chance.choice(("*", {"AWS": "*"}, {"AWS": ["*"]}, {"AWS": [f"arn:aws:iam::{OWN}:role/a", "*"]}))
    return "no-open-trust", [role(principal, {operator: {_recased(chance, key): value}})]


def _role(chance: random.Random) -> tuple[str, Sequence[Node]]:
    rule: dict[str, Any] = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    name, odd = chance.choice(
        [("verbs", verb) for verb in ("*", "bind", "escalate", "impersonate", "Escalate")]
        + [("resources", each) for each in ("*", "*/log", "nodes/*")]
        + [("apiGroups", each) for each in ("*", "*.example.com")]
        + [("nonResourceURLs", each) for each in ("*", "/api/*")]
    )
    rule[name] = [*rule.get(name, []), *["x"] * chance.randrange(3), odd]
    chance.shuffle(rule[name])
    made = {
        "metadata": {"name": "a"},
        "rules": [*[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}] * chance.randrange(3), rule],
    }
    kind = chance.choice(("Role", "ClusterRole", "RolePatch", "ClusterRolePatch", "RoleList", "ClusterRoleList"))
    inputs = {"items": [{}, made]} if kind.endswith("List") else made
    return "roles-bounded", [kube(f"rbac.authorization.k8s.io/v1:{kind}", **inputs)]


def _image(chance: random.Random) -> tuple[str, Sequence[Node]]:
    host = chance.choice(("", "registry.example/", "registry.example:5000/team/", "localhost:80/"))
    tag = chance.choice(("", ":latest", ":main", ":stable", ":v1-latest", ":nightly.2", ":edge", ":lts"))
    value: Any = {"image": f"{host}web{tag}"}
    for step in chance.choices(("containers", "template", "spec", "steps", "script", "job"), k=chance.randrange(1, 7)):
        value = {step: [{}, value] if chance.random() < 0.5 else value}
    token = chance.choice(
        ("apps/v1:Deployment", "argoproj.io/v1alpha1:Rollout", "example.com/v1:Any", "batch/v1:CronJob")
    )
    return "images-pinned", [kube(token, spec=value)]


def _secret(chance: random.Random) -> tuple[str, Sequence[Node]]:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    body = "".join(chance.choices(letters, k=36))
    shaped = chance.choice(
        (
            f"AKIA{body[:16]}",
            f"ghp_{body}",
            f"xoxb-{body}",
            f"https://a:{body[:9]}@db/x",
            f"-----BEGIN PRIVATE KEY-----\n{body}",
        )
    )
    before = chance.choice(("", "set -e\n", "key = "))
    text = f"{before}{shaped}\n"
    where = chance.randrange(4)
    if where == 0:
        raw = text.encode() if chance.random() < 0.5 else gzip.compress(text.encode())
        return "no-keys-in-clear", [aws("ec2/launchTemplate:LaunchTemplate", userData=base64.b64encode(raw).decode())]
    if where == 1:
        return "no-keys-in-clear", [kube("karpenter.k8s.aws/v1:EC2NodeClass", spec={"userData": text})]
    group = chance.choice(("containers", "initContainers", "ephemeralContainers"))
    held = {"env": [{"name": "A", "value": text}]} if where == 2 else {chance.choice(("args", "command")): ["x", text]}
    spec = {"template": {"spec": {"containers": [], group: [{"name": "a"}, held]}}}
    return "no-keys-in-clear", [kube(chance.choice(("apps/v1:Deployment", "argoproj.io/v1alpha1:Rollout")), spec=spec)]


@pytest.mark.parametrize(
    ("mutate", "times"),
    [(_policy, 600), (_network, 60), (_trust, 300), (_role, 200), (_image, 200), (_secret, 200)],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_no_spelling_of_what_is_dangerous_passes(
    mutate: Callable[[random.Random], tuple[str, Sequence[Node]]], times: int
) -> None:
    chance = random.Random(SEED)  # noqa: S311
    for _ in range(times):
        rule, nodes = mutate(chance)
        assert rule in _refusals(*nodes), json.dumps([dict(node.inputs) for node in nodes], default=str)[:2000]
