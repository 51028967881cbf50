"""What is printed is the text: nothing in it is a picture, a style, a colour or a line that is broken."""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pulumi.automation.events import EngineEvent

from core.inert import visible
from core.problem import Problem
from ops.console import Printer
from ops.engine.automation import Outcome
from ops.engine.events import EngineEvents, Operation
from ops.show import Show
from tests.roots import ROOT
from tests.syntax import parsed

ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:modelyard-prod/registry-AbCdEf"
NASTY = [
    ARN,
    "[red]x[/red] [/] [link=https://a.example]b[/link] \\[a]",
    "a\ttab, " + "long " * 60 + "end   ",
    ":smile: :+1: 'text' 123 0x1F https://example.com/a?b=c&d=<e> None True",
]
PIECES = [":secret:", ":x:", "[bold]", "[/]", "[", "]", "\\[", "\t", "   ", "word", "\n", "'a'", "12", "㊙", "@all"]
texts = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=200),
    st.sampled_from(NASTY),
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
)

ROOMS = (
    "ops",
    "sandbox",
    "infra",
    "policies",
    "engine",
    "mlflow_provider",
    "components",
    "pricing",
    "kube",
    "core",
    "contract",
)


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


class Terminal(io.StringIO):
    """A terminal that keeps what it is given."""

    def isatty(self) -> bool:
        return True


def event(text: str, severity: str) -> EngineEvent:
    said = {"message": text, "severity": severity, "color": "never"}
    return EngineEvent.from_json({"sequence": 0, "timestamp": 0, "diagnosticEvent": said})


def failed(text: str) -> Outcome:
    events = EngineEvents(planning=False)
    events.listen(event(text, "error"))
    return Outcome(operation=Operation.UP, ok=False, events=events, seconds=1.0)


WAYS: dict[str, Callable[[Show, str], None]] = {
    "say": lambda show, text: show.say(text),
    "line": lambda show, text: show.line(text, style="bold red"),
    "head": lambda show, text: show.head(text, "dev"),
    "plain": lambda show, text: show.plain(text),
    "problem's summary": lambda show, text: show.problems([Problem(summary=text)]),
    "problem's found": lambda show, text: show.problems([Problem(summary="no", found=text)]),
    "engine's error": lambda show, text: show.outcome(failed(text)),
}


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40)
@given(text=texts)
@example(text=ARN)
@example(text="[a]b[/a]")
def test_every_text_comes_out_as_it_is(way: str, text: str) -> None:
    if way == "engine's error":
        # The engine's own colours are taken out where its events are gathered, and the white space around a message.
        text = text.strip().replace("<{%", "")
    show, written = Show(), io.StringIO()
    show.out, show.err = Printer(written), Printer(written)
    WAYS[way](show, text)
    assert visible(text) in written.getvalue()


@given(text=texts)
def test_on_a_terminal_only_colours_are_added(text: str) -> None:
    terminal = Terminal()
    Printer(terminal).write((text, "bold red"), (text, ""))
    written = terminal.getvalue()
    for code in ("\x1b[1;31m", "\x1b[0m"):
        written = written.replace(code, "")
    assert written == f"{visible(text)}{visible(text)}\n"


@given(st.text(max_size=40))
def test_no_control_character_reaches_the_terminal_and_each_is_shown(text: str) -> None:
    written = io.StringIO()
    Printer(written).write((text, ""))
    assert not [each for each in written.getvalue() if not (each.isprintable() or each in "\t\n") and ord(each) < 0xA0]
    assert written.getvalue().encode()
    assert all(len(visible(each)) >= 1 for each in text)


def test_an_escape_is_shown_as_its_code() -> None:
    assert visible("a\x1b[2J\r\u202eb\ud800") == "a\\x1b[2J\\x0d\\u202eb\\ud800"
    assert visible("a\tb\nc ✓ é") == "a\tb\nc ✓ é"


def test_one_json_value_is_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    Show(as_json=True).value({"text": NASTY})
    assert json.loads(capsys.readouterr().out) == {"text": NASTY}


def test_nobody_but_the_printer_uses_the_terminal_library() -> None:
    """Whoever imports it could print with emoji, markup or wrapping. `rich.status` is a type only."""
    found = []
    for path in python_files(*ROOMS):
        if path.relative_to(ROOT) == Path("ops/console.py"):
            continue
        for node in ast.walk(parsed(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path.name}: {name}" for name in names if name.partition(".")[0] == "rich"]
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.echo", "typer.secho", "click.echo"):
                found.append(f"{path.name}: {ast.unparse(node.func)}")
    assert found == ["show.py: rich.status"]


def test_what_the_help_formats_is_written_by_us_alone() -> None:
    """Typer reads markup in its help: no text there is put together from data."""
    for path in python_files("ops"):
        for node in ast.walk(parsed(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg in ("help", "epilog", "short_help"):
                joined = [each for each in ast.walk(node.value) if isinstance(each, ast.JoinedStr)]
                assert not joined, f"{path.name}:{node.value.lineno}"
