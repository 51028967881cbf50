"""Who can read which secret: every namespace against every secret, by the stores' conditions and IAM's simulated decision."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from components.identity import InAws
from components.secrets.stores import Audience, may_take, prefix, reference, role_arn, role_name
from core.problem import Refused
from infra.build import build
from infra.declared import Declared, declare
from infra.guard import guard
from infra.plan import plan
from infra.stack.audiences import audiences
from infra.stack.stack import Stack
from tests.iam import allowed, trusts
from tests.roots import ROOT

READ = "secretsmanager:GetSecretValue"
TEAM, OTHER = "team-a", "team-a-b"
PLATFORM = {"registry": "modelyard-registry", "pagerduty": "monitoring", "remote-write": "monitoring"}
"""Secrets of the platform by the last part of their names, and the one namespace each is for."""
WHERE = InAws(region="us-east-1", account_id="123456789012", cluster_name="c")


def stack(**changes: Any) -> Stack:
    platform = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]["modelyard:platform"]
    own = {
        "namespaces": {"names": [TEAM, OTHER]},
        "monitoring": {
            "alerts": {
                "receivers": {"oncall": {"kind": "pagerduty", "secret": "modelyard-prod/pagerduty"}},
                "everybody": {"critical": "oncall"},
            },
            "remoteWrite": {"url": "https://samples.example.com", "secret": "modelyard-prod/remote-write"},
        },
    }
    return Stack.of({**platform, **own, **changes}, "us-east-1")


@pytest.fixture(scope="module")
def declared() -> dict[str, Declared]:
    found = stack()
    listed = replace(guard(), secret_hosts=("id.example.com", "samples.example.com"))
    return declare(lambda: build(plan(found, listed)), project="modelyard", stack="prod")


class Fakes:
    """What decides in a cluster with this stack: stores by name with their conditions, and roles with their policies."""

    def __init__(self, found: Mapping[str, Declared]) -> None:
        of_kind: dict[str, list[Declared]] = {}
        for declared in found.values():
            of_kind.setdefault(declared.token.rpartition(":")[2], []).append(declared)
        self.stores = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in of_kind["ClusterSecretStore"]}
        self.trust = {each.inputs["name"]: each.inputs["assumeRolePolicy"] for each in of_kind["Role"]}
        self.policies: dict[str, list[str]] = {name: [] for name in self.trust}
        for each in of_kind["RolePolicy"]:
            self.policies.setdefault(each.inputs["role"], []).append(each.inputs["policy"])
        self.attached = {each.inputs["role"] for each in of_kind["RolePolicyAttachment"]}
        self.external = [each.inputs for each in of_kind["ExternalSecret"]]

    def read(self, namespace: str, store: str, secret: str, action: str = READ) -> str:
        """Why an ExternalSecret of a namespace cannot read a secret's ARN through a store; empty when it can."""
        spec = self.stores[store]
        if namespace not in [each for one in spec["conditions"] for each in one["namespaces"]]:
            return "the operator: denied by spec.condition"
        arn = spec["provider"]["aws"]["role"]
        role, operator = arn.rpartition("/")[2], "modelyard-prod-external-secrets"
        for verb in ("sts:AssumeRole", "sts:TagSession"):
            taker = f"arn:aws:iam::${{aws#accountId}}:role/{operator}"
            if not (allowed(self.policies[operator], verb, arn) and trusts(self.trust[role], taker, verb)):
                return "the operator's role"
        return "" if allowed(self.policies[role], action, secret) else "the audience's role"

    def readable(self, namespace: str, secret: str) -> bool:
        return any(not self.read(namespace, store, secret) for store in self.stores)


def arn(name: str) -> str:
    return f"arn:aws:secretsmanager:us-east-1:${{aws#accountId}}:secret:{name}-AbC123"


def secrets(found: Mapping[str, Declared]) -> Iterator[tuple[str, str]]:
    """Every secret of the stack and of its teams: its ARN, and the one namespace that it is for."""
    yield from ((arn(f"modelyard-prod/{name}"), space) for name, space in PLATFORM.items())
    database = next(urn for urn, each in found.items() if each.token == "aws:rds/instance:Instance")
    yield f"${{{database}#masterUserSecrets[0].secretArn}}", "modelyard-registry"
    for space in ("modelyard-serving", "modelyard-training", TEAM, OTHER):
        yield from ((arn(f"modelyard-prod/{space}/{name}"), space) for name in ("token", "a/b"))
    for stranger in ("modelyard-prod", "modelyard-dev/registry", "modelyard-prod/unnamed", "somebody/else"):
        yield arn(stranger), "nobody"


def test_every_namespace_reads_the_secrets_of_its_audience_and_no_other(declared: dict[str, Declared]) -> None:
    world = Fakes(declared)
    spaces = [each.inputs["metadata"]["name"] for each in declared.values() if each.token.endswith("v1:Namespace")]
    assert {"monitoring", "modelyard-registry", TEAM, "external-secrets"} <= set(spaces)
    wrong = {
        (space, secret): world.readable(space, secret)
        for space in [*spaces, "default", "kube-system"]
        for secret, audience in secrets(declared)
        if world.readable(space, secret) is not (space == audience)
    }
    assert wrong == {}


def test_a_teams_external_secret_that_names_a_platforms_secret_is_refused_at_every_store(
    declared: dict[str, Declared],
) -> None:
    world = Fakes(declared)
    platform = {secret: space for secret, space in secrets(declared) if space in PLATFORM.values()}
    assert any("masterUserSecrets" in each for each in platform)
    refusals = {world.read(TEAM, store, secret) for secret in platform for store in world.stores}
    assert refusals == {"the operator: denied by spec.condition", "the audience's role"}
    assert world.read(TEAM, f"secrets-{TEAM}", arn(f"modelyard-prod/{TEAM}/token")) == ""


def test_every_external_secret_of_the_platform_can_read_what_it_names(declared: dict[str, Declared]) -> None:
    world, named = Fakes(declared), 0
    for each in world.external:
        spec, space = each["spec"], each["metadata"]["namespace"]
        keys = [one["remoteRef"]["key"] for one in spec.get("data", [])]
        keys += [one["extract"]["key"] for one in spec.get("dataFrom", []) if "extract" in one]
        for key in keys:
            secret = key if key.startswith("$") else arn(key)
            assert world.read(space, spec["secretStoreRef"]["name"], secret) == "", (space, key)
            named += 1
    assert named == 6, "the keys, two properties of the database's password, and three of monitoring's"


def test_the_operator_reads_nothing_itself_and_only_it_takes_the_roles(declared: dict[str, Declared]) -> None:
    world, operator = Fakes(declared), "modelyard-prod-external-secrets"
    assert not any(allowed(world.policies[operator], READ, secret) for secret, _ in secrets(declared))
    assert operator not in world.attached, "a managed policy is not in these documents"
    for spec in world.stores.values():
        role = spec["provider"]["aws"]["role"].rpartition("/")[2]
        (statement,) = json.loads(world.trust[role])["Statement"]
        assert statement["Principal"] == {"AWS": f"arn:aws:iam::${{aws#accountId}}:role/{operator}"}
        assert role not in world.attached


def test_only_the_registrys_role_decrypts_with_the_databases_key(declared: dict[str, Declared]) -> None:
    world = Fakes(declared)
    readers = [
        name
        for name, texts in world.policies.items()
        if "secretsmanager" in "".join(texts) and "kms:" in "".join(texts)
    ]
    assert readers == ["modelyard-prod-secrets-modelyard-registry"]


names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
paths = st.from_regex(r"[A-Za-z0-9_+=.@-]{1,8}(/[A-Za-z0-9_+=.@-]{1,8}){0,2}", fullmatch=True)


@settings(max_examples=60)
@given(st.lists(names, min_size=2, max_size=4, unique=True), st.lists(paths, min_size=1, max_size=4), st.data())
def test_a_role_allows_exactly_what_its_audience_may_read(
    spaces: list[str], exact: list[str], data: st.DataObject
) -> None:
    owners = [Audience(namespace=space, prefixes=(prefix("p", space),)) for space in spaces]
    owners.append(Audience(namespace="platform", names=tuple(f"p/{each}" for each in exact)))
    asked = data.draw(
        st.one_of(paths, st.builds("{}/{}".format, st.sampled_from(spaces), paths), st.sampled_from(exact))
    )
    secret = f"p/{asked}"
    for owner in owners:
        document = json.dumps({"Statement": owner.statements(WHERE)})
        found = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{secret}-AbC123"
        assert allowed([document], READ, found) is owner.may_read(secret)
        assert not allowed([document], READ, found.replace("123456789012", "210987654321"))


@given(st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True), st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True))
def test_a_role_has_a_name_that_iam_takes_and_no_other_namespace_has(one: str, other: str) -> None:
    assert len(role_name("modelyard-prod", one)) <= 64
    assert (role_name("modelyard-prod", one) == role_name("modelyard-prod", other)) is (one == other)


def test_the_longest_name_that_fits_is_kept_and_the_next_is_cut() -> None:
    room = 64 - len("modelyard-prod-secrets-")
    assert role_name("modelyard-prod", "a" * room).endswith("a" * room)
    assert role_name("modelyard-prod", "a" * (room + 1)).startswith("modelyard-prod-secrets-aaa")
    assert len(role_name("modelyard-prod", "a" * (room + 1))) == 64


def test_the_operator_takes_the_roles_of_the_audiences_alone() -> None:
    document = json.dumps({"Statement": [may_take("p", [Audience(namespace="a"), Audience(namespace="b")], WHERE)]})
    assert allowed([document], "sts:AssumeRole", role_arn("p", "a", WHERE))
    assert not allowed([document], "sts:AssumeRole", role_arn("p", "c", WHERE))
    assert not allowed([document], "sts:AssumeRole", "arn:aws:iam::123456789012:role/p-registry")


def test_a_namespace_reads_through_the_store_of_its_own_name() -> None:
    assert reference("team-a") == {"kind": "ClusterSecretStore", "name": "secrets-team-a"}
    assert Audience(namespace="x").statements(WHERE) == []


def refused(**monitoring: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as found:
        stack(monitoring=monitoring)
    assert "hunter2" not in str([vars(problem) for problem in found.value.problems])
    return [(problem.where, problem.summary) for problem in found.value.problems]


def test_a_secret_that_a_team_could_be_given_is_not_taken_for_the_platforms() -> None:
    url = "https://samples.example.com"
    stack(monitoring={"remoteWrite": {"url": url, "secret": f"modelyard-prod/{TEAM}"}})
    crossing = {"remoteWrite": {"url": url, "secret": f"modelyard-prod/{TEAM}/x"}}
    ((where, summary),) = refused(**crossing)
    assert where == "monitoring.remoteWrite.secret"
    assert TEAM in summary


def test_a_secret_of_another_name_is_refused_and_not_repeated() -> None:
    url = "https://samples.example.com"
    stack(monitoring={"remoteWrite": {"url": url, "secret": "modelyard-prod/x"}})
    for name in ("hunter2", "modelyard-prod-hunter2", "modelyard-dev/hunter2"):
        ((where, summary),) = refused(remoteWrite={"url": url, "secret": name})
        assert (where, summary) == (
            "monitoring.remoteWrite.secret",
            "the platform reads only secrets whose name starts with its own",
        )


def test_a_registry_whose_keys_nothing_would_read_is_refused() -> None:
    with pytest.raises(Refused) as found:
        stack(externalSecrets={"source": "none"}, monitoring={})
    assert [problem.where for problem in found.value.problems] == ["externalSecrets.source"]


def test_without_monitoring_or_a_registry_there_is_no_store_for_them() -> None:
    found = {audience.namespace for audience in audiences(stack(monitoring={}, registry=None).settings)}
    assert found == {"modelyard-serving", "modelyard-training", TEAM, OTHER}


@pytest.mark.parametrize(
    ("action", "resource", "context", "expected"),
    [
        ("s3:GetObject", "arn:b/x", {}, True),
        ("S3:getobject", "arn:b/x", {}, True),
        ("s3:GetObject", "arn:B/x", {}, False),
        ("s3:PutObject", "arn:b/x", {}, False),
        ("s3:GetObject", "arn:b/deny/x", {}, False),
        ("kms:Decrypt", "k12", {"via": "a"}, True),
        ("kms:Decrypt", "k123", {"via": "a"}, False),
        ("kms:Decrypt", "k12", {"via": "b"}, False),
        ("kms:Decrypt", "k12", {}, False),
    ],
)
def test_the_simulated_decision_is_iams(action: str, resource: str, context: dict[str, str], expected: bool) -> None:
    document = {
        "Statement": [
            {"Effect": "Allow", "Action": "s3:Get*", "Resource": ["arn:b/*"]},
            {"Effect": "Deny", "Action": ["s3:*"], "Resource": "arn:b/deny/*"},
            {
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": "k1?",
                "Condition": {"StringEquals": {"via": "a"}},
            },
        ]
    }
    assert allowed([json.dumps(document)], action, resource, context) is expected


def test_a_condition_that_the_simulation_does_not_know_is_not_guessed() -> None:
    document = {
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"x": "true"}}}]
    }
    with pytest.raises(NotImplementedError):
        allowed([json.dumps(document)], "a:b", "c")
