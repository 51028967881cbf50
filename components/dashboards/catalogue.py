"""Every dashboard that the platform declares: the one list that the component, the renderer and the tests walk."""

from __future__ import annotations

from components.dashboards import gpu_pools, overview, registry
from components.dashboards.board import Board

BOARDS: tuple[Board, ...] = (overview.BOARD, gpu_pools.BOARD, registry.BOARD)
