"""The images that can be made here: what they are made of, what they stand in for, and when they are made again."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from core.problem import ExitCode, Refused
from core.versions import IMAGES
from sandbox.images import archive, catalogue, python
from sandbox.images.catalogue import MADE_OF, OURS, RECIPES, STANDS_IN, Recipe
from sandbox.images.layer import Layer
from sandbox.programs import tools
from tests.roots import ROOT
from tests.syntax import parsed


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose tools are small files."""

    def ensure(root: Path, names: Iterable[str], say: object) -> dict[str, Path]:
        files = {name: tmp_path / name for name in names}
        for name, file in files.items():
            file.write_text(name)
            file.chmod(0o755)
        return files

    monkeypatch.setattr(tools, "ensure", ensure)
    return tmp_path


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_a_recipe_says_what_it_stands_in_for_and_has_ingredients(recipe: Recipe) -> None:
    assert recipe.stands_in_for
    assert recipe.tools or recipe.packages or recipe.layer or recipe.wheels
    assert set(recipe.tools) <= set(tools.TOOLS) and (not recipe.base or recipe.base in RECIPES)
    assert recipe.image.entrypoint


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_an_image_has_a_name_of_ours_or_the_very_name_that_a_stack_asks_for(recipe: Recipe) -> None:
    declared = {f"{image.repository}:{image.tag}" for image in IMAGES.values()}
    assert recipe.image.name.startswith(f"{OURS}/") or recipe.image.name in declared
    assert "@" not in recipe.image.name, "no image made here has the digest of another"


@pytest.mark.parametrize("locked", ["base.txt", "labs.txt"])
def test_what_an_image_is_made_of_is_installed_wherever_a_cluster_can_be_started(locked: str) -> None:
    lines = (ROOT / "requirements" / locked).read_text().splitlines()
    pinned = {line.partition("==")[0].partition("[")[0] for line in lines if "==" in line and not line.startswith(" ")}
    asked = [name for recipe in RECIPES.values() for name in recipe.packages]
    assert len(asked) > 3 and [d.name for d in python.closure(asked) if canonicalize_name(d.name) not in pinned] == []


def test_a_main_of_ours_that_is_edited_is_built_again_and_so_is_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "sandbox" / "go" / "coredns"
    (module / "pause").mkdir(parents=True)
    (module / "pause" / "main.go").write_text("package main\n")

    def build(root: Path, tool: tools.Tool, home: Path, say: object) -> None:
        (home / "bin").mkdir(parents=True)
        (home / "bin" / tool.name).write_bytes((module / "pause" / "main.go").read_bytes())
        (home / "bin" / tool.name).chmod(0o755)

    monkeypatch.setattr(tools, "_build", build)
    (before,) = catalogue.ensure(tmp_path, ["pause"])
    (module / "pause" / "main_test.go").write_text("package main\n")
    (same,) = catalogue.ensure(tmp_path, ["pause"])
    assert same.archive == before.archive, "a test is in no program"
    (module / "pause" / "main.go").write_text("package main // edited\n")
    (after,) = catalogue.ensure(tmp_path, ["pause"])
    assert after.archive != before.archive and after.archive.is_file()
    (file,) = tools.ensure(tmp_path, ["pause"], lambda _: None).values()
    assert file.read_text() == "package main // edited\n"
    assert tools.edition(tmp_path, tools.TOOLS["etcd"]) == tools.TOOLS["etcd"].version


def test_an_image_says_in_its_labels_what_it_is_made_of_and_stands_in_for(root: Path) -> None:
    (made,) = catalogue.ensure(root, ["pause"])
    read = archive.read(made.archive)
    assert read.labels == {
        STANDS_IN: RECIPES["pause"].stands_in_for,
        MADE_OF: f"pause {tools.edition(root, tools.TOOLS['pause'])}",
    }
    assert read.name == f"{OURS}/pause:1"
    assert f"stands in for {RECIPES['pause'].stands_in_for}" in made.line


def test_an_image_is_made_once_and_again_when_an_ingredient_changes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    (first,) = catalogue.ensure(root, ["pause"], said.append)
    (second,) = catalogue.ensure(root, ["pause"], said.append)
    assert first.archive == second.archive and len([line for line in said if "making it" in line]) == 1
    newer = replace(tools.TOOLS["pause"], module="kwok")
    monkeypatch.setitem(tools.TOOLS, "pause", newer)
    (third,) = catalogue.ensure(root, ["pause"], said.append)
    assert third.archive != first.archive and third.archive.exists()
    assert not first.archive.exists(), "the one that is out of date takes no room"


def test_an_image_whose_name_goes_on_from_another_stays_when_that_one_is_made(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "pause-other", replace(RECIPES["pause"], name="pause-other"))
    (other,) = catalogue.ensure(root, ["pause-other"])
    catalogue.ensure(root, ["pause"])
    assert other.archive.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads programs as Linux has them")
def test_the_loader_of_a_program_with_libraries_is_where_the_program_asks_for_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Path("/bin/sh").resolve()
    monkeypatch.setattr(tools, "ensure", lambda *_: {"prometheus": shell})
    (made,) = catalogue.ensure(root, ["prometheus"])
    (loader,) = (name for name in python.libraries([shell]) if name.startswith("/"))
    with tarfile.open(archive.layers_of(made.archive, root)[0].path) as layer:
        link = layer.getmember(loader.split("/")[1])
        assert link.issym() and layer.getmember(f"{link.linkname}/{loader.rpartition('/')[2]}").isreg()


def test_a_name_that_is_no_image_is_refused_with_those_that_are(root: Path) -> None:
    with pytest.raises(Refused, match=r"mlfow[\s\S]*mlflow") as refused:
        catalogue.ensure(root, ["mlfow"])
    assert refused.value.code is ExitCode.USAGE


def test_an_image_over_another_has_its_layers_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "over", replace(RECIPES["pause"], name="over", base="pause", tools={"etcd": "etcd"}))
    below, over = catalogue.ensure(root, ["pause", "over"])
    layers = archive.read(over.archive).layers
    assert layers[:-1] == archive.read(below.archive).layers and len(layers) == 2


def test_packages_come_with_all_that_they_need_and_extras_only_when_asked_for() -> None:
    plain, full = (
        {distribution.metadata["Name"].lower() for distribution in python.closure([name])}
        for name in ("mlflow", "mlflow[auth]")
    )
    assert {"mlflow", "flask", "werkzeug", "sqlalchemy"} <= plain
    assert full - plain >= {"flask-wtf"} and plain < full
    assert not plain & {"pytest", "pulumi", "mypy"}


def test_whatever_our_scripts_in_the_cluster_import_is_in_the_image_that_runs_them() -> None:
    inside = {distribution.metadata["Name"].lower() for distribution in python.closure(RECIPES["mlflow"].packages)}
    brought_by = importlib.metadata.packages_distributions()
    lacking = set()
    scripts = sorted(ROOT.glob("components/*/in_cluster/*.py"))
    assert len(scripts) > 4
    for script in scripts:
        nodes = [each for each in ast.walk(parsed(script.read_text())) if isinstance(each, ast.Import | ast.ImportFrom)]
        names = {(node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or "" for node in nodes}
        asked = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {""}
        lacking |= {name for name in asked if not inside & {each.lower() for each in brought_by.get(name, [])}}
    assert lacking == set()


def test_a_package_that_is_not_installed_is_not_made_up() -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        python.closure(["no-such-package-at-all"])


def test_a_package_brings_its_modules_and_a_script_for_each_command_and_no_tests() -> None:
    layer = python.packages(python.closure(["mlflow"]))
    assert f"{python.PACKAGES}/mlflow/__init__.py" in layer.entries
    _, script = layer.entries["usr/local/bin/mlflow"]
    assert isinstance(script, bytes) and script.startswith(f"#!{python.PROGRAM}\n".encode())
    parts = {part for path in layer.entries for part in path.split("/")}
    assert not parts & {"__pycache__", "tests"}
    assert not [path for path in layer.entries if path.startswith(("bin/", "../"))]


@pytest.mark.skipif(sys.platform != "linux", reason="reads programs as Linux has them")
def test_every_library_that_the_interpreter_asks_for_is_in_its_layer() -> None:
    layer = python.interpreter()
    names = {path.rpartition("/")[2] for path in layer.entries}
    for path, (_, source) in layer.entries.items():
        if isinstance(source, Path) and (path.endswith(".so") or path.startswith("usr/local/bin")):
            assert {name.rpartition("/")[2] for name in python.libraries([source])} <= names, path
    assert f"{python.HOME}/os.py" in layer.entries
    assert not [path for path in layer.entries if "/test/" in path or "/tkinter/" in path]


@pytest.mark.skipif(sys.platform != "linux", reason="reads programs as Linux has them")
def test_a_static_program_brings_no_library_and_another_brings_its_own(tmp_path: Path) -> None:
    shell, static = Path("/bin/sh").resolve(), tmp_path / "static"
    static.write_bytes(b"not a program of shared libraries")
    static.chmod(0o755)
    alone, shared = Layer(), Layer()
    python.programs(alone, {"bin/static": static})
    python.programs(shared, {"bin/sh": shell})
    assert list(alone.entries) == ["bin", "bin/static"]
    assert [path for path in shared.entries if "libc.so" in path]
    asked = subprocess.run(["ldd", str(shell)], capture_output=True, text=True, check=True).stdout
    assert "libc.so" in asked
