"""Templates of pages: whatever they are given is text, and what nobody gives is an error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from ops.pages import FOLDER, render

ROOT = Path(__file__).parents[3]
TEMPLATES = [*FOLDER.glob("*.html"), *(ROOT / "labs").glob("*/*.html")]


def of(folder: Path, text: str) -> str:
    (folder / "page.html").write_text('{% extends "base.html" %}' + text, encoding="utf-8")
    return render("page.html", beside=folder, title="<b>", rows=["<script>", "'\">"])


def test_a_page_beside_the_base_layout_escapes_everywhere_even_through_a_macro(tmp_path: Path) -> None:
    page = of(
        tmp_path,
        "{% macro row(text) %}<li title='{{ text }}'>{{ text }}{% endmacro %}{% block title %}{{ title }}{% endblock %}"
        "{% block body %}{% for each in rows %}{{ row(each) }}{% endfor %}{{ rows | join('|') }}\n{% endblock %}",
    )
    assert page.startswith("<!doctype html>") and page.endswith("\n")
    assert "<b>" not in page and "<script>" not in page and "'\">" not in page
    assert page.count("&lt;script&gt;") == 3


@pytest.mark.parametrize("text", ["{{ nobody }}", "{{ rows.nothing }}", "{% if nobody %}x{% endif %}"])
def test_a_value_that_nobody_gives_is_an_error_and_no_gap(tmp_path: Path, text: str) -> None:
    with pytest.raises(UndefinedError):
        of(tmp_path, "{% block title %}{% endblock %}{% block body %}" + text + "{% endblock %}")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_template_loads_anything_or_marks_a_value_as_safe(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|url\(|@import|https?://", text)
    assert not re.search(r"(?<!join\(\"<td>\" )\| safe|autoescape", text)
    assert template.name == "base.html" or text.startswith('{% extends "base.html" %}')


def test_there_are_templates() -> None:
    assert len(TEMPLATES) >= 6
