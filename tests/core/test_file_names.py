"""A name that somebody else chose is one file in the folder that is meant, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import file_names
from core.problem import Refused


@pytest.mark.parametrize(
    "name", ["support.md", "a", "_x", "Résumé.md", "v1.2-rc_3", "two words.md", "console", "x" * 200]
)
def test_an_ordinary_name_is_a_file(name: str) -> None:
    assert file_names.checked(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "/etc/passwd",
            "a\\b",
            "C:x",
            "a..b",
            ".hidden",
            "-rf",
            " x",
            "x ",
            "x.",
            "~root",
        ),
        *("a\0b", "a\nb", "a\x1bb", "a\u202eb", "a\u200bb", "con", "NUL.md", "lpt1", "x" * 201, "ö" * 101, "e\u0301"),
        *("a:b", "a*b", "a?b", "a|b", 'a"b', "a<b", "$(x)", "`x`", "a;b", "a&b", "%2e%2e"),
    ],
)
def test_a_name_that_is_no_file_of_one_folder_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(Refused) as told:
        file_names.checked(name, "registry.prompts")
    (problem,) = told.value.problems
    assert problem.where == "registry.prompts" and not problem.found


@given(st.text(max_size=300))
def test_whatever_passes_is_one_file_of_its_folder(name: str) -> None:
    if file_names.wrong(name):
        return
    path = Path("/some/folder") / name
    assert path.parent == Path("/some/folder") and path.name == name and name.isprintable() and name[0] not in "-. "


def test_two_names_that_differ_in_case_alone_are_refused() -> None:
    file_names.apart(["a.md", "b.md", "a.schema.json"])
    with pytest.raises(Refused):
        file_names.apart(["a.md", "A.md"])


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder, outside = tmp_path / "here", tmp_path / "there"
    folder.mkdir()
    outside.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "file.md").symlink_to(folder / "other.md")
    assert file_names.inside(folder, folder / "prompts" / "x.md") == folder / "prompts" / "x.md"
    for path in (folder / "link" / "x.md", folder / ".." / "x.md", folder / "file.md"):
        with pytest.raises(Refused):
            file_names.inside(folder, path)
