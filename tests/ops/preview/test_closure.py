"""The guarded set is the closure of what judges, and a change of one byte of any file in it is said first."""

from __future__ import annotations

import importlib.machinery
import random
import site
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.preview import pull_request
from ops.preview.base_checkout import changed
from ops.preview.command import WRITERS, Form
from ops.preview.owners import Owners
from ops.preview.pull_request import GitHub
from ops.report import model
from ops.report.make import Found, make
from ops.report.model import JudgingCheckout
from tests.ops import closure
from tests.roots import ROOT

GUARDIAN = "@modelyard/guardians"
FREE = ("app", "docs", "examples", "labs", "tests")
OWNERS = Owners.read(ROOT)


def test_every_module_and_every_data_file_of_what_judges_has_a_guardian() -> None:
    files = closure.files()
    assert {"core/problem.py", "kube/shape.py", "pricing/book/data/on_demand.json", "ops/pages/report.html"} <= set(
        files
    )
    assert len(files) > 400
    assert [each for each in files if GUARDIAN not in OWNERS.of(each)] == []


def test_what_judges_stands_on_no_free_folder() -> None:
    assert sorted(each for each in closure.modules() if each.partition(".")[0] in FREE) == []


def test_what_judges_opens_nothing_free_but_what_it_judges() -> None:
    assert {"guard.yaml", "pricing/book/data/on_demand.json"} <= closure.opened()
    assert {"Pulumi.dev.yaml", "Pulumi.prod.yaml"} <= closure.judged()
    assert sorted(each for each in closure.opened() - closure.judged() if not OWNERS.guards(each)) == []


def test_no_guarded_file_is_a_link() -> None:
    listed = subprocess.run(["git", "ls-files", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    kinds = {path: mode for line in listed.stdout.splitlines() for mode, path in [(line[:6], line.partition("\t")[2])]}
    assert {path: mode for path, mode in kinds.items() if mode not in ("100644", "100755")} == {}


def test_no_library_that_judges_has_a_name_of_ours() -> None:
    """What judges looks for our packages behind the libraries, so none of those may stand in for one of ours."""
    rooms = {module.partition(".")[0] for module in closure.modules()}
    found = {room: importlib.machinery.PathFinder.find_spec(room, site.getsitepackages()) for room in rooms}
    assert {room for room, spec in found.items() if spec is not None} == set()


def first_lines(judge: JudgingCheckout) -> Iterator[str]:
    """The first line of the report that a person reads, in each form."""
    found = make(Found(world="w", simulated=True, stack="dev", full="", judge=judge))
    for form in (Form.TERMINAL, Form.MD):
        yield WRITERS[form](found).splitlines()[0]
    yield WRITERS[Form.HTML](found).partition("</style>")[2].strip().splitlines()[0]


def said_first(judge: JudgingCheckout, files: int) -> bool:
    """Whether every form says before anything else that the guardian has to read so many files."""
    many = f"it touches {files} file{'s' * (files > 1)} that"
    lines = [line.replace("\u200b", "") for line in first_lines(judge)]
    return all(GUARDIAN in line and many in line for line in lines)


def test_one_byte_of_every_file_of_the_closure_is_seen_and_said_first(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    flipped = random.Random(14)  # noqa: S311 which byte, no secret
    for path in closure.files():
        content = bytearray((ROOT / path).read_bytes())
        for side in (theirs, ours):
            (side / path).parent.mkdir(parents=True, exist_ok=True)
            (side / path).write_bytes(content)
        if content:
            content[flipped.randrange(len(content))] ^= 1
        else:
            content += b" "
        (ours / path).write_bytes(content)
    found = list(changed(theirs, ours, OWNERS))
    assert [each.path for each in found] == list(closure.files()) and {each.how for each in found} == {"changed"}
    for each in found:
        assert said_first(JudgingCheckout(revision="r", changed=[each], guardians=OWNERS.guardians([each.path])), 1)
    assert said_first(JudgingCheckout(revision="r", changed=found, guardians=[GUARDIAN]), len(found))


@dataclass(frozen=True)
class Listed(GitHub):
    """A GitHub that lists the files of one pull request, and keeps what is posted."""

    files: tuple[str, ...] = ()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        if path == "pulls/7":
            return {"changed_files": len(self.files)}
        if path.startswith("pulls?"):
            return [{"number": 7, "head": {"sha": "a"}}]
        if path.startswith("pulls/7/files"):
            page = int(path.rpartition("=")[2])
            return [{"filename": each} for each in self.files[page * 100 - 100 : page * 100]]
        if body:
            POSTED.append(str(body["body"]))
        return []


POSTED: list[str] = []


def comment_on(folder: Path, *files: str) -> str:
    """The comment on a pull request that changes these files, whose own report says that all is well."""
    report = model.Report(world="w", simulated=True, stack="dev", verdict=model.Verdict.PASSES, headline="fine")
    (folder / "dev.json").write_text(model.as_json(report))
    head = {"head_sha": "a", "head_branch": "b", "head_repository": {"owner": {"login": "o"}}}
    github = Listed(api="", repository="", token="", files=files)
    pull_request.post(github, {"workflow_run": head}, folder, ROOT)
    return POSTED.pop()


def test_the_comment_on_a_change_of_any_file_of_the_closure_names_the_guardian_first(tmp_path: Path) -> None:
    for path in closure.files():
        first = comment_on(tmp_path, "docs/a.md", path).splitlines()[0]
        assert first.startswith(f"> **A guardian (`{GUARDIAN}`) has to read this change**") and f"`{path}`" in first, (
            path
        )


def test_a_change_of_what_decides_nothing_is_nobodys(tmp_path: Path) -> None:
    assert "guardian" not in comment_on(
        tmp_path, "docs/a.md", "Pulumi.dev.yaml", "app/chat.py", "tests/infra/test_a.py"
    )
