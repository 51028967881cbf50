"""The two changes of the lab, as edits of a working copy: one that users see, and one that passes the tests and fails users."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from core.problem import ExitCode, Problem, Refused
from labs.deploy.release import FILE, diff

PARTS = ("app", "tests/app", "examples/chat-app", "pyproject.toml")
"""What of the repository a working copy holds: the app, its tests, its release."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A new version: in `file`, `old` (which stands there once) becomes `new`."""

    version: str
    title: str
    file: str
    old: str
    new: str


GOOD = Change(
    version="2",
    title="the page greets its users",
    file="app/page.html",
    old="<h1>Chat</h1>",
    new="<h1>Hello, what can I do for you?</h1>",
)
GREETING = "Hello, what can I do for you?"
"""What a user of the new version reads."""

BAD = Change(
    version="3",
    title="a limit on each user's answers that never starts again, so that regular users get every second answer",
    file="app/service.py",
    old="    started = time.monotonic()\n    try:\n        assigned = service.assigned(user)\n        prompt",
    new='    answers = service.__dict__.setdefault("answers", {})\n'
    "    answers[user] = answers.get(user, 0) + 1\n"
    "    if answers[user] > 3 and answers[user] % 2:\n"
    '        return error(500, "too many answers", "server_error")\n'
    "    started = time.monotonic()\n    try:\n        assigned = service.assigned(user)\n        prompt",
)
"""From a user's fifth request on it fails every second one. No test asks so often for one user."""


def copy(root: Path, target: Path) -> None:
    """Makes a working copy; what is there of an earlier one is taken away."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for part in PARTS:
        source, to = root / part, target / part
        to.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, to)


def make(where: Path, change: Change) -> str:
    """Makes the change in a working copy and gives its diff. Raises `Refused` when the app is not as the lab knows it."""
    file = where / change.file
    before = file.read_text(encoding="utf-8")
    if before.count(change.old) != 1:
        problem = Problem(
            summary="the app is not as the lab's change expects it",
            file=change.file,
            found=f"{before.count(change.old)} places with {change.old.splitlines()[0].strip()!r}",
            fix="bring labs/deploy/changes.py up to date",
        )
        raise Refused(problem, ExitCode.FAILED)
    after = before.replace(change.old, change.new)
    file.write_text(after, encoding="utf-8")
    return diff(before, after, change.file)


def release_of(where: Path) -> Path:
    """The release file of a working copy."""
    return where / FILE
