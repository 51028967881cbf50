"""Versions side by side: what is refused, what is marked, and what a page shows of texts that others wrote."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.problem import Refused
from ops.options import CompareFormat
from ops.registry import compare_page
from ops.registry.compare import Comparison, chosen, compared
from ops.registry.versions import DataSet, Model, Version

HELD_OUT = DataSet(name="tickets", digest="aa11", use="evaluation")
FIRST = Version(
    number=1,
    aliases=(),
    created_ms=0,
    run="r1",
    params={"rank": "4", "seed": "0"},
    metrics={"accuracy": 0.5, "loss": 0.9},
    data=(DataSet(name="tickets", digest="bb22", use="training"), HELD_OUT),
    signature="",
    digest="sha256:" + "d" * 64,
    base="sha256:" + "e" * 64,
    commit="c" * 40,
    size_bytes=1_851_392,
)
SECOND = replace(
    FIRST, number=2, aliases=("production",), params={"rank": "8", "seed": "0"}, metrics={"accuracy": 0.9, "loss": 0.2}
)


def model(*versions: Version, **tags: str) -> Model:
    return Model(name="router", tags=tags, versions=versions)


def compare(
    *versions: Version, metric: str = "", anyhow: bool = False, tags: dict[str, str] | None = None
) -> Comparison:
    return compared(model(*versions, **(tags or {})), versions, metric, anyhow=anyhow)


def judged_on(*digests: str, use: str = "evaluation") -> tuple[DataSet, ...]:
    return tuple(DataSet(name="d", digest=digest, use=use) for digest in digests)


def test_versions_judged_on_the_same_data_are_shown_with_what_differs_and_the_best_of_each_metric() -> None:
    comparison = compare(FIRST, SECOND)
    assert comparison.params == ("rank",) and comparison.comparable
    assert comparison.best == {"accuracy": {2}, "loss": {2}}
    lines = list(compare_page.table(comparison))
    cells = {line.split("  ")[0]: line.split()[1:] for line in lines}
    assert cells["rank"] == ["4", "8"] and "seed" not in cells
    assert cells["accuracy"] == ["0.5", "0.9", "*"] and cells["loss"] == ["0.9", "0.2", "*"]
    assert cells["size"] == ["1.85", "MB", "1.85", "MB"]
    assert cells["judged on"][1:] == ["aa11"] * 2 and cells["trained on"][1:] == ["bb22"] * 2
    assert cells["base"] == ["e" * 12] * 2 and cells["weights"] == ["d" * 12] * 2 and cells["commit"] == ["c" * 12] * 2


def test_versions_judged_on_different_data_are_refused_with_the_digests_of_each() -> None:
    other = replace(SECOND, data=judged_on("cc33"))
    third = replace(SECOND, number=3)
    with pytest.raises(Refused) as refused:
        compare(FIRST, other, third)
    (problem,) = refused.value.problems
    assert problem.found == "versions 1, 3: aa11; version 2: cc33" and "--any-data" in problem.fix


@pytest.mark.parametrize(
    "data",
    [
        (),
        judged_on("aa11", use="training"),
        judged_on("aa11", use=""),
        judged_on(""),
        judged_on("aa11", ""),
    ],
)
def test_a_version_whose_data_is_not_known_is_refused_among_others_and_shown_alone(data: tuple[DataSet, ...]) -> None:
    unknown = replace(SECOND, data=data)
    with pytest.raises(Refused) as refused:
        compare(FIRST, unknown)
    (problem,) = refused.value.problems
    assert problem.where == "version 2" and "log_input" in problem.fix
    assert compare(unknown).comparable


@given(st.lists(st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=2), min_size=2, max_size=4))
def test_versions_pass_when_every_one_was_judged_on_the_same_known_digests_and_never_else(
    sets: list[frozenset[str]],
) -> None:
    versions = [replace(FIRST, number=place, data=judged_on(*digests)) for place, digests in enumerate(sets, 1)]
    if len(set(sets)) == 1 and sets[0]:
        assert compare(*versions).comparable
    else:
        with pytest.raises(Refused):
            compare(*versions)
        assert not compare(*versions, anyhow=True).comparable


def test_shown_all_the_same_they_say_why_nothing_is_marked() -> None:
    comparison = compare(FIRST, replace(SECOND, data=judged_on("cc33")), anyhow=True)
    assert not any(comparison.best.values())
    for form in CompareFormat:
        text = compare_page.written(comparison, form)
        assert ("judged on different data" in text) or (
            form is CompareFormat.JSON and not json.loads(text)["comparable"]
        )
        assert "0.9 *" not in text


@pytest.mark.parametrize(
    ("metric", "tags", "best"),
    [
        ("held_out_accuracy", {}, {2}),
        ("eval-loss", {}, {1}),
        ("RMSE", {}, {1}),
        ("answers", {}, set()),
        ("answers", {"better.answers": "higher"}, {2}),
        ("answers", {"better.answers": "lower"}, {1}),
        ("accuracy", {"better.accuracy": "lower"}, {1}),
        ("answers", {"better.answers": "up"}, set()),
        ("accuracy_ratio", {}, set()),
    ],
)
def test_the_best_is_by_the_models_own_word_else_by_a_name_that_is_common_knowledge(
    metric: str, tags: dict[str, str], best: set[int]
) -> None:
    low, high = replace(FIRST, metrics={metric: 0.1}), replace(SECOND, metrics={metric: 0.2})
    comparison = compare(low, high, tags=tags)
    assert comparison.best[metric] == best
    assert (metric in comparison.undirected) is (not best)
    assert (f"which way is better: {metric}" in "\n".join(compare_page.table(comparison))) is (not best)


def test_equals_are_best_together_unless_all_are_equal_and_what_is_no_number_never_is() -> None:
    low, high, again = (replace(FIRST, number=n, metrics={"accuracy": v}) for n, v in ((1, 0.1), (2, 0.2), (3, 0.2)))
    strange, without = replace(FIRST, number=4, metrics={"accuracy": math.nan}), replace(FIRST, number=5, metrics={})
    assert compare(low, high, again, strange, without).best["accuracy"] == {2, 3}
    assert compare(high, again).best["accuracy"] == frozenset()
    assert compare(strange, high).best["accuracy"] == frozenset()


def test_a_metric_that_no_version_has_is_refused_with_those_there_are() -> None:
    assert compare(FIRST, SECOND, metric="loss").metrics == ("loss",)
    with pytest.raises(Refused, match="accuracy, loss"):
        compare(FIRST, SECOND, metric="acuracy")


def test_versions_are_named_by_number_or_alias() -> None:
    both = model(FIRST, SECOND)
    assert chosen(both, []) == [FIRST, SECOND]
    assert chosen(both, ["production", "2"]) == [SECOND]
    assert chosen(both, ["2", "1"]) == [FIRST, SECOND]
    with pytest.raises(Refused) as refused:
        chosen(both, ["3", "1", "staging"])
    assert [problem.found for problem in refused.value.problems] == ["3", "staging"]
    with pytest.raises(Refused, match="no versions yet"):
        chosen(model(), [])


def test_a_machine_gets_whole_digests_and_who_is_best() -> None:
    found = json.loads(compare_page.written(compare(FIRST, SECOND), CompareFormat.JSON))
    assert found["best"] == {"accuracy": [2], "loss": [2]} and found["differing"] == ["rank"]
    first, second = found["versions"]
    assert first["digest"] == FIRST.digest and first["judgedOn"] == ["aa11"] and second["sizeBytes"] == 1_851_392


class Page(HTMLParser):
    """The tags of a page, and the text of each cell."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.cells.append("")

    def handle_data(self, data: str) -> None:
        self.cells[-1] += data


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_no_text_of_a_registry_becomes_a_tag_of_a_page_or_a_row_of_a_table(text: str) -> None:
    strange = replace(SECOND, aliases=(text,), params={"rank": text}, metrics={f"{text}_zz": 1.0}, commit=text)
    comparison = compare(FIRST, strange)
    plain = compare(FIRST, replace(strange, aliases=("x",), params={"rank": "x"}, metrics={"zz": 1.0}, commit="x"))
    page = Page(compare_page.page(comparison, text))
    assert sorted(page.tags) == sorted(Page(compare_page.page(plain, "x")).tags)
    rows = [line for line in compare_page.markdown(comparison) if line.startswith("| ")]
    assert all(len(line.replace("\\|", "").split("|")) == 5 for line in rows if "`" not in text)


def test_a_page_has_every_cell_of_the_table_and_loads_nothing() -> None:
    page = compare_page.written(compare(FIRST, SECOND), CompareFormat.HTML)
    assert "<td class=best>0.9 *" in page and "<td>0.5" in page
    assert "src=" not in page and "href" not in page
