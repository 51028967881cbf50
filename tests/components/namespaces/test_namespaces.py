"""Teams add namespaces; none takes the platform's away, and none closes one that the cluster lives in."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from components.namespaces.component import WORKLOAD_NAMESPACES, NamespacesSpec
from infra.stack.explain import problems_of


def test_a_teams_namespace_stands_beside_the_platforms_own() -> None:
    assert NamespacesSpec().all == WORKLOAD_NAMESPACES
    assert NamespacesSpec(names=["search", "k" * 63]).all == (*WORKLOAD_NAMESPACES, "search", "k" * 63)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("kube-system", "platform's or the cluster's own"),
        ("default", "platform's or the cluster's own"),
        ("monitoring", "platform's or the cluster's own"),
        ("modelyard-serving", "platform's or the cluster's own"),
        ("search", "named twice"),
        ("k" * 64, "63 at the most"),
        ("Team", "lower-case"),
        ("-team", "lower-case"),
        ("", "lower-case"),
        ("team\n", "lower-case"),
    ],
)
def test_a_name_that_is_no_teams_is_refused_where_it_stands(name: str, why: str) -> None:
    with pytest.raises(ValidationError) as found:
        NamespacesSpec(names=["search", name])
    (problem,) = problems_of(found.value, NamespacesSpec)
    assert problem.where == "names[1]"
    assert problem.found.strip('"') == name
    assert why in f"{problem.summary} {problem.allowed}"
