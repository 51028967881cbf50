"""What a node announces is one table with its sources; a node of which it says nothing is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.problem import Refused
from pricing.book import facts
from pricing.capacity.announced import (
    GPU_RESOURCE,
    AmiFamily,
    NodeAsk,
    Sharing,
    announced,
    efa_resource,
    knows,
    mig_profiles,
    mig_setting,
    plugin,
    unknown,
)
from pricing.capacity.gpus import gpu_types

TABLE: dict[str, Any] = facts.load("announced")
WHOLE = [known for known in gpu_types().values() if known.whole_gpu]
CUT = NodeAsk(
    instance_type="p4d.24xlarge", family=AmiFamily.BOTTLEROCKET, sharing=Sharing.MIG, profile="1g.5gb", efa=True
)


def test_a_slice_of_mig_announces_its_own_memory_and_every_slice_of_every_gpu() -> None:
    found = announced(CUT)
    assert (found.gpus, found.per_gpu, found.memory_mib, found.isolated) == (8, 7, 4864, True)
    assert dict(found.resources) == {GPU_RESOURCE: 56, "vpc.amazonaws.com/efa": 4}


def test_karpenter_takes_a_node_for_whole_gpus_and_for_every_efa_interface_that_its_type_has() -> None:
    assert dict(announced(CUT).expected) == {GPU_RESOURCE: 8, efa_resource(): 4}
    plain = announced(NodeAsk(instance_type="p4d.24xlarge"))
    assert dict(plain.resources) == {GPU_RESOURCE: 8} and plain.expected[efa_resource()] == 4
    assert dict(announced(NodeAsk(instance_type="g6.xlarge")).expected) == {GPU_RESOURCE: 1}


@pytest.mark.parametrize("family", AmiFamily)
def test_time_slices_keep_the_name_and_share_the_memory_of_the_whole_gpu(family: AmiFamily) -> None:
    sliced = NodeAsk(instance_type="g6.12xlarge", family=family, sharing=Sharing.TIME_SLICING, replicas=4)
    found = announced(sliced)
    assert (found.per_gpu, found.memory_mib, found.isolated) == (4, 22888, False)
    assert dict(found.resources) == {GPU_RESOURCE: 16}


def test_every_way_of_sharing_and_every_family_is_in_the_table_or_refused_with_what_is_allowed() -> None:
    for family in AmiFamily:
        plugin(family)
        for mode in Sharing:
            ask = NodeAsk(
                instance_type="p5.48xlarge", family=family, sharing=mode, replicas=2, profile="1g.10gb", efa=True
            )
            problem = unknown(ask)
            assert (problem is None) == knows(family, mode)
            if problem is None:
                assert announced(ask).sources
            else:
                assert problem.where == "sharing.mode" and "Bottlerocket" in problem.fix
                with pytest.raises(Refused):
                    announced(ask)


def test_every_type_of_every_sharing_is_announced_with_sources_or_refused_by_name() -> None:
    walked = 0
    for known in WHOLE:
        for family, mode in ((family, mode) for family in AmiFamily for mode in Sharing if knows(family, mode)):
            for profile in known.mig_profiles if mode is Sharing.MIG else [""]:
                ask = NodeAsk(
                    instance_type=known.name,
                    family=family,
                    sharing=mode,
                    replicas=3 if mode is Sharing.TIME_SLICING else None,
                    profile=profile,
                    efa=known.efa_interfaces > 0,
                )
                walked += 1
                if (problem := unknown(ask)) is not None:
                    assert mode is Sharing.MIG and profile not in mig_profiles(known.name)
                    assert known.name in problem.summary and problem.fix
                    continue
                found = announced(ask)
                assert found.resources[GPU_RESOURCE] == known.gpus * found.per_gpu
                assert 0 < found.memory_mib <= known.gpu_memory_mib
                assert found.per_gpu * found.memory_mib <= known.gpu_memory_mib or not found.isolated
                assert found.sources
    assert walked > 300


def test_mig_facts_agree_with_what_the_gpu_can_do_and_with_the_memory_in_a_profiles_name() -> None:
    for known in WHOLE:
        for profile in mig_profiles(known.name):
            cut = announced(
                NodeAsk(instance_type=known.name, family=AmiFamily.BOTTLEROCKET, sharing=Sharing.MIG, profile=profile)
            )
            assert cut.per_gpu == known.mig_profiles[profile]
            named = re.fullmatch(r"\d+g\.(\d+)gb", profile)
            assert named, "Bottlerocket's setting takes no other form of name"
            assert 0.9 < cut.memory_mib / (int(named[1]) * 1000**3 / 1024**2) < 1.08


@pytest.mark.parametrize("profile", ["4g.20gb", "1g.5gb+me", "", "1g.10gb "])
def test_a_profile_that_bottlerocket_would_take_for_the_whole_gpu_is_refused(profile: str) -> None:
    problem = unknown(
        NodeAsk(instance_type="p4d.24xlarge", family=AmiFamily.BOTTLEROCKET, sharing=Sharing.MIG, profile=profile)
    )
    assert problem is not None and problem.where == "sharing.profile"
    assert "1g.5gb" in problem.allowed and profile not in problem.allowed.split(", ")


def test_a_type_without_a_whole_gpu_or_without_efa_is_refused() -> None:
    for name in ("g6f.large", "m7g.large", "nothing.xlarge"):
        problem = unknown(NodeAsk(instance_type=name))
        assert problem is not None and problem.found == name
    problem = unknown(NodeAsk(instance_type="g6.xlarge", efa=True))
    assert problem is not None and problem.where == "efa"
    assert mig_setting("m7g.large") is None and mig_profiles("g6.xlarge") == ()


def test_every_line_of_the_table_names_a_source_that_is_there_and_every_source_is_used() -> None:
    rows = [*TABLE["families"].values(), *TABLE["sharing"]]
    named = {row["source"] for row in rows} | set(TABLE["mig_source"].values())
    named |= {TABLE["efa"]["source"], TABLE["efa"]["expected_source"]}
    named |= {TABLE["labels"]["source"], TABLE["labels"]["page"]}
    assert named == set(TABLE["sources"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", TABLE["read"])
