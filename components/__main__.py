"""`python -m components` writes the page of the platform's parts."""

from __future__ import annotations

from components.page import PAGE, page

PAGE.write_text(page(), encoding="utf-8")
