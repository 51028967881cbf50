"""`python -m mlflow_provider`, as the engine starts it: prints its port and serves until the engine ends it."""

from __future__ import annotations

import os

from pulumi.runtime.proto import provider_pb2_grpc

from engine.serve import serve
from mlflow_provider.credentials import Secrets
from mlflow_provider.provider import Provider

WORKERS = 16
GRACE_SECONDS = 4.0
"""What a call under way is given to end in."""


def main() -> int:
    """Serves until SIGTERM or SIGINT, or until whoever has started it is gone."""
    provider = Provider(Secrets.of_this_process())
    serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server),
        workers=WORKERS,
        grace_seconds=GRACE_SECONDS,
    )
    provider.close()
    return 0


if __name__ == "__main__":
    os._exit(main())
