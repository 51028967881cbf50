"""How the code lies: imports make no circle, a folder can be taken in at a glance, and a file is one idea."""

from __future__ import annotations

import ast
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from tests.roots import ROOT
from tests.syntax import parsed

MOST_FILES, MOST_LINES = 15, 400


def python_files() -> list[PurePosixPath]:
    """Every Python file of the repository, with those that are not committed yet."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [PurePosixPath(line) for line in sorted(set(listed.splitlines())) if (ROOT / line).is_file()]


def dotted(path: PurePosixPath) -> str:
    """The name by which a file is imported."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def named(tree: ast.Module, package: str) -> Iterator[str]:
    """What the imports of a module of `package` name, wherever they stand: in functions and under TYPE_CHECKING too."""
    around = package.split(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = around[: len(around) + 1 - node.level] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{origin}.{name.name}" for name in node.names)


def graph() -> dict[str, set[str]]:
    """Each module with the modules that it imports, and the packages that these stand in: Python runs those first."""
    files = {dotted(path): path for path in python_files()}
    found = {}
    for module, path in files.items():
        tree = parsed((ROOT / path).read_text(encoding="utf-8"))
        steps = (name.split(".") for name in named(tree, ".".join(path.parent.parts)))
        prefixes = {".".join(step[:end]) for step in steps for end in range(1, len(step) + 1)}
        found[module] = prefixes & files.keys() - {module}
    return found


def reached(start: str, imports: Mapping[str, set[str]]) -> set[str]:
    """What `start` imports, at any depth; itself only when it is in a circle."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = imports[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


def circles(imports: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """Groups of modules of which each imports each other one, at any depth."""
    left = dict(imports)
    while free := {module for module, found in left.items() if not found}:
        left = {module: found - free for module, found in left.items() if module not in free}
    deep = {module: reached(module, left) for module in left}
    return {frozenset(other for other in deep[each] if each in deep[other]) for each in deep if each in deep[each]}


def test_imports_make_no_circle() -> None:
    assert circles(graph()) == set()


def test_a_circle_is_found_whatever_leads_into_it() -> None:
    imports = {"a": {"b"}, "b": {"c"}, "c": {"d", "e"}, "d": {"b"}, "e": set()}
    assert circles(imports) == {frozenset("bcd")}
    assert circles({**imports, "d": set()}) == set()


def test_an_import_counts_wherever_it_stands() -> None:
    text = "from a import b\nif TYPE_CHECKING:\n    from c.d import e\ndef f():\n    import g.h\nfrom . import i"
    assert set(named(parsed(f"{text}\nfrom ..j import k\n"), "x.y")) == {"a.b", "c.d.e", "g.h", "x.y.i", "x.j.k"}


def test_a_folder_has_at_most_fifteen_modules() -> None:
    counts = Counter(str(path.parent) for path in python_files() if path.name != "__init__.py")
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_a_file_has_at_most_four_hundred_lines() -> None:
    sizes = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert {name: size for name, size in sizes.items() if size > MOST_LINES} == {}
