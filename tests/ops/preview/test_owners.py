"""Who owns a file, as GitHub reads `.github/CODEOWNERS`, and the lines that are refused because GitHub would drop them."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.problem import Refused
from ops.preview.owners import Owners
from tests.roots import ROOT

SOME = "* @o/g\n/docs/\n/Pulumi.*.yaml\n/README.md # said once\n/docs/gate/ @o/g g@e.example\n/tests @t\n"


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("policies/rule.py", ("@o/g",)),
        ("late.py", ("@o/g",)),
        ("docs/a/b.md", ()),
        ("a/docs/b.md", ("@o/g",)),
        ("docs", ("@o/g",)),
        ("docsx/a", ("@o/g",)),
        ("docs/gate/a", ("@o/g", "g@e.example")),
        ("Pulumi.dev.yaml", ()),
        ("Pulumi.yaml", ("@o/g",)),
        ("a/Pulumi.dev.yaml", ("@o/g",)),
        ("Pulumi.a/b.yaml", ("@o/g",)),
        ("Pulumi.dev.yaml/a.py", ("@o/g",)),
        ("README.md", ()),
        ("README.mdx", ("@o/g",)),
        ("readme.md", ("@o/g",)),
        ("tests", ("@t",)),
        ("tests/a/b.py", ("@t",)),
    ],
)
def test_the_last_line_that_matches_decides(path: str, owners: tuple[str, ...]) -> None:
    assert Owners.parse(SOME).of(path) == owners
    assert Owners.parse(SOME).guards(path) == bool(owners)


@pytest.mark.parametrize(
    "line",
    [
        "!/policies/ @o/g", "/policies/[ab].py @o/g", "/a?b @o/g", "policies/ @o/g", "*.py @o/g", "/**/a @o/g", "/docs/* @o/g",
        "/a\\ b @o/g", "/a#b @o/g", "\\#a @o/g", "/ @o/g", "/policies/ guardians", "/policies/ @", "/policies/ @o/g,@o/h",
        "/policies/\u00a0@o/g", "/policies/ @o/g\r", "//policies/ @o/g", "[section] @o/g", "/pol\u0131cies/ @o/g",
    ],
)  # fmt: skip
def test_a_line_that_github_would_drop_or_read_otherwise_is_refused(line: str) -> None:
    with pytest.raises(Refused) as refused:
        Owners.parse(f"* @o/g\n{line}\n")
    assert "CODEOWNERS:2: GitHub would leave this line out" in str(refused.value)


@pytest.mark.parametrize("text", ["", "# nothing\n", "/docs/\n"])
def test_a_file_that_names_nobody_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        Owners.parse(text)
    with pytest.raises(Refused):
        Owners.read(tmp_path)


def test_comments_and_empty_lines_own_nothing() -> None:
    assert Owners.parse("# who\n\n* @o/g  # all\n").of("a") == ("@o/g",)


def test_guardians_are_named_once_in_the_order_of_the_file() -> None:
    owners = Owners.parse(SOME)
    assert owners.guardians(["tests/a", "docs/gate/a", "policies/a", "docs/a"]) == ["@o/g", "g@e.example", "@t"]
    assert owners.everybody == ["@o/g", "g@e.example", "@t"]


names = st.text(alphabet="ab.-", min_size=1, max_size=3)
files = st.lists(names, min_size=1, max_size=3).map("/".join)


@given(st.lists(st.tuples(files, st.sampled_from(["", "/"]), st.booleans()), max_size=5), files)
def test_the_lines_are_read_as_a_second_reader_reads_them(lines: list[tuple[str, str, bool]], path: str) -> None:
    said = True
    for pattern, slash, owned in lines:
        if (fnmatch.fnmatchcase(path, f"{pattern}/*") and (slash or owned)) or (path == pattern and not slash):
            said = owned
    text = "* @o/g\n" + "".join(f"/{pattern}{slash} {'@o/g' * owned}\n" for pattern, slash, owned in lines)
    assert Owners.parse(text).guards(path) == said


def test_the_file_of_this_repository_guards_all_that_is_not_named() -> None:
    first, *others = Owners.read(ROOT).lines
    assert first.pattern == "*" and first.owners
    assert [each.pattern for each in others if each.owners] == ["/tests/attacks/"]
