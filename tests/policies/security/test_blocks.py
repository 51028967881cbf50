"""Sets of networks: what counts is how many public addresses they hold, however they are cut."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.security.blocks import BOUND, TooOpenError, admitted, block, open_to_everybody, public

LARGEST = {"12.0.0.0/8", "2000::/20", "10.0.0.0/8", "fc00::/7", "10.0.0.0/7"}
"""The last that pass: one block of the bound, and what is not of the internet; 10.0.0.0/7 has one public /8."""


@pytest.mark.parametrize("text", sorted(LARGEST))
def test_a_block_up_to_the_bound_passes(text: str) -> None:
    assert not open_to_everybody(text)


@pytest.mark.parametrize("text", ["12.0.0.0/7", "0.0.0.0/0", "0.0.0.0/1", "2000::/19", "::/0", "everybody", ""])
def test_a_block_beyond_the_bound_is_open(text: str) -> None:
    assert open_to_everybody(text)


@given(st.integers(9, 16), st.data())
def test_a_set_is_judged_by_its_sum_however_it_is_cut(length: int, data: st.DataObject) -> None:
    whole = ipaddress.ip_network(data.draw(st.sampled_from(["12.0.0.0/8", "64.0.0.0/8"])))
    pieces = [str(each) for each in whole.subnets(new_prefix=length)]
    cut = data.draw(st.permutations(pieces)) if len(pieces) < 20 else pieces
    assert public(admitted(cut), 4) == BOUND[4]
    with pytest.raises(TooOpenError):
        admitted([*cut, "8.8.8.8/32"])


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 32)), max_size=12))
def test_a_piece_counts_once_and_more_pieces_never_make_less(drawn: list[tuple[int, int]]) -> None:
    networks = [ipaddress.ip_network((address, length), strict=False) for address, length in drawn]
    total = public(networks, 4)
    assert public([*networks, *networks], 4) == total
    assert all(public(networks[:end], 4) <= total for end in range(len(networks)))
    assert 0 <= total <= 2**32


def test_what_is_excepted_does_not_count() -> None:
    assert public(admitted(["0.0.0.0/0"], (), ["0.0.0.0/1", "128.0.0.0/1"]), 4) == 0
    with pytest.raises(TooOpenError):
        admitted(["0.0.0.0/0"], (), ["0.0.0.0/1"])


def test_private_addresses_are_not_the_internets() -> None:
    assert public([block("10.0.0.0/8"), block("192.168.0.0/16"), block("fc00::/7")], 4) == 0
    assert public([block("10.0.0.0/9"), block("10.200.1.0/24"), block("10.0.0.1")], 4) == 0
