"""`python -m app`: serves on port 8080 until it is told to stop, then finishes the answers that are under way."""

from __future__ import annotations

import sys

import uvicorn

from app.assignment import AssignmentError
from app.service import create
from app.settings import Settings, SettingsError

PORT = 8080
DRAIN_SECONDS = 25


def main() -> int:
    """Runs the service; 2 when a setting cannot be used."""
    try:
        service = create(Settings.of())
    except (SettingsError, AssignmentError) as error:
        sys.stderr.write(f"refused: {error}\n")
        return 2
    # Every interface: it runs in a pod, whose address nobody knows beforehand.
    host = "0.0.0.0"  # noqa: S104
    uvicorn.run(service, host=host, port=PORT, timeout_graceful_shutdown=DRAIN_SECONDS, server_header=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
