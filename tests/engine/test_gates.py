"""The policy packs on whole stacks: what is refused is refused in time, with and without a preview."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from core.problem import ExitCode
from infra import program as wiring
from ops import commands

pytestmark = pytest.mark.engine

Make = Callable[..., Any]
Change = Callable[[pulumi.ResourceTransformationArgs], pulumi.ResourceTransformationResult | None]

QUEUE = "aws:sqs/queue:Queue"
NEED_THE_QUEUE = {
    QUEUE,
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:cloudwatch/eventTarget:EventTarget",
    "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
    "kubernetes:karpenter.sh/v1:NodePool",
}
"""What a stack cannot make while the queue of interruptions is refused."""


def changed(here: Any, change: Change) -> Any:
    """The same stack, its program with one change to what it registers."""

    def program() -> None:
        pulumi.runtime.register_stack_transformation(change)
        wiring.make(here.place.loaded)()

    return replace(here, program=program)


def with_key(
    args: pulumi.ResourceTransformationArgs, prop: str, key: str, value: Any
) -> pulumi.ResourceTransformationResult:
    """A resource's inputs with one key more in one of them."""
    before: Any = args.props[prop]
    return with_more(args, **{prop: {**before, key: value}})


def with_more(args: pulumi.ResourceTransformationArgs, **more: Any) -> pulumi.ResourceTransformationResult:
    """A resource's inputs, some of them replaced."""
    return pulumi.ResourceTransformationResult({**args.props, **more}, args.opts)


def in_clear(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """The queue of interruptions without encryption."""
    return with_more(args, sqsManagedSseEnabled=False) if args.type_ == QUEUE else None


def misspelt_pool(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """The general pool's NodePool with a key that Karpenter does not know."""
    pool = args.type_ == "kubernetes:karpenter.sh/v1:NodePool" and args.name == "general-on-demand"
    return with_key(args, "spec", "disruptions", {}) if pool else None


def misspelt_values(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Karpenter's release with a value that its chart does not read."""
    release = args.type_ == "kubernetes:helm.sh/v3:Release" and args.name == "karpenter"
    return with_key(args, "values", "replica", 2) if release else None


def misspelt_deployment(args: pulumi.ResourceTransformationArgs) -> None:
    """A Deployment of somebody's with a misspelt field, beside the platform's own objects."""
    if args.type_ != "kubernetes:storage.k8s.io/v1:StorageClass":
        return
    restricted = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "web", "image": "registry.example.com/web:1.2.3", "securityContext": restricted, "port": 80}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec: Any = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    k8s.apps.v1.Deployment(
        "web",
        metadata={"namespace": "modelyard-serving"},
        spec=spec,
        opts=pulumi.ResourceOptions(provider=args.opts.provider),
    )


def test_without_a_preview_what_is_refused_and_what_needs_it_is_not_made(stage: Make) -> None:
    here = changed(stage("dev"), in_clear)
    with here.engine() as engine:
        done = engine.up(packs=here.packs)
    assert not done.ok
    refused = [(said.policy, said.urn.rpartition("::")[2]) for said in done.events.mandatory]
    assert refused == [("queue-encrypted", "interruptions")]
    assert {item.type for item in here.made()} & NEED_THE_QUEUE == set()


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        (misspelt_pool, "general-on-demand", "spec.disruptions"),
        (misspelt_values, "karpenter", "values.replica"),
        (misspelt_deployment, "web", "spec.template.spec.containers[0].port"),
    ],
)
def test_a_misspelt_field_is_refused_in_the_preview_of_an_empty_dev(
    stage: Make, change: Change, name: str, said: str
) -> None:
    here = changed(stage("dev"), change)
    here.run(commands.up, ExitCode.REFUSED)
    told = {violation.urn.rpartition("::")[2]: violation for violation in here.show.outcomes[-1].events.mandatory}
    assert said in told[name].message
    assert here.made() == []
