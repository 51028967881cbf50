"""The report as one HTML page: no script, no file beside it, nothing from a network."""

from __future__ import annotations

from html import escape

from labs.deploy.report import Delivery, Report, headline

_STYLE = (
    ":root{color-scheme:light dark;--line:#8884;--soft:#8881}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:1.5rem auto;padding:0 1rem}"
    "h1{font-size:1.25rem;margin:0 0 .5rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}"
    ".verdict{font-weight:600;padding:.6rem .8rem;border-left:4px solid;background:var(--soft)}"
    ".good{border-color:#2a7d46}.bad{border-color:#c0392b}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .8rem .25rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}"
    ".n{text-align:right}pre{background:var(--soft);padding:.7rem;overflow-x:auto}"
    "footer{opacity:.75;font-size:.85rem;margin-top:1.6rem}"
)


def page(report: Report) -> str:
    """The whole page."""
    kind = "bad" if report.problems else "good"
    steps = "".join(f"<tr><td>{escape(each.name)}<td class=n>{each.seconds:.1f}</tr>" for each in report.steps)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Two changes to the app</title><style>{_STYLE}</style>",
        f"<h1>Two changes to the app{' (short form)' if report.short else ''}</h1>",
        f"<p class='verdict {kind}'>{escape(headline(report))}</p>",
        *(_delivery(each) for each in (report.good, report.bad)),
        f"<h2>Every step</h2><table><tr><th>step<th class=n>seconds</tr>{steps}"
        f"<tr><th>in all<th class=n>{report.total_seconds:.1f}</tr></table>",
        f"<footer><p>{report.asked} requests in all, {report.failed} without an answer of 200. The machine's load was "
        f"{report.load:.1f}.</p>",
        *(f"<p>{escape(each)}</p>" for each in report.behind),
        "</footer></html>\n",
    ]
    return "".join(parts)


def _delivery(each: Delivery) -> str:
    course = each.course
    if course is None:
        return ""
    events = "".join(f"<tr><td class=n>{at:.1f}<td>{escape(text)}</tr>" for at, text in course.events)
    shares = "".join(
        f"<tr><td class=n>{step.percent} %<td class=n>{step.hits}<td class=n>{step.asked}"
        f"<td class=n>{step.rate:.1%}<td class=n>{step.seconds:.1f}</tr>"
        for step in course.shares
    )
    return (
        f"<h2>Version {escape(each.version)}: {escape(each.title)}</h2>"
        f"<pre>{escape(each.change)}</pre><p>Tests: {escape(each.tests)}. Image: {escape(each.digest)}.</p>"
        f"<pre>{escape(each.release)}</pre>"
        f"<table><tr><th class=n>seconds<th>what happened</tr>{events}</table>"
        "<table><tr><th class=n>step<th class=n>new version<th class=n>requests<th class=n>share<th class=n>seconds</tr>"
        f"{shares}</table><p>{course.asked} requests, {course.errors_new} errors of this version, "
        f"{len(course.lost)} others lost.</p>"
    )
