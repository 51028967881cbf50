"""A metric over the versions of a model, as a picture or as a page with the comparison under it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from core.inert import one_line
from core.problem import Problem, Refused
from ops.registry.compare import Comparison
from ops.registry.compare_page import page
from ops.registry.versions import Version

SUFFIXES = (".png", ".html")


def draw(found: Comparison, out: Path) -> None:
    """Writes a picture of the comparison's metric over versions, as PNG or as a page of its own. Raises Refused."""
    if out.suffix not in SUFFIXES:
        allowed = " or ".join(SUFFIXES)
        raise Refused(Problem(summary="a picture is not written in this form", found=out.name, allowed=f"*{allowed}"))
    (metric,) = found.metrics
    picture = _picture(found.model, found.versions, metric)
    if out.suffix == ".png":
        out.write_bytes(picture)
        return
    out.write_text(page(found, f"{found.model}: {metric} over versions", picture), encoding="utf-8")


def _picture(name: str, versions: Sequence[Version], metric: str) -> bytes:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    points = [
        (version.number, version.metrics[metric], version.aliases) for version in versions if metric in version.metrics
    ]
    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    axes.plot([point[0] for point in points], [point[1] for point in points], marker="o")
    for number, value, aliases in points:
        if aliases:
            axes.annotate(
                _shown(", ".join(aliases)), (number, value), xytext=(0, 8), textcoords="offset points", ha="center"
            )
    axes.set(xlabel="version", ylabel=_shown(metric), title=_shown(f"{name}: {metric} over versions"))
    axes.set_xticks([point[0] for point in points])
    axes.margins(y=0.2)
    made = io.BytesIO()
    figure.savefig(made, format="png", dpi=120)
    pyplot.close(figure)
    return made.getvalue()


def _shown(text: str) -> str:
    """The text in a picture, where a pair of dollars would make a formula of it."""
    return one_line(text).replace("$", r"\$")
