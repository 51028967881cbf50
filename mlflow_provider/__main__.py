"""`python -m registry`, as the engine starts it: prints its port and serves until the engine ends it."""

from __future__ import annotations

import os
import signal
import sys
import threading

from mlflow_provider.credentials import Secrets
from mlflow_provider.provider import Provider, serve

GRACE_SECONDS = 4.0
"""What a call under way is given to end in."""


def main() -> int:
    """Serves until SIGTERM or SIGINT, or until whoever has started it is gone."""
    ended = threading.Event()
    # The engine gives each provider a process group of its own, so a Ctrl-C at a terminal does not come here: it ends a
    # provider by SIGINT and kills it 5 s later.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    provider = Provider(Secrets.of_this_process())
    server, port = serve(provider)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    parent = os.getppid()
    while not ended.wait(1.0):
        if os.getppid() != parent:
            break
    server.stop(GRACE_SECONDS).wait(GRACE_SECONDS)
    provider.close()
    return 0


if __name__ == "__main__":
    os._exit(main())
