"""Counts what becomes of each webhook delivery. MLflow itself only logs a receiver that it could not reach, and no answer.

`count(delivery)` puts a counter around two functions of `mlflow.webhooks.delivery` that are MLflow's own business. So `check`
says first whether they still stand where they stood: a server whose deliveries nobody counts does not start.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

from prometheus_client import Counter

DELIVERIES = Counter(
    "modelyard_registry_webhook_deliveries",
    "Webhook deliveries by what became of them, after the last try",
    ["webhook", "event", "outcome"],
)
"""A name and no address: an address may have a token in it."""
EVERY_WEBHOOK = "*"
"""What stands for the webhook's name when the webhooks themselves could not be read."""

_SEND, _DELIVER, _REQUEST = "_send_webhook_with_error_handling", "_deliver_webhook_impl", "_send_webhook_request"
_CALLS = (("deliver_webhook", _DELIVER), (_DELIVER, _SEND), (_SEND, _REQUEST), (_REQUEST, "post"))
"""Who calls whom, from an event down to the request."""
_PARAMETERS = {_SEND: ["webhook", "payload", "event", "session"], _DELIVER: ["event", "payload", "store"]}


class Watched:
    """A session of `requests` that remembers whether what it posted was taken (an answer below 400)."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.taken = False

    def post(self, url: str, **more: Any) -> Any:
        """Posts, with the session's own retries; raises what the session raises."""
        answer = self._session.post(url, **more)
        self.taken = answer.ok
        return answer


def check(delivery: Any) -> None:
    """Raises RuntimeError when the module `mlflow.webhooks.delivery` no longer delivers the way that is counted here."""
    for caller, called in _CALLS:
        code = getattr(getattr(delivery, caller, None), "__code__", None)
        if code is None or called not in code.co_names:
            raise RuntimeError(f"this MLflow's webhooks cannot be counted: {caller} no longer calls {called}")
    for name, wanted in _PARAMETERS.items():
        found = list(inspect.signature(getattr(delivery, name)).parameters)
        if found != wanted:
            raise RuntimeError(f"this MLflow's webhooks cannot be counted: {name} takes {found}, not {wanted}")


def count(delivery: Any) -> None:
    """Counts every delivery of `mlflow.webhooks.delivery` in this process from now on; what is sent stays as it is."""
    send, deliver = getattr(delivery, _SEND), getattr(delivery, _DELIVER)

    @functools.wraps(send)
    def counted_send(webhook: Any, payload: Any, event: Any, session: Any) -> None:
        watched = Watched(session)
        try:
            send(webhook, payload, event, watched)
        finally:
            outcome = "delivered" if watched.taken else "failed"
            DELIVERIES.labels(webhook.name, str(event), outcome).inc()

    @functools.wraps(deliver)
    def counted_deliver(*, event: Any, payload: Any, store: Any) -> None:
        try:
            deliver(event=event, payload=payload, store=store)
        except Exception:
            DELIVERIES.labels(EVERY_WEBHOOK, str(event), "failed").inc()
            raise

    setattr(delivery, _SEND, counted_send)
    setattr(delivery, _DELIVER, counted_deliver)
