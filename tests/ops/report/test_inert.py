"""Texts of others in Markdown, read back by a Markdown reader: it shows what they say and nothing else."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ops.pages.inert import cell, code, plain

READER = MarkdownIt("commonmark").enable("table")
PIECES = [":secret:", "|", "`", "``", "a", "*b*", "@all", "[x](y)", "<b>", "&lt;", "\\", "#", "http://e.x", " ", "_c_"]
texts = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))


def shown(markup: str, tag: str) -> str:
    """The text of the one element of that tag."""
    found = re.search(f"<{tag}[^>]*>(.*?)</{tag}>", READER.render(markup), re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", "", found[1])) if found else ""


def flat(text: str) -> str:
    return " ".join(text.split()).replace("\0", "\ufffd").replace("<!--", "<!- -")


@settings(max_examples=200)
@given(texts)
@example("a`b``c")
@example("`")
@example("a|b")
def test_a_span_of_code_shows_its_text_outside_tables_and_within(text: str) -> None:
    assert shown(f"- {code(text)}.", "code") == flat(text)
    assert shown(f"| a | b |\n|---|---|\n| {cell(text)} | 1 |\n", "code") == flat(text)


@settings(max_examples=200)
@given(texts)
@example("arn:aws:secretsmanager:us-east-1:000000000000:secret:modelyard-prod/registry")
def test_text_outside_code_is_seen_as_it_is_and_does_nothing(text: str) -> None:
    markup = f"x {plain(text)}"
    assert shown(markup, "p").replace("\u200b", "") == f"x {flat(text)}".rstrip().replace("\u200b", "")
    tags = set(re.findall(r"<(\w+)", READER.render(markup)))
    assert tags == {"p"}
    assert not re.search(r":[a-z0-9_+-]+:|@[A-Za-z0-9]", plain(text))
