"""Attacks by files and answers: what hangs whoever reads it, and names that lead out of the folder that is written to."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from core import file_names, plain_json, plain_yaml, yaml_lines
from core.problem import Refused
from mlflow_provider.api import Rejected, Server
from ops.registry import importing, versions
from ops.release import model_files
from tests.attacks.attack import Attack, Harmless, Kind, Tried
from tests.attacks.kinds.secrets import file, prompt
from tests.core.test_bounds import HOSTILE, bomb
from tests.ops.release.test_gguf_header import HOSTILE as HEADERS
from tests.ops.release.test_pin import gguf_file
from tests.roots import ROOT

SECONDS = 10.0
BOMB = bomb(9)
assert len(BOMB) < 500


def in_time(tried: Tried) -> Tried:
    """The same attack, which has come through when it takes long."""

    def timed(folder: Path) -> Collection[str]:
        began = time.process_time()
        stopped = tried(folder)
        return stopped if time.process_time() - began < SECONDS else []

    return timed


def read(reader: Callable[..., Any], text: str, *more: str) -> Tried:
    """A text, read."""

    def tried(_folder: Path) -> Collection[str]:
        try:
            reader(text, *more)
        except (Refused, ValueError) as error:
            return [str(error)]
        return []

    return in_time(tried)


def named(name: str) -> Tried:
    """A prompt's name on a server, as an import writes its file."""

    def tried(folder: Path) -> Collection[str]:
        home = folder / "repository"
        home.mkdir()
        (home / "Pulumi.dev.yaml").write_text((ROOT / "Pulumi.dev.yaml").read_text())
        block = importing.Block(files={f"prompts/{name}.md": "planted\n"})
        try:
            importing.write(block, home / "Pulumi.dev.yaml", home)
        except Refused as refused:
            return [str(refused)]
        return []

    return tried


def linked(folder: Path) -> Collection[str]:
    """A folder of prompts that is a link to another one."""
    (folder / "elsewhere").mkdir()
    home = folder / "repository"
    home.mkdir()
    (home / "prompts").symlink_to(folder / "elsewhere")
    (home / "Pulumi.dev.yaml").write_text((ROOT / "Pulumi.dev.yaml").read_text())
    try:
        importing.write(importing.Block(files={"prompts/x.md": "planted\n"}), home / "Pulumi.dev.yaml", home)
    except Refused as refused:
        return [str(refused)]
    return [] if (folder / "elsewhere" / "x.md").exists() else ["nothing was written"]


def two_of_a_name(_folder: Path) -> Collection[str]:
    try:
        file_names.apart(["Support.md", "support.md"])
    except Refused as refused:
        return [str(refused)]
    return []


class Hostile(Server):
    """A server that answers with what is given."""

    def __init__(self, said: str) -> None:
        super().__init__("http://127.0.0.1:9")
        self.said = said

    def text(self, file: str, **params: str) -> str:
        return self.said

    def get(self, path: str, /, **params: Any) -> dict[str, Any]:
        return {"items": [{}], "next_page_token": "again"}


def described(_folder: Path) -> Collection[str]:
    """A version's MLmodel file that is a bomb: it is taken for none."""
    return [] if versions._described(Hostile(BOMB), "x", 1) else ["no description is read"]


def endless(_folder: Path) -> Collection[str]:
    try:
        list(Hostile("").pages("2.0/x", "items"))
    except Rejected as error:
        return [str(error)]
    return []


def model(data: bytes) -> Tried:
    """A model's file, as `release pin` reads it."""

    def tried(folder: Path) -> Collection[str]:
        (folder / "m.gguf").write_bytes(data)
        try:
            model_files.from_gguf(folder / "m.gguf")
        except Refused as refused:
            return [str(refused)]
        return []

    return in_time(tried)


def config(text: str) -> Tried:
    """A model's config.json, as `release pin` reads it."""

    def tried(folder: Path) -> Collection[str]:
        (folder / "config.json").write_text(text)
        try:
            model_files.from_config(folder / "config.json")
        except Refused as refused:
            return [str(refused)]
        return []

    return in_time(tried)


NO_NAME = "cannot be the name of a file"
_ATTACKS = (
    ("a bomb of aliases in a chat prompt", "aliases", in_time(prompt(BOMB, "prompts/stolen.chat.yaml"))),
    (
        "a bomb of aliases in the stack file",
        "not allowed here: aliases",
        in_time(file("x:\n  " + BOMB.replace("\n", "\n  "))),
    ),
    ("a bomb of aliases in a workload", "aliases make more", read(yaml_lines.documents, BOMB, "x.yaml")),
    ("a bomb of aliases in a kubeconfig", "aliases make more", read(yaml_lines.one, BOMB, "x.yaml")),
    ("a bomb of aliases in a version's description", "no description", in_time(described)),
    (
        "merges of merges in a workload",
        "aliases make more",
        read(yaml_lines.documents, HOSTILE["merges of merges"], "x.yaml"),
    ),
    (
        "a value that is part of itself",
        "aliases make more",
        read(yaml_lines.documents, HOSTILE["a value in itself"], "x.yaml"),
    ),
    ("half a million brackets", "too deeply", read(plain_yaml.read, HOSTILE["levels of lists"], "x.yaml")),
    ("two hundred thousand values", "more than", read(plain_yaml.read, HOSTILE["many values"], "x.yaml")),
    (
        "a number of a million digits",
        "a number has more",
        read(yaml_lines.documents, HOSTILE["a long number"], "x.yaml"),
    ),
    ("a number in base 60", "a number has more", read(yaml_lines.documents, HOSTILE["a number in base 60"], "x.yaml")),
    ("two million letters", "characters", read(plain_yaml.read, HOSTILE["too long"], "x.yaml")),
    ("brackets in JSON", "too deeply", read(plain_json.loads, "[" * 200_000)),
    ("a number in JSON that is infinite", "too large", read(plain_json.loads, '{"a": 1e3000000}')),
    ("a number in JSON of 400 digits", "more than 100", read(plain_json.loads, "4" * 400)),
    ("a prompt's name leads out of the folder", NO_NAME, named("../../x")),
    ("a prompt's name is a path", NO_NAME, named("/etc/cron.d/x")),
    ("a prompt's name begins as an option does", NO_NAME, named("-rf")),
    ("a prompt's name hides its file", NO_NAME, named(".github")),
    ("a prompt's name has a line break", NO_NAME, named("x\ny")),
    ("the folder of prompts is a link", "a link leads out", linked),
    ("two prompts are one file on a Mac", "one file", two_of_a_name),
    ("a registry lists without end", "without end", endless),
    ("a model's header has 2^60 numbers", "GGUF", model(HEADERS["an array of numbers behind the end"])),
    ("a model's header has arrays in arrays", "GGUF", model(HEADERS["empty arrays without end"])),
    ("a model's header has 2^60 tensors", "GGUF", model(HEADERS["more tensors than any model"])),
    ("a model's config.json is nested without end", "cannot be read", config("[" * 100_000)),
    ("a model's config.json is larger than any", "cannot be read", config(" " * 5_000_000 + "{}")),
)
ATTACKS = tuple(Attack(kind=Kind.FILES, name=name, stopped_by=by, tried=tried) for name, by, tried in _ATTACKS)


def real(folder: Path) -> Collection[str]:
    try:
        model_files.from_gguf(gguf_file(folder / "m.gguf"))
    except Refused as refused:
        return [str(refused)]
    return []


HARMLESS = tuple(
    Harmless(kind=Kind.FILES, name=name, tried=tried)
    for name, tried in (
        ("an alias in a workload", read(yaml_lines.documents, "a: &a {x: 1}\nb: *a\n", "x.yaml")),
        ("a large map", read(plain_yaml.read, "".join(f"k{n}: 1\n" for n in range(5000)), "x.yaml")),
        ("a large list in JSON", read(plain_json.loads, "[" + "1," * 100_000 + "1]")),
        ("a prompt with an ordinary name", named("support-v1.2_de")),
        ("a chat prompt", prompt("- role: user\n  content: hello\n", "prompts/stolen.chat.yaml")),
        ("a model", real),
    )
)
