"""Dashboards through Grafana's SDK: layout, colours and datasource in one place, and stable JSON for review."""

from __future__ import annotations

import json

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import DataSourceRef, LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)

from components.dashboards.board import Board, Kind, Panel

HEIGHT = 8
WIDTH = 24
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")


def render(board: Board) -> str:
    """A dashboard's JSON, the same for the same board."""
    built = (
        grafana.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags(["modelyard"])
        .readonly()
        .time("now-6h", "now")
        .refresh("1m")
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(grafana.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    if board.by_pool:
        built = built.with_variable(
            grafana.QueryVariable("pool")
            .label("GPU pool")
            .datasource(SOURCE)
            .query("label_values(modelyard:gpu_pool_fullness:ratio, pool)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
    for row in board.rows:
        built = built.with_row(grafana.Row(row.title))
        for panel in row.panels:
            built = built.with_panel(_panel(panel, WIDTH // len(row.panels)))
    model = built.build()
    for place, each in enumerate(model.panels or (), start=1):
        each.id_val = place
    return json.dumps(json.loads(json.dumps(model, cls=JSONEncoder)), indent=1, sort_keys=True) + "\n"


def _panel(panel: Panel, width: int) -> stat.Panel | timeseries.Panel:
    builder: stat.Panel | timeseries.Panel
    if panel.kind is Kind.NUMBER:
        builder = stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    else:
        legend = common.VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)
        builder = timeseries.Panel().line_width(1).fill_opacity(10).legend(legend.placement(LegendPlacement.BOTTOM))
    builder = builder.title(panel.title).description(panel.about).datasource(SOURCE).unit(panel.unit.value)
    builder = builder.height(HEIGHT).span(width).thresholds(_thresholds(panel))
    for place, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(chr(ord("A") + place))
        builder = builder.with_target(target.instant() if panel.kind is Kind.NUMBER else target.range())
    return builder


def _thresholds(panel: Panel) -> grafana.ThresholdsConfig:
    steps = [Threshold(value=None, color="green")]
    if panel.warn is not None:
        steps.append(Threshold(value=panel.warn, color="red"))
    return grafana.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
