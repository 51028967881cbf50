"""The server's application is MLflow's with the platform's additions, and beside an MLflow that does not fit it is none."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from components.registry.in_cluster import registry_limits
from tests.components.registry.test_registry_webhooks import delivery

NAME = "components.registry.in_cluster.registry_app"


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], Any]]:
    """Imports the application afresh beside an MLflow with that module of deliveries."""

    def load(deliveries: Any) -> Any:
        parts = {
            name: ModuleType(name) for name in ("mlflow", "mlflow.webhooks", "mlflow.server", "mlflow.server.auth")
        }
        vars(parts["mlflow.webhooks"])["delivery"] = deliveries
        vars(parts["mlflow.server.auth"])["create_app"] = lambda: "MLflow's own"
        for name, part in parts.items():
            monkeypatch.setitem(sys.modules, name, part)
        monkeypatch.delitem(sys.modules, NAME, raising=False)
        return importlib.import_module(NAME)

    yield load
    sys.modules.pop(NAME, None)


def test_an_mlflow_that_does_not_fit_ends_the_command_that_imports_the_application(
    loaded: Callable[[Any], Any],
) -> None:
    with pytest.raises(RuntimeError, match="cannot be counted"):
        loaded(delivery("del _deliver_webhook_impl"))


def test_a_worker_counts_and_limits(loaded: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_REQUEST_BYTES", "1")
    monkeypatch.setenv("REGISTRY_UPLOAD_BYTES", "2")
    deliveries = delivery()
    own = vars(deliveries)["_send_webhook_with_error_handling"]
    app = loaded(deliveries).create_app()
    assert isinstance(app, registry_limits.BodyLimit)
    assert vars(app) == {"_app": "MLflow's own", "_request_bytes": 1, "_upload_bytes": 2}
    assert vars(deliveries)["_send_webhook_with_error_handling"].__wrapped__ is own
