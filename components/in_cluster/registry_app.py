"""The registry's server as MLflow starts it (`--app-name=modelyard`): MLflow's own with users, and its webhooks counted.

MLflow imports this module once before it starts any worker, so an MLflow that does not fit ends the whole command; each worker
then calls `create_app`.
"""

from __future__ import annotations

from typing import Any

from mlflow.webhooks import delivery

from . import registry_webhooks

registry_webhooks.check(delivery)


def create_app() -> Any:
    """The ASGI application of one worker."""
    # Reads the file of the users' app and makes MLflow's Flask application: a worker's business, not a module's.
    from mlflow.server.auth import create_app as with_users

    registry_webhooks.count(delivery)
    return with_users()
