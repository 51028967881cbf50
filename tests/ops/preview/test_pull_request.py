"""Reports as data from a job that nobody trusts, and the comments that they become, against a GitHub of ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.problem import ExitCode, Refused
from ops import cli
from ops.preview import pull_request
from ops.preview.pull_request import GitHub, comments, marker, post
from ops.report import model
from ops.report.fit import LIMIT
from ops.report.model import Report, Verdict

HEAD = "a" * 40
STACKS = {"dev", "prod"}


def report(**more: Any) -> Report:
    values = {
        "world": "SIMULATED sandbox",
        "simulated": True,
        "stack": "dev",
        "verdict": Verdict.PASSES,
        "headline": "fine",
    }
    return Report(**{**values, **more})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "reports"
    made.mkdir()
    (made / "dev.json").write_text(model.as_json(report()))
    return made


class Fake(HTTPServer):
    """As much of GitHub as a poster meets; `calls` holds what it was asked to write."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pulls: list[dict[str, Any]] = [{"number": 7, "head": {"sha": HEAD}}]
        self.files: list[dict[str, Any]] = [{"filename": "Pulumi.dev.yaml"}]
        self.counted: int | None = None
        self.comments: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, str]] = []
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Fake

    def _answer(self, value: Any, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.headers["Authorization"] != "Bearer t":
            return self._answer({}, 401)
        path, _, query = self.path.removeprefix("/repos/o/r/").partition("?")
        if path == "pulls/7":
            counted = self.server.counted
            return self._answer({"changed_files": len(self.server.files) if counted is None else counted})
        page = int(dict(each.split("=") for each in query.split("&"))["page"])
        lists = {
            "pulls": self.server.pulls,
            "pulls/7/files": self.server.files,
            "issues/7/comments": self.server.comments,
        }
        return self._answer(lists[path][(page - 1) * 100 : page * 100])

    def _write(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append((self.command, self.path.removeprefix("/repos/o/r/"), body["body"]))
        self._answer({})

    do_POST = do_PATCH = _write  # noqa: N815

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def github(fake: Fake, token: str = "t") -> GitHub:  # noqa: S107
    return GitHub(api=f"http://127.0.0.1:{fake.server_port}", repository="o/r", token=token)


def event(branch: str = "feature") -> dict[str, Any]:
    run = {"head_sha": HEAD, "head_branch": branch, "head_repository": {"owner": {"login": "somebody"}}}
    return {"workflow_run": run}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "CODEOWNERS").write_text("# who\n/policies/ @g\n/infra/plan.py @g\n")
    for stack in STACKS:
        (tmp_path / f"Pulumi.{stack}.yaml").touch()
    return tmp_path


def test_a_comment_is_posted_once_and_then_updated(fake: Fake, folder: Path, root: Path) -> None:
    assert post(github(fake), event(), folder, root) == ["dev: posted on pull request 7"]
    ((method, path, body),) = fake.calls
    assert (method, path) == ("POST", "issues/7/comments")
    assert body.splitlines()[0].endswith("SIMULATED sandbox, stack dev: may be deployed")
    assert body.rstrip().endswith(marker("dev"))

    others = [{"id": number, "body": "hello", "user": {"type": "User"}} for number in range(120)]
    fake.comments = [*others, {"id": 500, "body": f"{body}\n", "user": {"type": "Bot"}}]
    assert post(github(fake), event(), folder, root) == ["dev: updated on pull request 7"]
    assert fake.calls[-1][:2] == ("PATCH", "issues/comments/500")


def test_somebodys_comment_with_our_marker_is_not_taken_for_ours(fake: Fake, folder: Path, root: Path) -> None:
    fake.comments = [{"id": 1, "body": marker("dev"), "user": {"type": "User"}}]
    post(github(fake), event(), folder, root)
    assert fake.calls[0][0] == "POST"


def test_the_pull_request_is_the_one_whose_newest_commit_was_run(fake: Fake, folder: Path, root: Path) -> None:
    fake.pulls = [{"number": 3, "head": {"sha": "b" * 40}}, {"number": 7, "head": {"sha": HEAD}}]
    post(github(fake), event("x&state=all y"), folder, root)
    assert fake.calls[0][1] == "issues/7/comments"
    assert "head=somebody%3Ax%26state%3Dall%20y&" in fake.asked[0]
    fake.pulls = fake.pulls[:1]
    with pytest.raises(Refused):
        post(github(fake), event(), folder, root)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ({"filename": "policies/rule.py"}, True),
        ({"filename": "moved.py", "previous_filename": "infra/plan.py"}, True),
        ({"filename": "infra/plan.pyc"}, False),
        ({"filename": "docs/policies.md"}, False),
    ],
)
def test_a_change_to_what_judges_is_named_by_githubs_own_list(
    fake: Fake, folder: Path, root: Path, file: dict[str, Any], told: bool
) -> None:
    fake.files = [file]
    post(github(fake), event(), folder, root)
    first = fake.calls[0][2].splitlines()[0]
    assert first.startswith("> **A guardian (`@g`) has to read this change**: it touches") == told
    assert ("guardian" in fake.calls[0][2]) == told


@pytest.mark.parametrize(
    ("files", "counted", "cut"), [(2999, 2999, False), (3000, 3000, True), (2999, 3000, True), (2000, 2000, False)]
)
def test_a_list_that_github_may_have_cut_is_for_a_guardian(
    fake: Fake, folder: Path, root: Path, files: int, counted: int, cut: bool
) -> None:
    fake.files, fake.counted = [{"filename": f"docs/{number}.md"} for number in range(files)], counted
    post(github(fake), event(), folder, root)
    first = fake.calls[0][2].splitlines()[0]
    assert first.startswith("> **A guardian (`@g`) has to read this change**: it changes more files") == cut


def test_a_change_whose_owners_nobody_can_read_gets_no_comment(fake: Fake, folder: Path, root: Path) -> None:
    (root / ".github" / "CODEOWNERS").write_text("/policies/ @g\n!/policies/free.py\n")
    with pytest.raises(Refused) as refused:
        post(github(fake), event(), folder, root)
    assert "CODEOWNERS:2" in str(refused.value) and fake.calls == []


@pytest.mark.parametrize(("long", "shortened"), [(40, False), (LIMIT // 2, True)])
def test_a_report_that_was_shortened_is_for_a_guardian(
    fake: Fake, folder: Path, root: Path, long: int, shortened: bool
) -> None:
    (folder / "dev.json").write_text(model.as_json(report(notices=["x" * long])))
    post(github(fake), event(), folder, root)
    assert ("**A guardian (`@g`) has to read this change**: this report leaves" in fake.calls[0][2]) == shortened


def test_a_refusal_of_github_is_said_without_the_token(fake: Fake, folder: Path, root: Path) -> None:
    with pytest.raises(Refused) as refused:
        post(github(fake, "wrong-token"), event(), folder, root)
    assert "401" in str(refused.value) and "wrong-token" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dev.json", "{}"),
        ("dev.json", "not json"),
        ("dev.json", model.as_json(report()).replace('"version"', '"html": "<img>", "version"')),
        ("dev.json", model.as_json(report(stack="prod"))),
        ("dev.json", model.as_json(report(simulated=False))),
        ("dev.json", model.as_json(report(headline="x" * LIMIT))),
        ("test.json", model.as_json(report(stack="test"))),
        ("de v.json", model.as_json(report(stack="de v"))),
        ("dev.txt", model.as_json(report())),
    ],
)
def test_what_is_no_report_on_a_stack_of_this_repository_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Refused):
        comments(tmp_path, STACKS)


def test_a_report_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(model.as_json(report()))
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "dev.json").symlink_to(tmp_path / "secret")
    with pytest.raises(Refused):
        comments(folder, STACKS)


def test_a_forged_report_cannot_bring_markup_secrets_or_another_marker(tmp_path: Path) -> None:
    token = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
    nasty = f"<img src=x> {marker('prod')} @team [a](https://b) {token}"
    forged = report(headline=nasty, notices=[nasty], groups=[model.Group(name=nasty, counts={nasty: 1})], notes=[nasty])
    (tmp_path / "dev.json").write_text(model.as_json(forged))
    body = comments(tmp_path, STACKS)["dev"]
    assert len(body.encode()) < 65_536
    assert body.count("<!--") == 1 and marker("prod") not in body
    assert "<img" not in "".join(body.split("```")[0::2])
    assert token not in body


def test_the_commands_are_thin(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.run(["report", "comment", "--in", str(folder)]) == ExitCode.OK
    assert marker("dev") in capsys.readouterr().out
    assert cli.run(["report", "show", str(folder / "dev.json")]) == ExitCode.OK
    assert marker("dev") not in capsys.readouterr().out
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    assert cli.run(["report", "post", "--in", str(folder)]) == ExitCode.USAGE
    assert cli.run(["report", "runner", "--stack", "prod"]) == ExitCode.OK
    assert capsys.readouterr().out == "modelyard-prod-vpc\n"


def test_the_comment_with_the_longest_warning_is_under_the_bound(tmp_path: Path) -> None:
    told = [model.Told(summary="s" * 500, details=["d" * 500] * 3)] * 20
    (tmp_path / "dev.json").write_text(model.as_json(report(errors=told)))
    files = [f"policies/{'x' * 300}{number}" for number in range(500)]
    touched = pull_request.Touched(files=files, guardians=["@o/g"], cut=True, everybody=["@o/g"])
    body = pull_request.comments(tmp_path, STACKS, touched)["dev"]
    assert len(body.encode()) < LIMIT + 200
