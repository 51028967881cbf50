"""`python -m components.alerts` writes the page of what each alert means."""

from __future__ import annotations

from components.alerts.page import PAGE, page

PAGE.write_text(page(), encoding="utf-8")
