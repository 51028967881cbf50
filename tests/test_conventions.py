"""The house's own rules, held by walking the code rather than by listing it again."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
import types
import typing
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pulumi
import pytest

from components.spec import Spec
from tests.roots import ROOT
from tests.syntax import parsed

ROOMS = (
    "app",
    "components",
    "contract",
    "core",
    "engine",
    "infra",
    "kube",
    "labs",
    "mlflow_provider",
    "ops",
    "policies",
    "pricing",
    "sandbox",
)


def python_files(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def lines(paths: list[Path]) -> int:
    return sum(len(path.read_text().splitlines()) for path in paths)


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


SOURCES = python_files(*ROOMS)
COMPONENT_FILES = [path for path in python_files("components") if "ComponentResource" in path.read_text()]


def component_modules() -> list[types.ModuleType]:
    return [importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in COMPONENT_FILES]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_why_it_exists_and_is_one_idea(path: Path) -> None:
    text = path.read_text()
    if text.strip() and path.name != "__main__.py":
        assert ast.get_docstring(parsed(text)), "no docstring"
    assert len(text.splitlines()) <= 350, "more than one idea?"


@pytest.mark.parametrize("module", component_modules(), ids=lambda module: module.__name__)
def test_a_component_file_has_one_component_with_a_token_of_its_own(module: types.ModuleType) -> None:
    found = [
        cls
        for cls in vars(module).values()
        if inspect.isclass(cls) and issubclass(cls, pulumi.ComponentResource) and cls.__module__ == module.__name__
    ]
    assert len(found) == 1
    (component,) = found
    token = f"modelyard:index:{component.__name__}"
    source = inspect.getsource(component)
    assert vars(component)["pulumi_type"] == token
    assert f'"{token}"' in source, "super().__init__ names another token"
    assert "self.register_outputs(" in source
    assert "pulumi.export(" not in source
    assert component.__doc__ and component.__doc__.splitlines()[0].endswith(".")


@pytest.mark.parametrize("path", COMPONENT_FILES, ids=lambda path: path.name)
def test_no_resource_is_made_inside_an_apply(path: Path) -> None:
    made = re.compile(r"^(aws|k8s|pulumi_aws|pulumi_kubernetes)\.")
    for node in ast.walk(parsed(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "apply":
            inner = [each for argument in node.args for each in ast.walk(argument) if isinstance(each, ast.Call)]
            assert not [call for call in inner if made.match(ast.unparse(call.func))]


def specs() -> list[type[Spec]]:
    for path in python_files("components", "infra"):
        if path.stem != "__main__":
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found, queue = [], [Spec]
    while queue:
        children = queue.pop().__subclasses__()
        found += children
        queue += children
    return found


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.__name__)
def test_a_spec_holds_what_the_component_analyzer_can_publish(spec: type[Spec]) -> None:
    for name, field in spec.model_fields.items():
        assert plain(field.annotation), f"{name}: {field.annotation}"
        assert field.description, f"{name} is not described"


def plain(annotation: object) -> bool:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return len(arguments) == 2 and type(None) in arguments and plain(arguments[0])
    if origin is typing.Annotated:
        return plain(arguments[0])
    if origin in (list, dict):
        return all(plain(argument) for argument in arguments)
    return inspect.isclass(annotation) and (
        annotation in (str, int, bool, Decimal) or issubclass(annotation, Spec | Enum)
    )


def test_no_module_of_infra_is_named_like_one_of_the_standard_library() -> None:
    names = {path.stem for path in python_files("infra")} - {"__init__", "__main__"}
    assert not names & set(sys.stdlib_module_names)


def test_the_sandbox_stays_under_a_quarter_of_the_code() -> None:
    assert lines(python_files("sandbox")) * 4 < lines(SOURCES)


def test_lock_files_have_hashes_and_no_index_address() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text()
        assert "://" not in text and "--index" not in text
        pinned = re.findall(r"^[a-z0-9][^\s=]*==\S+", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"==\S+.*\\\n\s+--hash=sha256:", text)), path.name


def test_no_file_names_a_machine_or_its_folders() -> None:
    machine = re.compile("|".join([r"(?<![\w.~/-])/" + "root/", r"(?<![\w.~/-])/" + "home/[a-z]"]))
    wrong = [path.name for path in tracked() if path.stat().st_size < 2_000_000 and machine.search(text_of(path))]
    assert wrong == []


def text_of(path: Path) -> str:
    return path.read_text(errors="ignore")
