"""Texts of others in each medium, read back by a reader of it: it shows what they say and does nothing else."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from html import unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.inert import as_json, cell, code, fenced, html, one_line, plain, visible
from tests.attacks.corpus import TEXTS, active

READER = MarkdownIt("commonmark").enable("table")
PIECES = [":secret:", "|", "`", "``", "a", "*b*", "@all", "[x](y)", "<b>", "&lt;", "\\", "#", "http://e.x", " ", "_c_"]
texts = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from([*PIECES, "::", "##[", "\n", "\x1b", "$", "www.", "gh-1"]), max_size=8).map("".join),
    st.sampled_from(TEXTS),
)


def shown(markup: str, tag: str) -> str:
    """The text of the one element of that tag."""
    found = re.search(f"<{tag}[^>]*>(.*?)</{tag}>", READER.render(markup), re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", "", found[1])).replace("\u200b", "") if found else ""


def flat(text: str) -> str:
    return " ".join(visible(text).split()).replace("<!--", "<!- -")


@settings(max_examples=300)
@given(texts)
@example("a`b``c")
@example("`" * 80)
@example("a|b")
@example("a\\|b")
def test_a_span_of_code_shows_its_text_outside_tables_and_within(text: str) -> None:
    assert shown(f"- {code(text)}.", "code") == flat(text)
    assert shown(f"| a | b |\n|---|---|\n| {cell(text)} | 1 |\n", "code") == flat(text)


def test_a_span_of_code_never_needs_more_backticks_than_a_reader_takes() -> None:
    assert code("a" + "`" * 90).count("`") == 0 and code("a") == "`a`"


@settings(max_examples=300)
@given(texts)
@example("arn:aws:secretsmanager:us-east-1:000000000000:secret:modelyard-prod/registry")
def test_text_outside_code_is_seen_as_it_is_and_does_nothing(text: str) -> None:
    for before in ("x ", "> ", ""):
        rendered = READER.render(f"{before}{plain(text)}")
        assert set(re.findall(r"<(\w+)", rendered)) <= {"p", "blockquote", "span"}
        assert shown(f"{before}{plain(text)}", "p") == f"{before.strip('> ')} {flat(text)}".strip()
        assert not active(rendered)


@settings(max_examples=300)
@given(texts)
def test_text_in_an_element_stays_in_it_and_does_nothing(text: str) -> None:
    for markup in (f"<details><summary><b>{html(text)}</b></summary>\n\nx\n\n</details>", f"- <b>{html(text)}</b>"):
        rendered = READER.render(markup)
        assert set(re.findall(r"<(\w+)", rendered)) <= {"p", "ul", "li", "b", "details", "summary", "span"}
        assert shown(markup, "b") == flat(text)
        assert not active(rendered)


def test_a_dollar_begins_no_formula() -> None:
    assert plain("$a$") == html("$a$") == "<span>&#36;</span>a<span>&#36;</span>"


@settings(max_examples=300)
@given(texts)
@example("```\n# out")
def test_a_block_of_code_ends_where_we_end_it(text: str) -> None:
    rendered = READER.render("\n".join([*fenced(text), "", "after"]))
    assert rendered.startswith("<pre><code") and rendered.endswith("</code></pre>\n<p>after</p>\n")
    assert rendered.count("<p>") == 1 and "<!--" not in rendered


@pytest.mark.parametrize("category", ["Cc", "Cf", "Cs", "Zl", "Zp"])
def test_every_character_of_a_category_that_drives_or_hides_is_shown_as_its_code(category: str) -> None:
    found = [chr(each) for each in range(sys.maxunicode + 1) if unicodedata.category(chr(each)) == category]
    assert [each for each in found if each not in "\t\n" and each in visible(each)] == []


@pytest.mark.parametrize("line", ["::set-output name=a::b", "  ::stop-commands::x", "\u3000::debug::x", "a ##[error]x"])
def test_no_line_of_a_log_is_a_command(line: str) -> None:
    for text in (line, f"a\n{line}", f"a\r{line}", f"a\u2028{line}"):
        assert not [each for each in visible(text).split("\n") if each.lstrip().startswith("::") or "##[" in each]


@pytest.mark.parametrize("text", ["a::b", "urn:pulumi:dev::modelyard::aws:s3/bucket:Bucket::x", "## [a]", ": :", "✓ é"])
def test_a_text_that_does_nothing_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(texts)
def test_a_line_is_one_line(text: str) -> None:
    assert len((one_line(text) + "x").splitlines()) == 1


@given(st.recursive(st.none() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5))
def test_json_says_the_same_and_shows_what_it_holds(value: object) -> None:
    document = as_json(json.dumps(value, indent=1, ensure_ascii=False))
    assert json.loads(document) == value
    assert visible(document) == document
