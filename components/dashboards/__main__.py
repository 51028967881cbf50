"""`python -m components.dashboards` renders every dashboard anew."""

from __future__ import annotations

from components.catalogue import BOARDS
from components.dashboards.board import RENDERED
from components.dashboards.render import render

for board in BOARDS:
    (RENDERED / f"{board.uid}.json").write_text(render(board), encoding="utf-8")
