"""`python -m registry`, as the engine starts it: prints its port and serves until the engine ends it."""

from __future__ import annotations

import os
import signal
import sys
import threading

from registry.credentials import Secrets
from registry.provider import Provider, serve


def main() -> int:
    """Serves until SIGTERM or SIGINT, or until whoever has started it is gone."""
    provider = Provider(Secrets.of_this_process())
    server, port = serve(provider)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: None)
    parent = os.getppid()
    while not ended.wait(1.0):
        if os.getppid() != parent:
            break
    server.stop(1.0).wait(1.0)
    provider.close()
    return 0


if __name__ == "__main__":
    os._exit(main())
