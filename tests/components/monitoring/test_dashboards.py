"""Every panel asks for what is exported, in the unit that it shows, and is declared as it was rendered.

No Grafana can be had where these tests run, so none has shown these dashboards: what a panel asks, and in which unit the answer
is, is checked here instead.
"""

from __future__ import annotations

import json
import re

import pytest

from components.catalogue import BOARDS
from components.dashboards.board import Board, Kind, Panel, Query, Row, Unit
from components.dashboards.render import render
from tests.components.monitoring.expressions import read
from tests.components.monitoring.known import known

FITS = {
    Unit.BYTES: {"bytes"},
    Unit.BYTES_PER_SECOND: {"bytes/s"},
    Unit.CELSIUS: {"C"},
    Unit.COUNT: {"count"},
    Unit.PER_SECOND: {"count/s"},
    Unit.PERCENT: {"percent"},
    Unit.RATIO: {"ratio"},
    Unit.SECONDS: {"seconds"},
    Unit.USD: {"USD/h"},
    Unit.WATTS: {"W"},
}
PANELS = [(board, panel) for board in BOARDS for panel in board.panels]


def wrong_with(panel: Panel) -> list[str]:
    """What is wrong with a panel's queries, legends and unit."""
    found: list[str] = []
    for query in panel.queries:
        given = read(query.expr, known())
        found += given.wrong
        found += [f"no label {name}" for name in re.findall(r"{{(\w+)}}", query.legend) if name not in given.labels]
        if given.unit not in FITS[panel.unit]:
            found.append(f"{given.unit} is shown as {panel.unit.value}")
    return found


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=lambda each: each.title)
def test_a_panel_asks_for_what_is_exported_in_the_unit_that_it_shows(board: Board, panel: Panel) -> None:
    assert wrong_with(panel) == []
    assert panel.about.endswith(".")
    uses_pool = any("$pool" in query.expr for query in panel.queries)
    assert board.by_pool or not uses_pool
    if panel.kind is Kind.LINES and len(panel.queries) > 1:
        assert all(query.legend for query in panel.queries)


@pytest.mark.parametrize(
    ("expr", "legend", "unit", "problem"),
    [
        ("sum by (pool) (DCGM_FI_DEV_FB_USED)", "", Unit.BYTES, "MiB is shown as bytes"),
        ("avg(DCGM_FI_DEV_GPU_UTIL)", "", Unit.RATIO, "percent is shown as percentunit"),
        ("sum by (pool) (DCGM_FI_DEV_POWER_USAGE)", "{{node}}", Unit.WATTS, "no label node"),
        ("sum(DCGM_FI_DEV_POWER)", "", Unit.WATTS, "nobody exports DCGM_FI_DEV_POWER"),
        ('DCGM_FI_DEV_POWER_USAGE{nodepool=~"$pool"}', "", Unit.WATTS, "DCGM_FI_DEV_POWER_USAGE has no label nodepool"),
    ],
)
def test_a_planted_wrong_panel_is_found(expr: str, legend: str, unit: Unit, problem: str) -> None:
    panel = Panel(title="Planted", about="Planted.", unit=unit, queries=(Query(expr=expr, legend=legend),))
    assert problem in wrong_with(panel)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_what_is_declared_is_what_the_python_renders(board: Board) -> None:
    assert board.rendered() == render(board), "run `python -m components`"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_rendered_dashboard_holds_every_panel_once_and_none_over_another(board: Board) -> None:
    made = json.loads(board.rendered())
    assert (made["uid"], made["title"]) == (board.uid, board.title)
    panels = [each for each in made["panels"] if each["type"] != "row"]
    assert [each["title"] for each in panels] == [panel.title for panel in board.panels]
    assert len({each["id"] for each in made["panels"]}) == len(made["panels"])
    cells: set[tuple[int, int]] = set()
    for each in made["panels"]:
        place = each["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells, each["title"]
        assert max(x for x, _ in own) < 24
        cells |= own
    for each, panel in zip(panels, board.panels, strict=True):
        assert each["type"] == panel.kind.value
        assert each["fieldConfig"]["defaults"]["unit"] == panel.unit.value
        assert [target["expr"] for target in each["targets"]] == [query.expr for query in panel.queries]
        assert each["datasource"]["uid"] == "${datasource}"
        assert all(target["refId"] for target in each["targets"])
    variables = {each["name"]: each for each in made["templating"]["list"]}
    assert set(variables) == ({"datasource", "pool"} if board.by_pool else {"datasource"})


def test_dashboards_have_names_of_their_own() -> None:
    uids = [board.uid for board in BOARDS]
    assert len(set(uids)) == len(uids)
    for board in BOARDS:
        titles = [panel.title for panel in board.panels]
        assert len(set(titles)) == len(titles)


def test_a_changed_board_renders_to_something_else() -> None:
    one = BOARDS[0]
    panel = Panel(title="More", about="More.", unit=Unit.COUNT, queries=(Query(expr="count(kube_node_info)"),))
    other = Board(uid=one.uid, title=one.title, about=one.about, rows=(*one.rows, Row(title="More", panels=(panel,))))
    assert render(other) != one.rendered()
