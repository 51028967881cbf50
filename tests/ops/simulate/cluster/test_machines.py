"""The instance types that Karpenter is given: our facts, our prices, in the shape that its KWOK provider reads."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from core.problem import Refused
from ops.simulate.cluster.machines import Machine, instance_types_file, machines, memory_mib
from ops.simulate.cluster.node_labels import labels, unknown_labels
from ops.simulate.cluster.pools import Purchase
from pricing.book.book import PriceBook
from pricing.capacity.announced import NodeAsk, announced
from pricing.capacity.gpus import shape
from pricing.capacity.pool import Buying

BOOK = PriceBook.embedded("us-east-1")


@pytest.fixture
def found(asked: tuple[Purchase, ...]) -> dict[str, Machine]:
    return {machine.name: machine for machine in machines(asked, BOOK)}


def prices(machine: Machine) -> dict[str, set[Decimal]]:
    return {buying: {offer.usd for offer in machine.offers if offer.buying == buying} for buying in Buying}


def test_every_type_that_a_nodepool_names_is_offered(asked: tuple[Purchase, ...], found: dict[str, Machine]) -> None:
    assert set(found) == {name for purchase in asked for name in purchase.types}
    for purchase in asked:
        for name in purchase.types:
            offered = {(offer.buying, offer.zone) for offer in found[name].offers}
            assert {(purchase.buying, zone) for zone in purchase.zones} <= offered


def test_an_offer_costs_what_the_price_book_says(found: dict[str, Machine]) -> None:
    assert prices(found["g6e.xlarge"]) == {
        "spot": {Decimal("1.6119")},
        "on-demand": {Decimal("1.861")},
        "reserved": set(),
    }
    assert prices(found["p5.48xlarge"]) == {"spot": set(), "on-demand": set(), "reserved": {Decimal("55.04")}}
    assert prices(found["m7g.xlarge"]) == {"spot": set(), "on-demand": {Decimal("0.1632")}, "reserved": set()}


def test_a_capacity_block_costs_its_own_fee(asked: tuple[Purchase, ...]) -> None:
    block = [replace(purchase, capacity_block=True) for purchase in asked if purchase.name == "tune-reserved"]
    assert {offer.usd for offer in machines(block, BOOK)[0].offers} == {Decimal("41.528")}


def test_without_spot_only_spot_offers_are_gone_and_types_that_had_no_other(asked: tuple[Purchase, ...]) -> None:
    left = {machine.name: machine for machine in machines(asked, BOOK, spot=False)}
    assert set(left) == {"g6e.xlarge", "g6e.2xlarge", "p5.48xlarge", "m7g.xlarge", "m7g.2xlarge", "m7g.4xlarge"}
    assert all(offer.buying is not Buying.SPOT for machine in left.values() for offer in machine.offers)


def test_a_type_whose_price_is_not_known_is_refused_and_never_free(asked: tuple[Purchase, ...]) -> None:
    unpriced = [replace(asked[0], types=("p5.48xlarge", "g6f.large", "nothing.xlarge"))]
    with pytest.raises(Refused) as refused:
        machines(unpriced, PriceBook.embedded("eu-west-1"))
    assert [problem.found for problem in refused.value.problems] == ["g6f.large", "nothing.xlarge", "p5.48xlarge"]


def test_resources_are_the_types_own_less_what_a_node_keeps(found: dict[str, Machine]) -> None:
    machine = found["g6e.xlarge"]
    assert machine.resources["cpu"] == "4" and machine.resources["nvidia.com/gpu"] == "1"
    assert machine.resources["pods"] == "58"
    # 32 GiB = 32768 MiB, less 7.5 % (2457.6, rounded up), 11 x 58 + 255 reserved, 100 kept free, and 10 for KWOK.
    assert machine.resources["memory"] == f"{32768 - 2458 - 893 - 100 + 10}Mi"
    assert machine.resources["ephemeral-storage"] == str(250 * 1000**3)
    assert "nvidia.com/gpu" not in found["m7g.xlarge"].resources
    assert found["m7g.xlarge"].resources["ephemeral-storage"] == str(80 * 1024**3)


def test_a_type_of_two_pools_has_the_smaller_disk(asked: tuple[Purchase, ...]) -> None:
    general = next(purchase for purchase in asked if purchase.name == "general")
    both = machines([replace(general, disk_gib=200), replace(general, disk_gib=90)], BOOK)
    assert both[0].resources["ephemeral-storage"] == str(90 * 1024**3)


def test_arm_machines_keep_64_mib_more() -> None:
    known = shape("m7g.xlarge")
    assert known is not None
    assert memory_mib(known, 58) == (16384 - 64) - 1224 - 893 - 100


def test_nodes_carry_the_labels_of_karpenters_aws_provider(found: dict[str, Machine]) -> None:
    labels = {key.partition("/")[2]: value for key, value in found["g6e.2xlarge"].labels.items()}
    assert labels == {
        "instance-family": "g6e",
        "instance-size": "2xlarge",
        "instance-category": "g",
        "instance-generation": "6",
        "instance-cpu": "8",
        "instance-memory": "65536",
        "instance-gpu-name": "l40s",
        "instance-gpu-manufacturer": "nvidia",
        "instance-gpu-count": "1",
        "instance-gpu-memory": "45776",
        "instance-local-nvme": "450",
        "instance-capability-flex": "false",
        "instance-cpu-manufacturer": "amd",
        "instance-network-bandwidth": "5000",
        "instance-ebs-bandwidth": "5000",
        "region": "us-east-1",
    }
    assert found["p5.48xlarge"].labels["karpenter.k8s.aws/instance-category"] == "p"
    assert not any("gpu" in key for key in found["m7g.xlarge"].labels)


def test_efa_counts_only_where_a_pool_has_the_plugin_for_it(
    asked: tuple[Purchase, ...], found: dict[str, Machine]
) -> None:
    assert found["p5.48xlarge"].resources["vpc.amazonaws.com/efa"] == "32"
    plain = announced(NodeAsk(instance_type="p5.48xlarge"))
    tune = next(purchase for purchase in asked if purchase.pool == "tune")
    (without,) = machines([replace(tune, announced={"p5.48xlarge": plain})], BOOK)
    assert without.resources["nvidia.com/gpu"] == "8" and "vpc.amazonaws.com/efa" not in without.resources


def test_every_label_of_the_aws_provider_is_known_for_a_type_or_known_to_be_unknown() -> None:
    known = {key.partition("/")[2] for key in labels("g6e.2xlarge")}
    unknown = {key.partition("/")[2] for key in unknown_labels("g6e.2xlarge")}
    assert not known & unknown and len(known | unknown) == 25
    assert "karpenter.k8s.aws/instance-network-bandwidth" in unknown_labels("m7g.large")
    assert labels("m7g.large")["karpenter.k8s.aws/instance-cpu-manufacturer"] == "aws"
    assert "karpenter.k8s.aws/instance-gpu-name" in unknown_labels("p3.2xlarge")


def test_the_file_has_one_requirement_a_label_and_a_number_for_a_price(found: dict[str, Machine]) -> None:
    entries = {load["name"]: load for load in json.loads(instance_types_file(tuple(found.values())))}
    entry = entries["g6e.xlarge"]
    assert entry["architecture"] == "amd64" and entry["operatingSystems"] == ["linux"]
    assert entries["m7g.xlarge"]["architecture"] == "arm64"
    assert len(entry["offerings"]) == 6
    cheapest = entry["offerings"][0]
    assert cheapest["Price"] == 1.6119
    required = {requirement["key"]: requirement["values"] for requirement in cheapest["Requirements"]}
    assert required["karpenter.sh/capacity-type"] == ["spot"]
    assert required["topology.kubernetes.io/zone"] == ["us-east-1a"]
    assert required["karpenter.k8s.aws/instance-gpu-name"] == ["l40s"]
