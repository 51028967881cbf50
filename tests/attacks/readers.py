"""Readers of each medium that a report is written for: what they would do with it that its words alone do not do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from core.inert import visible
from ops.preview.command import WRITERS, Form
from ops.report.model import Report
from tests.attacks.corpus import active

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_WRITTEN = {
    "b", "blockquote", "br", "code", "details", "div", "h3", "h4", "li", "ol", "p", "pre", "span", "strong", "sub", "summary",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
"""The elements that a report in Markdown is made of."""
_PAGE = {
    "b", "br", "code", "details", "footer", "h1", "h2", "html", "li", "meta", "p", "pre", "span", "style", "summary", "table",
    "td", "th", "title", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"class", "open", "lang", "charset", "name", "content"}


class _Elements(HTMLParser):
    """The elements of a page, its attributes and comments."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.comments = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_comment(self, data: str) -> None:
        self.comments += 1


def shape(form: Form, report: Report) -> list[str]:
    """What a report is made of in a form, without its words: two reports that differ in words alone have the same shape."""
    text = WRITERS[form](report)
    if form in (Form.TERMINAL, Form.JSON):
        return [str(len(text.splitlines()))]
    page = _MARKDOWN.render(text) if form is Form.MD else text
    # A message of several lines is shown as several lines.
    return [each for each in _Elements(page).tags if each not in ("br", "code", "span")]


def done(form: Form, report: Report) -> Iterator[str]:
    """What a reader of a form would do beyond showing words; nothing when the report is inert."""
    text = WRITERS[form](report)
    seen = text.replace("\u200b", "") if form is Form.MD else text
    if visible(seen) != seen:
        yield "a control or unseen character, or a command of a CI job"
    if form is Form.JSON and json.loads(text) != report.model_dump(mode="json", by_alias=True):
        yield "another value"
    if form is Form.MD:
        page = _MARKDOWN.render(text)
        yield from active(page)
        yield from _beyond(page, _WRITTEN, {"open", "style", "class"})
    if form is Form.HTML:
        yield from _beyond(text.replace("<!doctype html>", ""), _PAGE, _ATTRIBUTES)


def lines_begun(form: Form, report: Report, text: str) -> list[str]:
    """Lines of a report in a form for a terminal that begin with what follows a line's end in the text."""
    first, *rest = re.split(r"[\n\r\u2028\x85]", text)
    # A few characters, or those that the text begins with, begin lines of their own right.
    starts = tuple(line for line in rest if len(line.strip()) > 7 and not first.startswith(line))
    return [line for line in WRITERS[form](report).splitlines() if starts and line.startswith(starts)]


def _beyond(page: str, tags: set[str], attributes: set[str]) -> Iterator[str]:
    found = _Elements(page)
    yield from (f"<{each}>" for each in found.tags if each not in tags)
    yield from (f"{each}=" for each in found.attributes if each not in attributes)
    yield from ("a comment" for _ in range(found.comments))
