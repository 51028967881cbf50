"""Every dashboard that the platform declares: the one list that the component, the renderer and the tests walk."""

from __future__ import annotations

from components.dashboards import overview
from components.dashboards.board import Board
from components.nodes import dashboard as gpu_pools
from components.registry import dashboard as registry

BOARDS: tuple[Board, ...] = (overview.BOARD, gpu_pools.BOARD, registry.BOARD)
