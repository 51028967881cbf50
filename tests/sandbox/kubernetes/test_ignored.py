"""What a program ignores stays the cluster's, whoever changed it, and nothing else does."""

from __future__ import annotations

from typing import Any

from sandbox.kubernetes.real.ignored import left

SELECTOR = {"app": "chat"}
MOVED = {"app": "chat", "rollouts-pod-template-hash": "abc"}


def service(selector: dict[str, str], port: int = 80) -> dict[str, Any]:
    return {"kind": "Service", "spec": {"selector": selector, "ports": [{"port": port}]}}


def test_an_ignored_field_is_the_clusters_and_the_next_one_is_the_programs() -> None:
    found = left(service(SELECTOR, 81), service(MOVED), ["spec.selector"])
    assert found == service(MOVED, 81)
    assert left(service(SELECTOR, 81), service(MOVED), []) == service(SELECTOR, 81)


def test_a_list_is_ignored_as_a_whole_and_a_path_through_one_ignores_nothing() -> None:
    declared = {"spec": {"rules": [{"backendRefs": [{"weight": 100}, {"weight": 0}]}]}}
    live = {"spec": {"rules": [{"backendRefs": [{"weight": 90}, {"weight": 10}]}]}}
    assert left(declared, live, ["spec.rules"]) == live
    assert left(declared, live, ["spec.rules[0].backendRefs"]) == declared


def test_what_only_one_of_both_has_is_as_declared() -> None:
    declared = {"stringData": {"password": "new"}}
    assert left(declared, {"data": {"password": "b2xk"}}, ["stringData", "data"]) == declared
    assert left(declared, None, ["stringData"]) == declared


def test_nothing_that_was_given_is_changed() -> None:
    declared, live = service(SELECTOR), service(MOVED)
    left(declared, live, ["spec.selector"])["spec"]["selector"]["app"] = "other"
    assert (declared, live) == (service(SELECTOR), service(MOVED))
