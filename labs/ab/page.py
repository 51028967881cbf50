"""The report as one HTML page: no script, no file beside it, nothing from a network."""

from __future__ import annotations

from html import escape

from labs.ab.judge import CONFIDENCE, Counts, Outcome, Verdict, by_chance
from labs.ab.report import Report, headline

_STYLE = (
    ":root{color-scheme:light dark;--line:#8884;--soft:#8881;--blue:#2f6fb2}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:1.5rem auto;padding:0 1rem}"
    "h1{font-size:1.25rem;margin:0 0 .5rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}"
    ".verdict{font-weight:600;padding:.6rem .8rem;border-left:4px solid;background:var(--soft)}"
    ".good{border-color:#2a7d46}.open{border-color:#c98a00}.bad{border-color:#c0392b}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .8rem .25rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}"
    ".n{text-align:right}.said{white-space:nowrap}pre{background:var(--soft);padding:.7rem;overflow-x:auto}"
    "svg{max-width:100%;height:auto}svg text{font:13px system-ui,sans-serif;fill:currentColor}"
    "footer{opacity:.75;font-size:.85rem;margin-top:1.6rem}"
)
_KIND = {Outcome.WINNER: "good", Outcome.NO_WINNER: "open", Outcome.NOT_TRUSTED: "bad"}
_WIDTH, _LEFT, _SPAN = 640, 110, 480


def page(report: Report) -> str:
    """The whole page."""
    verdict = report.verdict
    arms = (verdict.control, verdict.treatment)
    rows = "".join(_row(each, report.prompts[each.arm]) for each in arms)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{escape(report.experiment)}: which prompt?</title><style>{_STYLE}</style>",
        f"<h1>Experiment {escape(report.experiment)}: which system prompt?</h1>",
        f"<p class='verdict {_KIND[verdict.outcome]}'>{escape(headline(report))}</p>",
        f"<h2>Effect on the share of helpful answers</h2>{plot(verdict)}",
        "<h2>Counts</h2><table><tr><th>arm<th>system prompt<th class=n>users<th class=n>asked<th class=n>answers"
        f"<th class=n>judged<th class=n>helpful<th class=n>share</tr>{rows}</table>",
        f"<p>Are users dealt as the flag says? {by_chance(verdict.split_p_value).capitalize()}. "
        "The unit is the user: one who asks twice counts once.</p>",
        *(_examples(each.arm, report.examples.get(each.arm, [])) for each in arms),
        f"<h2>The change that ships it</h2><pre>{escape(report.change)}</pre>" if report.change else "",
        f"<footer><p>{report.requests} questions of {report.users} simulated users, seed {report.seed}. They judge an answer's "
        "form by its text alone: it ends like a sentence, is 3 to 25 words long, and speaks to somebody.</p>",
        *(f"<p>{escape(each)}</p>" for each in report.behind),
        "</footer></html>\n",
    ]
    return "".join(parts)


def plot(verdict: Verdict) -> str:
    """The effect as a point with its interval, over an axis in percentage points with zero in it."""
    reach = max(5.0, *(abs(100 * each) * 1.15 for each in (verdict.effect, verdict.low, verdict.high)))

    def x(points: float) -> float:
        return round(_LEFT + _SPAN * (points + reach) / (2 * reach), 1)

    low, high, effect = (x(100 * each) for each in (verdict.low, verdict.high, verdict.effect))
    step = next(each for each in (1, 2, 5, 10, 20, 50) if reach / each <= 5)
    marks = range(-int(reach // step) * step, int(reach) + 1, step)
    ticks = "".join(
        f"<line x1={x(each)} x2={x(each)} y1=20 y2=84 stroke=currentColor opacity={0.7 if each == 0 else 0.15} />"
        f"<text x={x(each)} y=102 text-anchor=middle>{each:+d}</text>".replace("+0<", "0<")
        for each in marks
    )
    title = f"{verdict.treatment.arm} less {verdict.control.arm}, percentage points, with the {CONFIDENCE:.0%} interval"
    return (
        f"<svg viewBox='0 0 {_WIDTH} 130' width={_WIDTH} role=img aria-label='{escape(title)}'>{ticks}"
        f"<text x={x(-reach)} y=14>{escape(verdict.control.arm)} is better</text>"
        f"<text x={x(reach)} y=14 text-anchor=end>{escape(verdict.treatment.arm)} is better</text>"
        f"<line x1={low} x2={high} y1=52 y2=52 stroke=var(--blue) stroke-width=4 />"
        f"<line x1={low} x2={low} y1=42 y2=62 stroke=var(--blue) stroke-width=3 />"
        f"<line x1={high} x2={high} y1=42 y2=62 stroke=var(--blue) stroke-width=3 />"
        f"<circle cx={effect} cy=52 r=7 fill=var(--blue) />"
        f"<text x={_LEFT + _SPAN / 2} y=124 text-anchor=middle>{escape(title)}</text></svg>"
    )


def _row(each: Counts, prompt: str) -> str:
    numbers = (each.users, each.asked, each.answers, each.judged, each.helpful, f"{each.share:.1%}")
    cells = "".join(f"<td class=n>{value}" for value in numbers)
    return f"<tr><td>{escape(each.arm)}<td>{escape(prompt)}{cells}</tr>"


def _examples(arm: str, found: list[tuple[str, bool]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(text)}<td class=said>{'helpful' if said else 'not helpful'}</tr>" for text, said in found
    )
    return f"<h2>Some answers of {escape(arm)}</h2><table>{rows}</table>" if rows else ""
