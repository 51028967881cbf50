"""The registry's server as MLflow starts it (`--app-name=modelyard`): MLflow's own with users, its webhooks counted, with limits.

MLflow imports this module once before it starts any worker, so an MLflow that does not fit ends the whole command; each worker
then calls `create_app`. `REGISTRY_REQUEST_BYTES` and `REGISTRY_UPLOAD_BYTES` are the limits of `registry_limits`.
"""

from __future__ import annotations

import os

from mlflow.webhooks import delivery

from . import registry_limits, registry_webhooks

registry_webhooks.check(delivery)


def create_app() -> registry_limits.BodyLimit:
    """The ASGI application of one worker."""
    # Reads the file of the users' app and makes MLflow's Flask application: a worker's business, not a module's.
    from mlflow.server.auth import create_app as with_users

    registry_webhooks.count(delivery)
    return registry_limits.BodyLimit(
        with_users(),
        request_bytes=int(os.environ["REGISTRY_REQUEST_BYTES"]),
        upload_bytes=int(os.environ["REGISTRY_UPLOAD_BYTES"]),
    )
