"""The tables of actions against AWS's own, as parliament ships them: none is misspelt, and no way to hand out access lacks."""

from __future__ import annotations

import functools

import parliament  # type: ignore[import-untyped]
import pytest

from policies.security.access.actions import FREE, READS, SERVICES
from policies.security.access.reach import matches


@functools.cache
def actions(prefix: str) -> dict[str, str]:
    """Every action of a service in lower case, with its access level."""
    return {
        each["privilege"].lower(): each["access_level"]
        for service in parliament.iam_definition
        if service["prefix"] == prefix
        for each in service["privileges"]
    }


@pytest.mark.parametrize("prefix", SERVICES)
def test_every_action_of_the_tables_is_one_of_the_service(prefix: str) -> None:
    service = SERVICES[prefix]
    named = service.never | (service.only or frozenset()) | service.conditioned.keys()
    assert named - actions(prefix).keys() == set()


@pytest.mark.parametrize("prefix", SERVICES)
def test_every_action_that_manages_permissions_is_never_allowed_or_needs_a_condition(prefix: str) -> None:
    service = SERVICES[prefix]
    managing = {name for name, level in actions(prefix).items() if level == "Permissions management"}
    if service.only is not None:
        assert managing & service.only <= service.conditioned.keys()
    else:
        assert managing <= service.never


def test_what_is_free_of_a_resource_is_an_action() -> None:
    assert all(each.split(":")[1] in actions(each.split(":")[0]) for each in FREE)


@pytest.mark.parametrize("prefix", SERVICES)
def test_a_wildcard_behind_a_read_takes_in_nothing_that_manages_permissions_unless_it_is_never_allowed(
    prefix: str,
) -> None:
    service = SERVICES[prefix]
    taken = {name for name in actions(prefix) if any(matches(f"{verb}*", name) for verb in READS)}
    managing = {name for name in taken if actions(prefix)[name] in ("Permissions management", "Tagging")}
    assert managing <= service.never
