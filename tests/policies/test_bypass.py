"""Ways to slip past a budget, each through the real engine: all refused, and nothing is created.

A run here is `pulumi up` as the Automation API does it, which is `up --yes --skip-preview`, unless a test says otherwise.
Programs that go round the platform's own gate register a plan of their own under the budget pack.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest

from components.platform.component import Platform, PlatformArgs
from infra.build import _plan
from infra.guard import guard
from infra.plan import plan
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from tests.policies.copies import STACK_FILE, changed, copied_packs

TAGS: dict[str, str] = {"Environment": "dev", "ManagedBy": "modelyard", "Owner": "ml-platform"}
Engine = Any

pytestmark = pytest.mark.engine


class Part(pulumi.ComponentResource):
    """A component of any type and name."""

    def __init__(self, token: str, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(f"modelyard:index:{token}", name, {}, opts)
        self.register_outputs({})


@dataclass
class Tree:
    """A platform with the plan of dev, as the repository's stack file makes it, and providers to make things with."""

    change: Callable[[PlatformArgs], PlatformArgs] = lambda args: args
    region: str = "us-east-1"
    tags: dict[str, str] = field(default_factory=lambda: dict(TAGS))

    def grow(self) -> None:
        stack = Stack.read(StackFile.read(STACK_FILE))
        self.platform = Platform("platform", self.change(_plan(stack, plan(stack, guard()))))
        under = pulumi.ResourceOptions(parent=self.platform)
        given: Any = {"tags": self.tags}
        region: Any = self.region
        self.aws = aws.Provider("aws", region=region, default_tags=given, opts=under)
        self.k8s = k8s.Provider("cluster", kubeconfig="{}", opts=under)
        self.both = pulumi.ResourceOptions(providers=[self.aws, self.k8s])

    def part(self, token: str, name: str) -> pulumi.ResourceOptions:
        component = Part(token, name, pulumi.ResourceOptions(parent=self.platform, providers=[self.aws, self.k8s]))
        return pulumi.ResourceOptions(parent=component)

    @property
    def outside(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=self.aws)


def bill(**changed: Any) -> Callable[[PlatformArgs], PlatformArgs]:
    return lambda args: replace(args, bill={**args.bill, **changed})


def first_line(**changed: Any) -> Callable[[PlatformArgs], PlatformArgs]:
    def change(args: PlatformArgs) -> PlatformArgs:
        first, *rest = args.bill["items"]
        return replace(args, bill={**args.bill, "items": [{**first, **changed}, *rest]})

    return change


def node_group(name: str, opts: pulumi.ResourceOptions, **changed: Any) -> None:
    values: dict[str, Any] = {
        "cluster_name": "c",
        "node_role_arn": "arn:aws:iam::000000000000:role/nodes",
        "instance_types": ["m7g.large"],
        "subnet_ids": ["subnet-a", "subnet-b"],
        "scaling_config": {"min_size": 2, "desired_size": 2, "max_size": 2},
        **changed,
    }
    template = aws.ec2.LaunchTemplate(
        f"{name}-template",
        name="t",
        metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 1},
        block_device_mappings=[
            {"device_name": "/dev/xvda", "ebs": {"volume_size": 50, "volume_type": "gp3", "encrypted": "true"}}
        ],
        opts=opts,
    )
    aws.eks.NodeGroup(name, **values, launch_template={"name": template.name, "version": "1"}, opts=opts)


def node_pool(name: str, opts: pulumi.ResourceOptions, limits: dict[str, str]) -> None:
    requirements = [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m7g.large"]}]
    reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "general"}
    k8s.apiextensions.CustomResource(
        name,
        api_version="karpenter.sh/v1",
        kind="NodePool",
        metadata={"name": name},
        spec={"template": {"spec": {"nodeClassRef": reference, "requirements": requirements}}, "limits": limits},
        opts=opts,
    )


def raw_queue(tree: Tree) -> None:
    aws.sqs.Queue("raw", sqs_managed_sse_enabled=True, opts=tree.outside)


def raw_queue_of_its_own_provider(_: Tree) -> None:
    given: Any = {"tags": TAGS}
    own = aws.Provider("own", region="us-east-1", default_tags=given)
    aws.sqs.Queue("raw", sqs_managed_sse_enabled=True, opts=pulumi.ResourceOptions(provider=own))


def raw_node_group(tree: Tree) -> None:
    node_group("raw", tree.outside)


def more_nodes_than_planned(tree: Tree) -> None:
    node_group(
        "system",
        tree.part("SystemNodes", "system-nodes"),
        scaling_config={"min_size": 2, "desired_size": 2, "max_size": 9},
    )


def spot_by_the_group_for_more_nodes(tree: Tree) -> None:
    node_group(
        "system",
        tree.part("SystemNodes", "system-nodes"),
        capacity_type="SPOT",
        scaling_config={"min_size": 0, "desired_size": 0, "max_size": 20},
    )


def unknown_size(tree: Tree) -> None:
    opts = tree.part("SystemNodes", "system-nodes")
    queue = aws.sqs.Queue("interruptions", sqs_managed_sse_enabled=True, opts=tree.part("Karpenter", "karpenter"))
    size = queue.arn.apply(lambda arn: len(arn))
    node_group("system", opts, scaling_config={"min_size": 2, "desired_size": 2, "max_size": size})


def gateway_beside_the_planned_one(tree: Tree) -> None:
    network = tree.part("Network", "network")
    aws.ec2.NatGateway("nat-a", subnet_id="subnet-a", opts=network)
    hidden = pulumi.ResourceOptions(parent=aws.ec2.InternetGateway("internet", opts=network))
    aws.ec2.NatGateway("nat-a", subnet_id="subnet-b", opts=hidden)


def gateway_that_the_plan_lacks(tree: Tree) -> None:
    aws.ec2.NatGateway("nat-b", subnet_id="subnet-a", opts=tree.part("Network", "network"))


def template_in_another_component(tree: Tree) -> None:
    aws.ec2.LaunchTemplate(
        "larger",
        metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 1},
        block_device_mappings=[
            {"device_name": "/dev/xvda", "ebs": {"volume_size": 16000, "volume_type": "gp3", "encrypted": "true"}}
        ],
        opts=tree.part("Network", "network"),
    )


def type_that_nobody_priced(tree: Tree) -> None:
    aws.sagemaker.Endpoint("raw", endpoint_config_name="c", opts=tree.part("Network", "network"))


def component_that_the_plan_lacks(tree: Tree) -> None:
    aws.ec2.InternetGateway("internet", opts=tree.part("Network", "another"))


def pool_by_custom_resource(tree: Tree) -> None:
    opts = pulumi.ResourceOptions(parent=tree.platform, provider=tree.k8s)
    node_pool("raw", opts, {"cpu": "4"})


def pool_without_limits_in_the_general_pool(tree: Tree) -> None:
    node_pool("general-on-demand", tree.part("GeneralPool", "general-pool"), {})


def alias_of_a_planned_resource(tree: Tree) -> None:
    planned = tree.part("Network", "network")
    aliases = [pulumi.Alias(name="nat-a", parent=planned.parent)]
    outside = pulumi.ResourceOptions(provider=tree.aws, aliases=aliases)
    aws.ec2.NatGateway("moved", subnet_id="subnet-a", opts=outside)


def second_provider(tree: Tree) -> None:
    network = tree.part("Network", "network")
    other: Any = {"tags": TAGS}
    elsewhere = aws.Provider("elsewhere", region="eu-central-1", default_tags=other)
    aws.ec2.NatGateway("nat-a", subnet_id="subnet-a", opts=pulumi.ResourceOptions(network.parent, provider=elsewhere))


def second_platform(tree: Tree) -> None:
    stack = Stack.read(StackFile.read(STACK_FILE))
    Platform("another", _plan(stack, plan(stack, guard())))


def renamed_tag(tree: Tree) -> None:
    aws.ec2.NatGateway("nat-a", subnet_id="subnet-a", opts=tree.part("Network", "network"))


def nothing(_: Tree) -> None: ...


PROGRAMS = {
    "a raw resource outside every component": (raw_queue, Tree(), "resources-in-plan"),
    "a raw node group": (raw_node_group, Tree(), "resources-in-plan"),
    "more nodes than planned, in a component of the plan": (more_nodes_than_planned, Tree(), "resources-as-counted"),
    "spot, said by the group beside a launch template": (
        spot_by_the_group_for_more_nodes,
        Tree(),
        "resources-as-counted",
    ),
    "two resources that share one line of the plan": (gateway_beside_the_planned_one, Tree(), "resources-as-counted"),
    "a resource that the plan has not counted": (gateway_that_the_plan_lacks, Tree(), "resources-as-counted"),
    "a larger launch template in another component": (template_in_another_component, Tree(), "resources-in-plan"),
    "a type that nobody has priced": (type_that_nobody_priced, Tree(), "resources-as-counted"),
    "a component that the plan does not name": (component_that_the_plan_lacks, Tree(), "resources-in-plan"),
    "a NodePool made by CustomResource": (pool_by_custom_resource, Tree(), "resources-in-plan"),
    "a NodePool without limits": (pool_without_limits_in_the_general_pool, Tree(), "resources-as-counted"),
    "an alias of a planned resource": (alias_of_a_planned_resource, Tree(), "resources-in-plan"),
    "a second provider for another region": (second_provider, Tree(), "provider-inputs"),
    "a renamed tag": (renamed_tag, Tree(tags={"environment": "dev", "owner": "ml-platform"}), "required-tags"),
    "a second platform with a budget of its own": (second_platform, Tree(), "one-plan"),
    "a total below the sum of the lines": (nothing, Tree(bill(maximumUsd="1.00")), "budget-undetermined"),
    "a bill without lines": (nothing, Tree(bill(items=[])), "budget-undetermined"),
    "a line below zero": (nothing, Tree(first_line(minimumUsd="-900.00")), "budget-undetermined"),
    "a line without a price": (nothing, Tree(first_line(maximumUsd=None)), "budget-undetermined"),
    "a line that nobody knows before deployment": (
        nothing,
        Tree(first_line(maximumUsd=pulumi.UNKNOWN)),
        "budget-undetermined",
    ),
    "other prices than the policies have": (nothing, Tree(bill(priceBook="2026-01-01+0")), "budget-undetermined"),
    "a plan for another region": (renamed_tag, Tree(lambda a: replace(a, region="eu-west-9")), "provider-inputs"),
    "a budget raised in the registered settings": (
        nothing,
        Tree(lambda a: replace(a, budget={"monthlyUsd": "90000"})),
        "budget-ceiling",
    ),
    "a stack that calls itself another environment": (
        nothing,
        Tree(lambda a: replace(a, environment="prod", budget={"monthlyUsd": "90000"})),
        "budget-ceiling",
    ),
    "a plan that is over the budget": (
        nothing,
        Tree(lambda a: replace(a, budget={"monthlyUsd": "3000"})),
        "budget-ceiling",
    ),
}


COUNTED_OR_FREE = {
    "more nodes than planned, in a component of the plan": {"system-template"},
    "spot, said by the group beside a launch template": {"system-template"},
    "two resources that share one line of the plan": {"internet", "nat-a"},
}
"""What may be made before the refusal: it is free, or the plan has counted it. In every other case nothing is."""


def grown(tree: Tree, program: Callable[[Tree], None]) -> Callable[[], None]:
    def whole() -> None:
        tree.grow()
        program(tree)

    return whole


@pytest.mark.parametrize("way", PROGRAMS)
def test_a_program_that_goes_round_the_platforms_gate_is_refused_by_the_pack(engine: Engine, way: str) -> None:
    program, tree, rule = PROGRAMS[way]
    run = engine.run_whole("up", grown(tree, program))
    assert not run.ok and rule in {name for name, _ in run.refused}, run.output
    assert set(engine.made) <= COUNTED_OR_FREE.get(way, set()), run.output


@pytest.mark.parametrize("command", ["preview", "up"])
def test_a_size_that_nobody_knows_before_deployment_is_refused_before_it(engine: Engine, command: str) -> None:
    run = engine.run_whole(command, grown(Tree(), unknown_size))
    assert ("resources-as-counted", "system") in run.refused, run.output
    assert "system" not in engine.made


def test_the_stand_in_platform_itself_is_let_pass(engine: Engine) -> None:
    def planned(tree: Tree) -> None:
        aws.ec2.NatGateway("nat-a", subnet_id="subnet-a", opts=tree.part("Network", "network"))
        node_group("system", tree.part("SystemNodes", "system-nodes"))

    run = engine.run_whole("up", grown(Tree(), planned))
    assert run.ok, run.output
    assert sorted(engine.made) == ["nat-a", "system", "system-template"]


TARGETS = [
    "urn:pulumi:dev::modelyard::pulumi:providers:aws::own",
    "urn:pulumi:dev::modelyard::aws:sqs/queue:Queue::raw",
]


def test_a_target_does_not_leave_the_plan_out(engine: Engine) -> None:
    run = engine.run_whole("up", lambda: raw_queue_of_its_own_provider(Tree()), target=TARGETS)
    assert not run.ok and run.refused == {("resources-in-plan", "raw")}, run.output
    assert engine.made == []


@pytest.mark.parametrize(
    "option",
    [
        {"PULUMI_OPTION_TARGET": ",".join(TARGETS)},
        {"PULUMI_OPTION_SKIP_PREVIEW": "true"},
    ],
    ids=lambda option: next(iter(option)),
)
def test_an_option_given_by_the_environment_changes_nothing(engine: Engine, option: dict[str, str]) -> None:
    engine.env = option
    run = engine.run_whole("up", lambda: raw_queue_of_its_own_provider(Tree()))
    assert not run.ok and run.refused == {("resources-in-plan", "raw")}, run.output
    assert engine.made == []


def test_a_failing_step_does_not_keep_the_gate_from_being_asked(engine: Engine) -> None:
    def failing(tree: Tree) -> None:
        raw_queue(tree)
        raise pulumi.RunError("a step of the program fails")

    run = engine.run_whole("up", grown(Tree(), failing))
    assert not run.ok and engine.made == []


def test_a_rule_that_raises_refuses(engine: Engine, tmp_path: Path) -> None:
    copy = copied_packs(tmp_path)
    rule = copy / "policies" / "budget" / "whole_stack.py"
    rule.write_text(rule.read_text().replace("    try:\n        maximum(node)", "    raise ZeroDivisionError\n", 1))
    rule.write_text(rule.read_text().replace("    except Unreadable as wrong:", "    if wrong := node:", 1))
    engine.packs = [copy / "policies" / "run"]
    run = engine.run_whole("up", grown(Tree(), raw_queue))
    assert not run.ok and ("budget-undetermined", "platform") in run.refused, run.output
    assert "could not run: ZeroDivisionError" in run.output and engine.made == []


EXPIRED = """
budgetExemptions:
  - { environment: dev, monthlyUsd: 9000, owner: ml-platform, reason: a trial, expires: 2026-01-31 }
"""


def test_an_exemption_that_has_ended_lifts_no_ceiling_for_program_or_pack(engine: Engine, tmp_path: Path) -> None:
    copy = copied_packs(tmp_path)
    guard = copy / "guard.yaml"
    guard.write_text(re.sub(r"dev: \d+", "dev: 3000", guard.read_text()) + EXPIRED)
    engine.packs = [copy / "policies" / "run"]
    budget = Tree(lambda args: replace(args, budget={"monthlyUsd": "9000"}))
    run = engine.run_whole("up", grown(budget, nothing))
    assert not run.ok and run.refused == {("budget-ceiling", "platform")} and engine.made == [], run.output
    run = engine.run_whole("up", changed(tmp_path, r"budget: .*", "budget: { monthlyUsd: 9000 }", guard))
    assert not run.ok and run.told == [] and engine.made == []
    guard.write_text(guard.read_text().replace("2026-01-31", "2999-01-31"))
    assert engine.run_whole("preview", grown(budget, nothing)).ok
