"""A program with several AWS providers: each has its own region and tags. And what is secret or a set stays one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from pulumi import automation as auto
from pulumi.runtime.proto import provider_pb2 as wire
from pulumi.runtime.proto import provider_pb2_grpc as stubs

from engine.marks import SECRET, SIGNATURE
from sandbox.programs.toolchain import ensure
from sandbox.provider import serve
from sandbox.values import from_wire, to_wire
from tests.roots import ROOT

QUEUE = "aws:sqs/queue:Queue"
NODES = "aws:eks/nodeGroup:NodeGroup"
CLUSTER = "aws:eks/cluster:Cluster"
URN = f"urn:pulumi:dev::proj::{QUEUE}::jobs"
ALONE = [("grpc.use_local_subchannel_pool", 1)]


@pytest.fixture
def port(account: Any) -> Iterator[int]:
    server, port = serve(account.cloud)
    yield port
    server.stop(0)


def configured(port: int, **settings: Any) -> Any:
    """What one provider of an engine has: a connection of its own, configured."""
    provider = stubs.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}", options=ALONE))
    provider.Configure(wire.ConfigureRequest(args=to_wire(settings)))
    return provider


def test_each_connection_keeps_its_own_region_and_tags(port: int) -> None:
    tagged = configured(port, region="us-east-1", defaultTags={"tags": {"team": "ml"}})
    other = configured(port, region="eu-west-1")
    asked = wire.CheckRequest(urn=URN, news=to_wire({"name": "jobs"}))
    assert from_wire(tagged.Check(asked).inputs) == {"name": "jobs", "tags": {"team": "ml"}}
    assert from_wire(other.Check(asked).inputs) == {"name": "jobs"}
    made = [each.Create(wire.CreateRequest(urn=URN, properties=to_wire({"name": "jobs"}))) for each in (tagged, other)]
    assert [from_wire(each.properties)["region"] for each in made] == ["us-east-1", "eu-west-1"]


def test_secret_numbers_and_booleans_are_sealed_in_the_world_and_come_back_to_who_knows_them(
    account: Any, port: int
) -> None:
    provider = configured(port, region="us-east-1")
    asked = {"name": "jobs", "visibilityTimeoutSeconds": 4813, "fifoQueue": True, "tags": {"deep": "x"}}
    properties = to_wire(asked, {"visibilityTimeoutSeconds", "fifoQueue"})
    made = provider.Create(wire.CreateRequest(urn=URN, properties=properties))
    assert made.properties.fields["visibilityTimeoutSeconds"] == properties.fields["visibilityTimeoutSeconds"]
    (item,) = (each for each in account.world.everything() if each.urn == URN)
    assert {key for key, value in item.inputs.items() if isinstance(value, dict)} == {
        "visibilityTimeoutSeconds",
        "fifoQueue",
        "tags",
    }
    assert not [file for file in account.world.folder.rglob("*.json") if "4813" in file.read_text()]

    knows = provider.Read(wire.ReadRequest(id=made.id, urn=URN, inputs=properties, properties=made.properties))
    assert knows.inputs == properties
    stranger = provider.Read(
        wire.ReadRequest(id=made.id, urn=URN, inputs=to_wire({**asked, "visibilityTimeoutSeconds": 1}))
    )
    found = stranger.inputs.fields["visibilityTimeoutSeconds"].struct_value.fields
    assert found[SIGNATURE].string_value == SECRET
    assert found["value"].string_value.startswith("[secret] another value")


@pytest.mark.parametrize(
    ("token", "path", "olds"),
    [
        (NODES, "subnetIds", ["subnet-1", "subnet-2"]),
        (CLUSTER, "vpcConfig.securityGroupIds", ["sg-1", "sg-2"]),
        (CLUSTER, "vpcConfig.publicAccessCidrs", ["10.0.0.0/8", "192.0.2.0/24"]),
        (CLUSTER, "enabledClusterLogTypes", ["api", "audit"]),
    ],
)
def test_the_order_of_what_aws_keeps_as_a_set_is_no_difference(
    account: Any, token: str, path: str, olds: list[str]
) -> None:
    def at(values: list[str]) -> dict[str, Any]:
        *outer, last = path.split(".")
        return {outer[0]: {last: values}} if outer else {last: values}

    assert account.cloud.diff(token, at(olds), at(olds[::-1])).changed == ()
    assert account.cloud.diff(token, at(olds), at(olds[:1])).changed == (path,)


def test_the_order_of_instance_types_means_something(account: Any) -> None:
    changed = account.cloud.diff(NODES, {"instanceTypes": ["a", "b"]}, {"instanceTypes": ["b", "a"]}).changed
    assert changed == ("instanceTypes[0]", "instanceTypes[1]")


@pytest.mark.engine
def test_a_program_with_three_aws_providers_has_nothing_to_change_afterwards(account: Any, tmp_path: Path) -> None:
    import pulumi
    import pulumi_aws as aws

    def program() -> None:
        ours = aws.Provider("ours", region="us-east-1", default_tags={"tags": {"team": "ml"}})
        theirs = aws.Provider("theirs", region="eu-west-1", default_tags={"tags": {"team": "web"}})
        for name, provider in (("ours", ours), ("theirs", theirs), ("default", None)):
            aws.sqs.Queue(name, name=name, opts=pulumi.ResourceOptions(provider=provider))

    toolchain = ensure(ROOT, say=lambda _: None)
    server, port = serve(account.cloud)
    env = {
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DEBUG_PROVIDERS": f"aws:{port}",
    }
    command = auto.PulumiCommand(str(toolchain.pulumi.parent.parent))
    options = auto.LocalWorkspaceOptions(env_vars=env, work_dir=str(tmp_path), pulumi_command=command)
    stack = auto.create_stack("dev", "proj", program, opts=options)
    stack.set_config("aws:region", auto.ConfigValue("us-west-2"))
    try:
        stack.up()
        assert stack.preview().change_summary == {"same": 6}
        assert stack.refresh().summary.resource_changes == {"same": 6}
        made = {item.name: item for item in account.world.all("aws", QUEUE)}
        placed = {name: (item.state["region"], item.state["tagsAll"]) for name, item in made.items()}
        assert placed == {
            "ours": ("us-east-1", {"team": "ml"}),
            "theirs": ("eu-west-1", {"team": "web"}),
            "default": ("us-west-2", {}),
        }
        assert made["default"].inputs == {"name": "default"}
        stack.destroy()
    finally:
        server.stop(0)
