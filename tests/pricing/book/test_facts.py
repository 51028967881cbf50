"""Walks every committed fact: structure, source, date, and that nothing reads as a price that is none."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

from pricing.bill import inputs
from pricing.book import facts
from pricing.book.book import ON_DEMAND, PriceBook
from pricing.capacity.aws_facts import eks_support, quota_of
from pricing.capacity.gpus import gpu_type, gpu_types, is_fraction, most_pods, nearest, node_pods, shape

FILES = sorted(path.stem for path in facts.DATA.glob("*.json"))
PRICE_FILES = ("on_demand", "spot", "capacity_blocks")
CONFIDENCES = {"two_sources", "single", "derived"}
DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def batches(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = facts.load(name)["batches"]
    return found


def test_the_facts_stay_small_enough_to_review() -> None:
    assert sum(path.stat().st_size for path in facts.DATA.glob("*.json")) < 200_000


@pytest.mark.parametrize("name", FILES)
def test_every_fact_file_says_when_it_was_read_and_names_no_private_place(name: str) -> None:
    text = (facts.DATA / f"{name}.json").read_text(encoding="utf-8")
    date.fromisoformat(json.loads(text)["read"])
    assert not re.search(r"index id|https?://|/work|/root|/tmp", text)


@pytest.mark.parametrize("name", PRICE_FILES)
def test_every_instance_price_has_currency_unit_region_source_date_and_confidence(name: str) -> None:
    data = facts.load(name)
    assert (data["currency"], data["unit"]) == ("USD", "instance-hour")
    assert data["basis"]
    for batch in batches(name):
        assert batch["region"] and batch["source"] and batch["usd"]
        assert DATE.fullmatch(batch["as_of"])
        assert batch["confidence"] in CONFIDENCES
        assert isinstance(batch["stale"], str)
        for instance_type, usd in batch["usd"].items():
            assert re.fullmatch(r"[a-z0-9-]+\.[a-z0-9-]+", instance_type)
            assert 0 < Decimal(usd) < 1000


@pytest.mark.parametrize("name", PRICE_FILES)
def test_no_region_has_two_prices_of_one_type_that_may_be_quoted(name: str) -> None:
    fresh = [(batch["region"], set(batch["usd"])) for batch in batches(name) if not batch["stale"]]
    for (one, types), (other, more) in combinations(fresh, 2):
        assert one != other or not types & more


def test_no_number_of_any_fact_file_is_read_as_a_float() -> None:
    def floats(value: Any) -> bool:
        if isinstance(value, dict):
            return any(floats(item) for item in value.values())
        if isinstance(value, list):
            return any(floats(item) for item in value)
        return isinstance(value, float)

    assert not any(floats(facts.load(name)) for name in FILES)


def test_every_service_price_has_known_sources_and_tiers_that_follow_one_another() -> None:
    data = facts.load("services")
    assert data["region"] and data["currency"] == "USD"
    used = {source for row in data["prices"] for source in row["sources"]}
    assert used == set(data["sources"])
    for row in data["prices"]:
        assert re.fullmatch(r"[a-z0-9./-]+", row["key"])
        assert row["unit"] and row["unit"] != "percent"
        assert row["sources"] and row["confidence"] in CONFIDENCES
        assert row["as_of"] == "" or DATE.fullmatch(row["as_of"])
    for tiers in PriceBook.embedded(data["region"]).tiers.values():
        for tier, following in pairwise(tiers):
            assert tier.up_to == following.above
            assert tier.unit == following.unit


def test_every_price_on_file_is_either_quoted_to_the_digit_or_stale() -> None:
    for region in {batch["region"] for batch in batches("on_demand")}:
        book = PriceBook.embedded(region)
        for batch in batches("on_demand"):
            if batch["region"] != region:
                continue
            for instance_type, usd in batch["usd"].items():
                price = book.on_demand(instance_type)
                if batch["stale"]:
                    assert price is None
                    assert batch["stale"] in book.why_unknown(ON_DEMAND, instance_type)
                else:
                    assert price is not None
                    assert (price.usd, price.as_of, price.region) == (Decimal(usd), batch["as_of"], region)


def test_no_spot_price_is_above_the_on_demand_price_of_its_type() -> None:
    for region in sorted({batch["region"] for batch in batches("on_demand")}):
        book = PriceBook.embedded(region)
        for instance_type, spot in book.spot_prices.items():
            on_demand = book.on_demand(instance_type)
            assert on_demand is None or spot.usd <= on_demand.usd, instance_type


def test_every_spot_spread_goes_from_low_to_high() -> None:
    for region in sorted({batch["region"] for batch in batches("on_demand")}):
        for spread in PriceBook.embedded(region).spreads.values():
            assert 0 < spread.lowest <= spread.highest
            assert spread.zones >= 1


def test_gpu_counts_of_whole_gpu_types_divide_one_another_as_packing_needs() -> None:
    counts = sorted({known.gpus for known in gpu_types().values() if known.whole_gpu})
    assert all(larger % smaller == 0 for smaller, larger in pairwise(counts))


def test_every_gpu_type_is_complete_and_agrees_with_its_labels() -> None:
    for name, known in gpu_types().items():
        assert known.name == name
        assert known.gpu_memory_mib > 0 and known.vcpus > 0 and known.memory_gib > 0
        assert known.architecture in ("amd64", "arm64")
        assert known.source
        assert known.label_memory in (0, known.gpu_memory_mib)
        assert bool(known.mig_profiles) <= (known.mig is True)


def test_every_gpu_type_has_an_on_demand_price_or_a_reason_why_none_is_on_file() -> None:
    data = facts.load("on_demand")
    for region, absent in data["absent"].items():
        book = PriceBook.embedded(region)
        assert {name for name in gpu_types() if book.on_demand(name) is None} == set(absent)
        assert all(absent.values())
    assert "us-east-1" in data["absent"]


def test_the_newest_gpu_types_have_the_price_of_the_table_that_is_cited() -> None:
    book = PriceBook.embedded("us-east-1")
    listed = {"2xlarge": "2.52", "4xlarge": "3.04208", "8xlarge": "4.08624"} | {
        "12xlarge": "7.12832",
        "24xlarge": "14.25664",
        "48xlarge": "28.51328",
    }
    for size, usd in listed.items():
        price = book.on_demand(f"g7.{size}")
        assert price is not None and price.usd == Decimal(usd)


def test_a_fraction_of_a_gpu_is_no_whole_gpu_and_others_are() -> None:
    assert {name for name in gpu_types() if is_fraction(name)} == {
        name for name in gpu_types() if name.startswith(("g6f.", "gr6f."))
    }
    assert not is_fraction("g6e.xlarge")
    assert not is_fraction("m7g.large")


def test_an_h100_has_its_facts_and_an_unknown_type_has_none() -> None:
    h100 = gpu_type("p5.48xlarge")
    assert h100 is not None
    assert (h100.gpus, h100.gpu_memory_mib, h100.efa_interfaces, h100.label_name) == (8, 81920, 32, "h100")
    assert h100.mig_profiles["1g.10gb"] == 7
    assert gpu_type("p5.49xlarge") is None


def test_did_you_mean_never_proposes_a_fraction() -> None:
    assert nearest("g6e.xlarg")[0] == "g6e.xlarge"
    assert all(not is_fraction(name) for name in nearest("g6f.xlarge"))
    assert nearest("qqqq") == ()


@pytest.mark.parametrize(
    ("name", "vcpus", "memory", "architecture"),
    [
        ("m7g.large", 2, "8", "arm64"),
        ("m7g.xlarge", 4, "16", "arm64"),
        ("m7i.2xlarge", 8, "32", "amd64"),
        ("c7g.xlarge", 4, "8", "arm64"),
        ("r7g.medium", 1, "8", "arm64"),
        ("m5.24xlarge", 96, "384", "amd64"),
        ("t4g.medium", 2, "4", "arm64"),
        ("t3.2xlarge", 8, "32", "amd64"),
        ("g6e.xlarge", 4, "32", "amd64"),
    ],
)
def test_a_size_name_says_how_big_a_machine_is(name: str, vcpus: int, memory: str, architecture: str) -> None:
    found = shape(name)
    assert found is not None
    assert (found.vcpus, found.memory_gib, found.architecture) == (vcpus, Decimal(memory), architecture)
    assert found.source


@pytest.mark.parametrize("name", ["m7g.metal", "m7i.medium", "inf2.xlarge", "t4g.4xlarge", "m7g", "m7g.5large", ""])
def test_a_machine_that_no_rule_covers_stays_unknown(name: str) -> None:
    assert shape(name) is None


@pytest.mark.parametrize(
    ("instance_type", "spot", "code"),
    [
        ("g6e.xlarge", False, "L-DB2E81BA"),
        ("gr6.4xlarge", True, "L-3819A6DF"),
        ("p5.48xlarge", False, "L-417A185B"),
        ("p5en.48xlarge", True, "L-C4BD4855"),
        ("p4d.24xlarge", True, "L-7212CCBC"),
        ("m7g.large", False, "L-1216C47A"),
        ("i4i.large", True, "L-34B43A08"),
        ("p6-b200.48xlarge", True, None),
        ("inf2.xlarge", False, None),
        ("x2gd.large", False, None),
        ("", False, None),
    ],
)
def test_an_instance_counts_against_the_quota_of_its_family(instance_type: str, spot: bool, code: str | None) -> None:
    quota = quota_of(instance_type, spot=spot)
    assert (quota.code if quota else None) == code


def test_a_new_account_may_run_five_standard_vcpus_and_no_gpu() -> None:
    standard, gpu = quota_of("m7g.large", spot=False), quota_of("g6.xlarge", spot=False)
    assert standard is not None and gpu is not None
    assert (standard.default, gpu.default) == (5, 0)


def test_an_eks_version_knows_its_support_dates_where_they_are_known() -> None:
    old, new = eks_support("1.33"), eks_support("1.36")
    assert old is not None and new is not None
    assert (old.standard_ends, old.extended_ends) == (date(2026, 7, 29), date(2027, 7, 29))
    assert new.extended_ends is None
    assert eks_support("1.20") is None


def test_the_fact_folder_holds_nothing_but_facts() -> None:
    assert {path.suffix for path in Path(facts.DATA).rglob("*") if path.is_file()} == {".json"}
    assert {path.suffix for path in inputs.FOLDER.iterdir()} == {".yaml"}


def test_every_gpu_type_and_every_priced_general_type_has_its_most_pods() -> None:
    general = {name for name in PriceBook.embedded("us-east-1").on_demand_prices if shape(name)}
    assert (set(gpu_types()) | general) <= set(most_pods())
    assert all(4 <= pod <= 1514 for pod in most_pods().values())
    data = facts.load("pods")
    assert "v1.15.1" in data["source"] and data["rule"]


def test_the_nodes_of_a_pool_all_have_as_many_pods_as_its_smallest_type_bears() -> None:
    assert node_pods(["g6e.xlarge"]) == 58
    assert node_pods(["g6e.xlarge", "p5.48xlarge"]) == 58
    assert node_pods(["g4dn.xlarge", "g6e.xlarge"]) == 29
