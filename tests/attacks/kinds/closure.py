"""Changes of what judges that want to pass as changes of something else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path

from core.problem import Refused
from ops.preview.base_checkout import able, changed
from ops.preview.owners import FILE, Owners
from ops.preview.pull_request import GitHub
from ops.report.make import Found, make
from ops.report.model import JudgingCheckout
from ops.report.terminal import terminal
from tests.attacks.attack import Attack, Harmless, Kind, Tried
from tests.roots import ROOT

SAID = "has to read this change"
COPIED = (
    str(FILE), ".ci/venv", ".github/workflows/comment.yml", "Makefile", "core/inert.py", "core/problem.py", "guard.yaml",
    "kube/shape.py", "ops/pages/report.html", "policies/rule.py", "policies/run", "pricing/book/data/on_demand.json",
    "pyproject.toml", "requirements/base.txt", "docs/architecture.md", "Pulumi.dev.yaml", "tests/roots.py",
)  # fmt: skip


def _judged(change: Callable[[Path], object], *, git: bool = False) -> Tried:
    """What the report says first of a change, held against a checkout without it; with `git` all of the change is tracked."""

    def tried(folder: Path) -> Collection[str]:
        sides = folder / "judge", folder / "change"
        for side in sides:
            for path in COPIED:
                (side / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, side / path)
        change(sides[1])
        if git:
            subprocess.run(["git", "init", "-q"], cwd=sides[1], check=True)
            subprocess.run(["git", "add", "-f", "."], cwd=sides[1], check=True)
        try:
            able(sides[0])
            owners = Owners.read(sides[0])
            found = list(changed(*sides, owners))
        except Refused as refused:
            return [str(refused)]
        judge = JudgingCheckout(revision="r", changed=found, guardians=owners.guardians(each.path for each in found))
        first = terminal(make(Found(world="w", simulated=True, stack="dev", full="", judge=judge))).splitlines()[0]
        return [first] if SAID in first else []

    return tried


def _write(path: str, text: str = "x") -> Callable[[Path], object]:
    def change(checkout: Path) -> None:
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(text)

    return change


def _one_byte(path: str) -> Callable[[Path], object]:
    return lambda checkout: (checkout / path).write_bytes((checkout / path).read_bytes() + b"\n")


def _link(path: str) -> Callable[[Path], object]:
    def change(checkout: Path) -> None:
        (checkout / path).unlink()
        (checkout / path).symlink_to(ROOT / path)

    return change


def _owners(text: str) -> Tried:
    """A judging checkout whose owners are written like that."""

    def tried(folder: Path) -> Collection[str]:
        if text:
            _write(str(FILE), text)(folder)
        _write("policies/run")(folder)
        try:
            able(folder)
        except Refused as refused:
            return [str(refused)]
        return []

    return tried


def _freed(line: str, path: str) -> Tried:
    """A file that the owners still guard, whatever a line for another file is taken for."""
    return lambda _: Owners.parse(f"* @o/g\n{line}\n").of(path)


class _Listing(GitHub):
    """A GitHub that lists less than it counts."""

    def ask(self, method: str, path: str, body: object = None) -> object:
        return {"changed_files": 3001} if path == "pulls/7" else [{"filename": "docs/a.md"}] * 100


def _cut(_: Path) -> Collection[str]:
    from ops.preview.pull_request import _touched

    found = _touched(_Listing(api="", repository="", token=""), 7, Owners.read(ROOT))
    return [f"{', '.join(found.everybody)} {SAID}"] if found.cut else []


def _attack(name: str, stopped_by: str, tried: Tried) -> Attack:
    return Attack(kind=Kind.CLOSURE, name=name, stopped_by=stopped_by, tried=tried)


ATTACKS = (
    _attack("one byte of the module of errors changes", SAID, _judged(_one_byte("core/problem.py"))),
    _attack("one byte of a schema's reader changes", SAID, _judged(_one_byte("kube/shape.py"))),
    _attack("one byte of the prices changes", SAID, _judged(_one_byte("pricing/book/data/on_demand.json"))),
    _attack("one byte of a report's template changes", SAID, _judged(_one_byte("ops/pages/report.html"))),
    _attack("a library's version changes", SAID, _judged(_one_byte("requirements/base.txt"))),
    _attack("the workflow that posts changes", SAID, _judged(_one_byte(".github/workflows/comment.yml"))),
    _attack("the owners themselves change", SAID, _judged(_one_byte(str(FILE)))),
    _attack(
        "the packs' program can no longer be run", SAID, _judged(lambda each: (each / "policies/run").chmod(0o644))
    ),
    _attack("a rule becomes a link to the same text", SAID, _judged(_link("policies/rule.py"))),
    _attack("a rule is gone", SAID, _judged(lambda each: (each / "policies/rule.py").unlink())),
    _attack("a file at the top stands in for a library", SAID, _judged(_write("yaml.py"))),
    _attack("a folder at the top stands in for a library", SAID, _judged(_write("pydantic/__init__.py"))),
    _attack(
        "a folder that is a link stands in for a library",
        SAID,
        _judged(lambda each: (each / "yaml").symlink_to("docs")),
    ),
    _attack("a file is imported by Python's own start", SAID, _judged(_write("sitecustomize.py"))),
    _attack("a tracked environment brings another Python", SAID, _judged(_write(".venv/bin/python"), git=True)),
    _attack(
        "a tracked cache stands in for a module",
        SAID,
        _judged(_write("core/__pycache__/problem.cpython-311.pyc", "\0" * 16), git=True),
    ),
    _attack(
        "a cache stands in for a module that Python does not look at",
        SAID,
        _judged(_write("core/__pycache__/problem.cpython-311.pyc", "\0\0\0\0\1\0\0\0")),
    ),
    _attack("a module without source lies beside the rules", SAID, _judged(_write("policies/late.pyc"))),
    _attack("a submodule stands where a package will", SAID, _judged(_write(".gitmodules"))),
    _attack(
        "the owners take a file out with a mark that GitHub drops",
        "would leave this line out",
        _owners("* @o/g\n!/a @o/g"),
    ),
    _attack(
        "the owners name a file in a way that GitHub drops", "would leave this line out", _owners("* @o/g\n/[a]b @o/g")
    ),
    _attack("the owners name nobody", "no file has an owner", _owners("/docs/\n")),
    _attack("the owners are gone", "nobody is named who owns the files", _owners("")),
    _attack("a free folder's name begins a guarded one's", "@o/g", _freed("/docs/", "docs_of_policies/rule.py")),
    _attack("a free file's name is a folder with code", "@o/g", _freed("/README.md", "README.md/a.py")),
    _attack("a free folder's name stands in a guarded one", "@o/g", _freed("/docs/", "policies/docs/rule.py")),
    _attack("a change has more files than GitHub lists", SAID, _cut),
)
HARMLESS = (
    Harmless(kind=Kind.CLOSURE, name="nothing changes", tried=_judged(lambda _: None)),
    Harmless(
        kind=Kind.CLOSURE, name="a page of the documentation changes", tried=_judged(_one_byte("docs/architecture.md"))
    ),
    Harmless(kind=Kind.CLOSURE, name="a stack file changes", tried=_judged(_one_byte("Pulumi.dev.yaml"))),
    Harmless(kind=Kind.CLOSURE, name="a test changes", tried=_judged(_one_byte("tests/roots.py"))),
    Harmless(
        kind=Kind.CLOSURE, name="an environment is made on the machine", tried=_judged(_write(".venv/bin/python"))
    ),
    Harmless(
        kind=Kind.CLOSURE,
        name="a run has cached a module",
        tried=_judged(_write("core/__pycache__/problem.cpython-311.pyc", "\0" * 16)),
    ),
    Harmless(kind=Kind.CLOSURE, name="owners as they are here", tried=_owners((ROOT / FILE).read_text())),
)
