"""What `recover` makes of a state and a world, without an engine."""

from __future__ import annotations

from typing import Any

from ops.recover.repair import Made, repair

PROVIDER = "urn:pulumi:dev::m::pulumi:providers:aws::aws::1234"
STACK = "urn:pulumi:dev::m::pulumi:pulumi:Stack::m-dev"
NET = "urn:pulumi:dev::m::modelyard:index:Network::network"
VPC = "urn:pulumi:dev::m::modelyard:index:Network$aws:ec2/vpc:Vpc::network"
SUBNET = "urn:pulumi:dev::m::modelyard:index:Network$aws:ec2/subnet:Subnet::network-a"


def state(*pending: dict[str, Any]) -> dict[str, Any]:
    return {
        "resources": [
            {"urn": STACK, "type": "pulumi:pulumi:Stack"},
            {"urn": PROVIDER.rpartition("::")[0], "type": "pulumi:providers:aws", "id": "1234"},
            {"urn": NET, "type": "modelyard:index:Network", "parent": STACK},
            {"urn": VPC, "id": "vpc-1", "type": "aws:ec2/vpc:Vpc", "outputs": {"arn": "arn:vpc-1"}},
        ],
        "pending_operations": list(pending),
    }


def creating(urn: str) -> dict[str, Any]:
    resource = {"urn": urn, "type": "aws:ec2/subnet:Subnet", "inputs": {"cidrBlock": "10.0.0.0/24"}, "parent": NET}
    return {"type": "creating", "resource": resource}


def test_a_clean_state_is_left_as_it_is() -> None:
    repaired = repair(state(), [Made(urn=VPC, id="vpc-1")])
    assert not repaired.changed
    assert repaired.state["resources"] == state()["resources"]


def test_a_pending_create_that_happened_is_imported_with_the_engines_own_note() -> None:
    repaired = repair(state(creating(SUBNET)), [Made(urn=VPC, id="vpc-1"), Made(urn=SUBNET, id="subnet-9")])
    entry = repaired.state["resources"][-1]
    assert (entry["urn"], entry["id"], entry["parent"]) == (SUBNET, "subnet-9", NET)
    assert entry["outputs"] == {"cidrBlock": "10.0.0.0/24"}
    assert "pending_operations" not in repaired.state
    assert repaired.said == ("imported: aws:ec2/subnet:Subnet network-a had been created as subnet-9",)


def test_a_pending_create_that_never_happened_is_cleared() -> None:
    repaired = repair(state(creating(SUBNET)), [Made(urn=VPC, id="vpc-1")])
    assert len(repaired.state["resources"]) == 4
    assert repaired.said == ("cleared: aws:ec2/subnet:Subnet network-a was creating, and had not been created",)


def test_an_object_that_nothing_notes_is_imported_with_provider_parent_and_what_it_needs() -> None:
    repaired = repair(state(), [Made(urn=SUBNET, id="subnet-9", inputs={"vpcId": "vpc-1"})])
    entry = repaired.state["resources"][-1]
    assert (entry["provider"], entry["parent"], entry["dependencies"]) == (PROVIDER, NET, [VPC])


def test_an_object_without_a_provider_in_the_state_is_left_alone_and_said() -> None:
    urn = "urn:pulumi:dev::m::kubernetes:core/v1:Namespace::apps"
    repaired = repair(state(), [Made(urn=urn, id="apps")])
    assert len(repaired.state["resources"]) == 4
    assert repaired.said[0].startswith("left alone: kubernetes:core/v1:Namespace apps")


def test_a_replacement_that_happened_marks_the_old_one_for_deletion() -> None:
    repaired = repair(state(creating(VPC)), [Made(urn=VPC, id="vpc-1"), Made(urn=VPC, id="vpc-2")])
    assert [
        (resource["id"], resource.get("delete", False))
        for resource in repaired.state["resources"]
        if resource["urn"] == VPC
    ] == [
        ("vpc-1", True),
        ("vpc-2", False),
    ]


def test_updates_and_deletes_without_an_answer_are_left_to_the_refresh() -> None:
    deleting = {"type": "deleting", "resource": {"urn": VPC, "type": "aws:ec2/vpc:Vpc"}}
    repaired = repair(state(deleting), [])
    assert repaired.said == ("cleared: aws:ec2/vpc:Vpc network was deleting; the refresh reads what came of it",)


def test_mending_twice_changes_nothing_the_second_time() -> None:
    world = [Made(urn=VPC, id="vpc-1"), Made(urn=VPC, id="vpc-2"), Made(urn=SUBNET, id="subnet-9")]
    once = repair(state(creating(SUBNET), creating(VPC)), world)
    assert once.changed
    assert not repair(once.state, world).changed
