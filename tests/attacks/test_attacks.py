"""Every declared attack is stopped by what it names, and its harmless neighbours pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.attack import Attack, Harmless
from tests.attacks.registry import attacks, harmless

ATTACKS = attacks()
HARMLESS = harmless()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: f"{each.kind.name.lower()}: {each.name}")
def test_an_attack_is_stopped_by_what_it_names(attack: Attack, tmp_path: Path) -> None:
    stopped = attack.tried(tmp_path)
    assert any(attack.stopped_by in each for each in stopped), f"stopped by {sorted(stopped) or 'nothing'}"


@pytest.mark.parametrize("neighbour", HARMLESS, ids=lambda each: f"{each.kind.name.lower()}: {each.name}")
def test_a_harmless_neighbour_passes(neighbour: Harmless, tmp_path: Path) -> None:
    assert not neighbour.tried(tmp_path)


def test_no_two_attacks_have_one_name() -> None:
    names = [(each.kind, each.name) for each in ATTACKS]
    assert len(names) == len(set(names))
