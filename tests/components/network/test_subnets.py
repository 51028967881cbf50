"""The subnet plan's laws: nothing overlaps, all lies inside the VPC, and a new zone moves nothing."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network.subnets import Tier, plan_subnets

blocks = st.builds(
    lambda prefix, offset: str(ipaddress.ip_network((0x0A000000 + (offset << (32 - prefix)), prefix))),
    st.integers(16, 20),
    st.integers(0, 255),
)
zones = st.lists(st.sampled_from("abcdef"), min_size=2, max_size=3, unique=True)


@given(blocks, zones)
def test_no_two_subnets_overlap_and_all_lie_inside_the_vpc(cidr: str, letters: list[str]) -> None:
    nets = [ipaddress.ip_network(subnet.cidr) for subnet in plan_subnets(cidr, letters)]
    assert all(net.subnet_of(ipaddress.ip_network(cidr)) for net in nets)  # type: ignore[arg-type]
    assert not any(one.overlaps(two) for place, one in enumerate(nets) for two in nets[place + 1 :])


@given(blocks, st.permutations("abc"))
def test_a_third_zone_moves_no_subnet_of_the_first_two(cidr: str, letters: list[str]) -> None:
    assert set(plan_subnets(cidr, letters[:2])) < set(plan_subnets(cidr, letters))


@given(blocks, zones)
def test_every_zone_has_one_subnet_of_each_tier(cidr: str, letters: list[str]) -> None:
    planned = {(subnet.tier, subnet.zone) for subnet in plan_subnets(cidr, letters)}
    assert planned == {(tier, zone) for tier in Tier for zone in letters}


def test_private_subnets_hold_three_quarters_of_a_vpc_with_three_zones() -> None:
    private = [s for s in plan_subnets("10.0.0.0/16", "abc") if s.tier is Tier.PRIVATE]
    assert sum(ipaddress.ip_network(s.cidr).num_addresses for s in private) == 3 * 2**14


@pytest.mark.parametrize("prefix", [15, 21])
def test_a_block_of_another_size_is_refused(prefix: int) -> None:
    with pytest.raises(ValueError, match="not between /16 and /20"):
        plan_subnets(str(ipaddress.ip_network(f"10.0.0.0/{prefix}")), "ab")
