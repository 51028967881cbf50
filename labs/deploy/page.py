"""The report as one HTML page: no script, no file beside it, nothing from a network."""

from __future__ import annotations

from pathlib import Path

from labs.deploy.report import Report, headline
from ops.pages import render


def page(report: Report) -> str:
    """The whole page."""
    return render("page.html", beside=Path(__file__).parent, report=report, headline=headline(report))
