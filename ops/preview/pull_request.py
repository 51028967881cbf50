"""Posts reports on a pull request: one comment for each stack, found again by its marker and updated.

The reports come from a job that ran the pull request's code, so they are data that nobody trusts: parsed strictly, cleaned
again, and written by this checkout's own code. Which pull request it is comes from GitHub's event, never from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from core import plain_json
from core.inert import code
from core.problem import ExitCode, Problem, Refused
from ops.preview.owners import Owners
from ops.report.comment import parse
from ops.report.fit import fitted
from ops.report.markdown import markdown
from ops.report.model import Report

STACK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
MOST = 10
"""Reports of one pull request."""
TIMEOUT_SEC = 30
PAGES = 30
"""GitHub lists 100 on a page, and at most 3,000 files of a pull request (its page "REST API endpoints for pull requests")."""


@dataclass(frozen=True, kw_only=True)
class Touched:
    """What of a change is guarded: the files, who owns them, and whether GitHub's list may have ended before them."""

    files: Sequence[str] = ()
    guardians: Sequence[str] = ()
    cut: bool = False
    everybody: Sequence[str] = ()
    """Who owns anything, for what nobody could look at."""


def marker(stack: str) -> str:
    """What a stack's comment is found by."""
    return f"<!-- modelyard:report stack={stack} -->"


def comments(folder: Path, stacks: set[str], touched: Touched | None = None) -> dict[str, str]:
    """The comment of each stack whose report lies in `folder`; `touched` is what of the change is guarded.

    Raises Refused for a file that is no report, or is not about the stack of its name, or about a stack not in `stacks`.
    """
    files = sorted(folder.glob("*.json"))
    if not files or len(files) > MOST:
        raise Refused(Problem(summary="no reports, or too many", found=str(len(files)), allowed=f"1 to {MOST}"))
    return {file.stem: _comment(file, stacks, touched or Touched()) for file in files}


def _comment(file: Path, stacks: set[str], touched: Touched) -> str:
    report = parse(_bytes(file))
    if not STACK.fullmatch(file.stem) or report.stack != file.stem or report.stack not in stacks:
        allowed = ", ".join(sorted(stacks))
        raise Refused(Problem(summary="a report on another stack", where=file.name[:80], allowed=allowed))
    if not report.simulated:
        raise Refused(Problem(summary="a pull request's report is from the sandbox only", where=file.name[:80]))
    text = fitted(report, lambda each: "\n".join([*_first(each, touched), _body(each), *_last()]))
    return f"{text}\n{marker(report.stack)}\n"


def _body(report: Report) -> str:
    return markdown(report).rstrip("\n")


def _first(report: Report, touched: Touched) -> Iterator[str]:
    """Why a guardian has to read the change, before anything that the change's own code says."""
    owned, other = touched.guardians, touched.everybody
    reasons: list[tuple[Sequence[str], str]] = []
    if touched.files:
        named = ", ".join(code(each[:120]) for each in touched.files[:20])
        more = f" and {len(touched.files) - 20} more" if len(touched.files) > 20 else ""
        reasons.append((owned, f"it touches what decides what may be deployed: {named}{more}."))
    if touched.cut:
        reasons.append((other, "it changes more files than GitHub lists, so not all of them were looked at."))
    if report.shortened:
        reasons.append(
            (other, "this report leaves something out to stay short; a preview of your own shows everything.")
        )
    for who, reason in reasons:
        named = f" ({', '.join(map(code, who))})" if who else ""
        yield f"> **A guardian{named} has to read this change**: {reason}"
        yield ""


def _last() -> Iterator[str]:
    yield ""
    yield "> Made by this pull request's code in a job without credentials: whoever edits the program can edit what this says."
    yield "> The deployment is judged again, by the branch that it comes from."


@dataclass(frozen=True)
class GitHub:
    """The few calls that this needs; `api` and `token` as GitHub Actions give them."""

    api: str
    repository: str
    token: str

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One call. Raises Refused with the status when GitHub refuses."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json"}
        address = f"{self.api}/repos/{self.repository}/{path}"
        try:
            answer = requests.request(method, address, json=body, headers=headers, timeout=TIMEOUT_SEC)
        except requests.RequestException as error:
            raise Refused(
                Problem(summary="GitHub does not answer", found=type(error).__name__), ExitCode.FAILED
            ) from None
        if answer.status_code >= 300:
            found = f"{method} {path.partition('?')[0]}: {answer.status_code}"
            raise Refused(Problem(summary="GitHub refuses", found=found), ExitCode.FAILED)
        return answer.json()

    def all(self, path: str) -> Iterator[Any]:
        """Every item of a list, page by page."""
        for page in range(1, PAGES + 1):
            items = self.ask("GET", f"{path}{'&' if '?' in path else '?'}per_page=100&page={page}")
            yield from items
            if len(items) < 100:
                return


def number(github: GitHub, event: Mapping[str, Any]) -> int:
    """The open pull request whose newest commit the workflow run of an event was about. Raises Refused without one."""
    run = event["workflow_run"]
    sha, branch = str(run["head_sha"]), str(run["head_branch"])
    owner = str(run["head_repository"]["owner"]["login"])
    head = quote(f"{owner}:{branch}", safe="")
    for each in github.all(f"pulls?state=open&head={head}"):
        if each["head"]["sha"] == sha:
            return int(each["number"])
    raise Refused(
        Problem(summary="no open pull request has this commit as its newest", found=sha[:12]), ExitCode.FAILED
    )


def post(github: GitHub, event: Mapping[str, Any], folder: Path, root: Path) -> list[str]:
    """Writes or updates the comment of each stack; answers what it did, a line each.

    A comment is taken for ours only when a bot wrote it: anybody can write a marker.
    """
    stacks = {file.name.split(".")[1] for file in root.glob("Pulumi.*.yaml")}
    pull = number(github, event)
    written = comments(folder, stacks, _touched(github, pull, Owners.read(root)))
    known = [each for each in github.all(f"issues/{pull}/comments") if each["user"]["type"] == "Bot"]
    done = []
    for stack, body in written.items():
        mine = next((each for each in known if str(each["body"]).rstrip().endswith(marker(stack))), None)
        if mine:
            github.ask("PATCH", f"issues/comments/{int(mine['id'])}", {"body": body})
        else:
            github.ask("POST", f"issues/{pull}/comments", {"body": body})
        done.append(f"{stack}: {'updated' if mine else 'posted'} on pull request {pull}")
    return done


def _touched(github: GitHub, pull: int, owners: Owners) -> Touched:
    """What of a pull request is guarded, by GitHub's own list of its files.

    That list ends without a word after 3,000, so it is held against the number of files that GitHub has counted.
    """
    files = list(github.all(f"pulls/{pull}/files"))
    counted = github.ask("GET", f"pulls/{pull}").get("changed_files")
    names = {name for each in files for name in (each["filename"], each.get("previous_filename")) if name}
    guarded = sorted(name for name in names if owners.guards(name))
    cut = counted != len(files) or len(files) >= PAGES * 100
    return Touched(files=guarded, guardians=owners.guardians(guarded), cut=cut, everybody=owners.everybody)


def from_actions(environ: Mapping[str, str]) -> tuple[GitHub, Mapping[str, Any]]:
    """GitHub and the event, from what a workflow's job has in its environment. Raises Refused where it has not."""
    missing = [name for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH") if not environ.get(name)]
    if missing:
        raise Refused(
            Problem(summary="this runs in a GitHub workflow", found=f"no {', '.join(missing)}"), ExitCode.USAGE
        )
    event = plain_json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_bytes())
    api = environ.get("GITHUB_API_URL", "https://api.github.com")
    return GitHub(api=api, repository=environ["GITHUB_REPOSITORY"], token=environ["GITHUB_TOKEN"]), event


def _bytes(file: Path) -> bytes:
    if file.is_symlink() or not file.is_file():
        raise Refused(Problem(summary="this is no report", where=file.name[:80], allowed="a plain file"))
    with file.open("rb") as opened:
        return opened.read(100_000)
