"""Each delivery is counted by what became of it, nothing that is sent changes, and an MLflow that does not fit is refused."""

from __future__ import annotations

import uuid
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from components.registry.in_cluster import registry_webhooks


class Session:
    """Answers every POST with `answer`, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.posted: list[tuple[str, Any]] = []

    def post(self, url: str, **more: Any) -> Any:
        self.posted.append((url, more))
        if isinstance(self.answer, Exception):
            raise self.answer
        return SimpleNamespace(ok=self.answer < 400)


DELIVERY = """
def deliver_webhook(*, event, payload, store):
    try:
        _deliver_webhook_impl(event=event, payload=payload, store=store)
    except Exception:
        pass

def _deliver_webhook_impl(*, event, payload, store):
    for webhook, session in store():
        _send_webhook_with_error_handling(webhook, payload, event, session)

def _send_webhook_with_error_handling(webhook, payload, event, session):
    try:
        _send_webhook_request(webhook, payload, event, session)
    except Exception:
        pass

def _send_webhook_request(webhook, payload, event, session):
    return session.post(webhook.url, data=payload)
"""
"""A module that delivers as MLflow's does: from the event down to the request, with every error swallowed on the way."""


def delivery(changed: str = "") -> Any:
    """A fresh module of that kind, with what is `changed` in it."""
    module = ModuleType("delivery")
    exec(DELIVERY + changed, module.__dict__)  # noqa: S102
    return module


def counted(webhook: str) -> dict[str, float]:
    """What was counted of one webhook, by outcome."""
    name = "modelyard_registry_webhook_deliveries_total"
    labels = (
        {"webhook": webhook, "event": "model_version.created", "outcome": each} for each in ("delivered", "failed")
    )
    return {label["outcome"]: REGISTRY.get_sample_value(name, label) or 0 for label in labels}


def delivered(*answers: Any) -> tuple[str, Session]:
    """A webhook of a fresh name to which an event was delivered once for each answer, and the session of the last."""
    webhook = SimpleNamespace(name=uuid.uuid4().hex, url="https://example.org/hook?token=t")
    module = delivery()
    registry_webhooks.check(module)
    registry_webhooks.count(module)
    session = Session(None)
    for answer in answers:
        session = Session(answer)
        module.deliver_webhook(event="model_version.created", payload={}, store=lambda: [(webhook, session)])  # noqa: B023
    return webhook.name, session


@pytest.mark.parametrize("answer", [200, 204, 302])
def test_what_the_receiver_took_is_delivered(answer: int) -> None:
    name, session = delivered(answer)
    assert counted(name) == {"delivered": 1, "failed": 0}
    assert session.posted == [("https://example.org/hook?token=t", {"data": {}})]


@pytest.mark.parametrize("answer", [400, 404, 500, OSError("no route to host")])
def test_what_the_receiver_refused_or_never_got_is_failed(answer: Any) -> None:
    assert counted(delivered(answer)[0]) == {"delivered": 0, "failed": 1}


def test_deliveries_add_up() -> None:
    assert counted(delivered(200, 500, 200)[0]) == {"delivered": 2, "failed": 1}


def test_an_event_whose_webhooks_cannot_be_read_is_failed_for_all() -> None:
    def gone() -> Any:
        raise OSError("no database")

    module = delivery()
    registry_webhooks.count(module)
    before = counted("*")
    # MLflow's own code is to see the error too: it logs it.
    with pytest.raises(OSError, match="no database"):
        module._deliver_webhook_impl(event="model_version.created", payload={}, store=gone)
    assert counted("*") == {**before, "failed": before["failed"] + 1}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ("del deliver_webhook", "deliver_webhook no longer calls _deliver_webhook_impl"),
        (
            "def _deliver_webhook_impl(*, event, payload, store): store(event)",
            "no longer calls _send_webhook_with_error",
        ),
        ("def _send_webhook_with_error_handling(hook): hook()", "no longer calls _send_webhook_request"),
        ("def _send_webhook_request(webhook, session): session.request(webhook)", "no longer calls post"),
        ("def _send_webhook_with_error_handling(hook): _send_webhook_request(hook)", r"takes \['hook'\]"),
    ],
)
def test_an_mlflow_that_delivers_in_another_way_is_refused(changed: str, problem: str) -> None:
    with pytest.raises(RuntimeError, match=problem):
        registry_webhooks.check(delivery(changed))
