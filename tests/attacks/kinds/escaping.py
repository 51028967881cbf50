"""Texts that want to be more than words, and numbers that want to be longer than a report."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from core.problem import Problem, Refused
from ops.console import Printer
from ops.preview import pull_request
from ops.preview.command import Form
from ops.show import Show
from tests.attacks.attack import Attack, Harmless, Kind, Tried
from tests.attacks.corpus import MARKER
from tests.attacks.filled import Place, document, written
from tests.attacks.readers import done, lines_begun, shape

SHOWN = "shown as words"
"""What stops a text: it is there, and does nothing."""
Change = Callable[[dict[str, Any]], object]


def _in_report(text: str, *place: str | int) -> Tried:
    """A report with the text in a place, in every form."""

    def tried(_: Path) -> Collection[str]:
        report, plain = written(text, place), written("a", place)
        active = [each for form in Form for each in done(form, report)] + lines_begun(Form.TERMINAL, report, text)
        forged = "\n" not in text and any(shape(form, report) != shape(form, plain) for form in Form)
        return [] if active or forged else [SHOWN]

    return tried


def _in_comment(text: str, *place: str | int) -> Tried:
    """A report with the text in a place, as the bot posts it: one marker, and that one its own."""

    def tried(folder: Path) -> Collection[str]:
        (folder / "dev.json").write_text(json.dumps(written(text, place).model_dump(mode="json", by_alias=True)))
        body = pull_request.comments(folder, {"dev"})["dev"]
        mine = pull_request.marker("dev")
        return [SHOWN] if body.count("<!--") == 1 and body.rstrip().endswith(mine) else []

    return tried


def _posted(change: Change) -> Tried:
    """A forged report, on its way to the poster."""

    def tried(folder: Path) -> Collection[str]:
        made = document()
        change(made)
        (folder / "dev.json").write_text(json.dumps(made).replace('"RAW ', "").replace(' RAW"', ""))
        try:
            pull_request.comments(folder, {"dev"})
        except Refused as refused:
            return [str(refused)]
        return []

    return tried


def _amount(number: str) -> Tried:
    return _posted(lambda made: made["cost"].update(budget=number))


def _printed(say: Callable[[Show], object]) -> Tried:
    """What a command says on the terminal, or in the log of a CI job."""

    def tried(_: Path) -> Collection[str]:
        show, out = Show(), io.StringIO()
        show.out = show.err = Printer(out)
        say(show)
        lines = out.getvalue().split("\n")
        drives = [each for each in lines if not each.replace("\t", " ").isprintable()]
        return [] if drives or any(each.lstrip().startswith("::") or "##[" in each for each in lines) else [SHOWN]

    return tried


def _attack(name: str, stopped_by: str, tried: Tried) -> Attack:
    return Attack(kind=Kind.ESCAPING, name=name, stopped_by=stopped_by, tried=tried)


GROUP: Place = ("groups", 0, "name")
FOLDED: Place = ("groups", 1, "name")
ATTACKS = (
    _attack("a component's name ends its line and begins a heading", SHOWN, _in_report("a\n\n# Approved", *GROUP)),
    _attack("a folded component's name is a link", SHOWN, _in_report("[approved](https://evil.example)", *FOLDED)),
    _attack("a component's name mentions a team", SHOWN, _in_report("@modelyard/guardians", *FOLDED)),
    _attack("a headline refers to another repository's issue", SHOWN, _in_report("a/b#1 GH-2 #3", "headline")),
    _attack("a notice shows a picture of a check mark", SHOWN, _in_report(":white_check_mark:", "notices", 0)),
    _attack("a notice draws words with a formula", SHOWN, _in_report("$\\color{green}{passes}$", "notices", 0)),
    _attack(
        "a path of eighty backticks leaves its span of code",
        SHOWN,
        _in_report("`" * 80 + " @team", "judge", "unknown", 0),
    ),
    _attack(
        "a bar behind a backslash leaves its cell", SHOWN, _in_report("a\\|b|c", "policies", "exemptions", 0, "reason")
    ),
    _attack(
        "a resource's name ends its block of code",
        SHOWN,
        _in_report("a\n```\n@team", "groups", 0, "changes", 0, "name"),
    ),
    _attack(
        "a resource's name adds a line to the changes",
        SHOWN,
        _in_report("a\n+ create nothing", "groups", 0, "changes", 0, "name"),
    ),
    _attack("a detail is a command of the CI job", SHOWN, _in_report("::add-mask::REFUSED", "errors", 0, "details", 0)),
    _attack(
        "an operation's name is a picture from elsewhere",
        SHOWN,
        _in_report("![x](https://evil.example/x.png)", "groups", 1, "counts", "*keys*"),
    ),
    _attack(
        "a reason turns the direction of its line",
        SHOWN,
        _in_report("\u202edesufer", "policies", "exemptions", 0, "reason"),
    ),
    _attack(
        "a description clears the page's title and runs a script",
        SHOWN,
        _in_report("</title><script>alert(1)</script>", "world"),
    ),
    _attack("a note begins a line in the words of the report", SHOWN, _in_report("a\nREFUSED by nobody", "notes", 0)),
    _attack("a report carries the marker of another stack's comment", SHOWN, _in_comment(MARKER, "headline")),
    _attack("a component's name carries a marker", SHOWN, _in_comment(f"a\n\n{MARKER}", *GROUP)),
    _attack("an amount of three million digits is to be written", "cost.budget", _amount("1E3000000")),
    _attack("an amount is a number of JSON of three million digits", "cost.budget", _amount("RAW 1e3000000 RAW")),
    _attack("an amount has a thousand digits behind the point", "cost.budget", _amount("0." + "1" * 1000)),
    _attack("an amount is no number", "cost.budget", _amount("NaN")),
    _attack(
        "a count has four thousand digits", "unchanged", _posted(lambda made: made.update(unchanged=int("9" * 4000)))
    ),
    _attack("a preview took for ever", "seconds", _posted(lambda made: made.update(seconds="RAW 1e308 RAW"))),
    _attack("fewer than none are left out", "moreTold", _posted(lambda made: made.update(moreTold=-5))),
    _attack("a report is of another format", "version", _posted(lambda made: made.update(version=2))),
    _attack("a text holds half a character", "this is no report", _posted(lambda made: made.update(headline="\ud800"))),
    _attack(
        "a problem's place clears the screen",
        SHOWN,
        _printed(lambda show: show.problems([Problem(summary="no", where="\x1b[2J")])),
    ),
    _attack(
        "a problem's text is a command of the CI job",
        SHOWN,
        _printed(lambda show: show.problems([Problem(summary="no", found="x\n::stop-commands::y")])),
    ),
    _attack(
        "a line of a server's data makes a link of the terminal",
        SHOWN,
        _printed(lambda show: show.line("\x1b]8;;https://evil.example\x07ok")),
    ),
    _attack(
        "progress names a resource that is a command of the CI job",
        SHOWN,
        _printed(lambda show: show.say("##[add-mask]REFUSED")),
    ),
)
HARMLESS = (
    Harmless(
        kind=Kind.ESCAPING, name="a report of the largest amounts that a bill has", tried=_amount("999999999999.99")
    ),
    Harmless(
        kind=Kind.ESCAPING,
        name="a report in plain words",
        tried=_posted(lambda made: made.update(headline="1 to create; at most 5.00 USD")),
    ),
    Harmless(
        kind=Kind.ESCAPING, name="a report of a long preview", tried=_posted(lambda made: made.update(seconds=3600.5))
    ),
)
