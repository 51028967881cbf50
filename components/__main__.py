"""`python -m components` writes what derives from the catalogue of parts: the pages of parts and alerts, and every dashboard."""

from __future__ import annotations

from components.catalogue import BOARDS
from components.dashboards.board import RENDERED
from components.dashboards.render import render
from components.pages import alerts, parts

for module in (parts, alerts):
    module.PAGE.write_text(module.page(), encoding="utf-8")
for board in BOARDS:
    (RENDERED / f"{board.uid}.json").write_text(render(board), encoding="utf-8")
