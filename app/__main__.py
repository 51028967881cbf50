"""`python -m app`: serves until it is told to stop, then finishes the answers that are under way."""

from __future__ import annotations

import sys

import uvicorn

from app.assignment import AssignmentError
from app.service import create
from app.settings import Settings, SettingsError

DRAIN_SECONDS = 25


def main() -> int:
    """Runs the service; 2 when a setting cannot be used."""
    try:
        settings = Settings.of()
        service = create(settings)
    except (SettingsError, AssignmentError) as error:
        sys.stderr.write(f"refused: {error}\n")
        return 2
    uvicorn.run(
        service,
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        server_header=False,
        access_log=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
