"""The file that says which version of the app runs: read, and raised by a change that is shown as a diff.

`python -m labs.deploy.release VERSION IMAGE` is what the workflow calls before it opens a pull request.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from core import plain_yaml
from core.problem import ExitCode, Problem, Refused

FILE = "examples/chat-app/release.yaml"
"""The release file of the app, from the repository's root."""

VERSION = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
"""What a version may be: a value of a Kubernetes label."""
IMAGE = r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}"
"""How an image is named: by digest, so that what was tested and scanned is what runs."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Step(_Model):
    """One step of a canary: the new version's share (percent) for a while."""

    weight: int = Field(ge=1, le=99)
    pause_seconds: int = Field(ge=1, le=86_400)


class Canary(_Model):
    """How the next version comes in."""

    strategy: Literal["canary"]
    steps: Annotated[list[Step], Field(min_length=1, max_length=10)]


class Release(_Model):
    """The whole file. `image` is empty until a first version has been built."""

    version: str = Field(pattern=f"^{VERSION}$")
    image: str = Field(pattern=f"^({IMAGE})?$")
    replicas: int = Field(ge=1, le=100)
    rollout: Canary


def read(text: str, name: str = FILE) -> Release:
    """Reads a release file. Raises `Refused` (`USAGE`) with the field that cannot be used."""
    try:
        return Release.model_validate(plain_yaml.read(text, name).value)
    except Refused as refused:
        raise Refused(refused.problems, ExitCode.USAGE) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        problem = Problem(summary="the release file cannot be used", file=name, where=where, found=first["msg"])
        raise Refused(problem, ExitCode.USAGE) from None


def raised(text: str, version: str, image: str, name: str = FILE) -> str:
    """The file with another version and image, every other line as it was.

    Raises `Refused` (`USAGE`) when they cannot be used, are those that are there already, or the file does not hold each once.
    """
    before = read(text, name)
    for word, value, form in (("version", version, VERSION), ("image", image, IMAGE)):
        if not re.fullmatch(form, value):
            problem = Problem(summary=f"this cannot be the {word} of a release", found=value, allowed=form)
            raise Refused(problem, ExitCode.USAGE)
    if (before.version, before.image) == (version, image):
        problem = Problem(summary="the release has this version already", file=name, found=version)
        raise Refused(problem, ExitCode.USAGE)
    after = text
    for key, value in (("version", version), ("image", image)):
        after, number = re.subn(rf"(?m)^{key}:.*$", f'{key}: "{value}"', after)
        if number != 1:
            problem = Problem(summary=f"`{key}` does not stand on one line of its own", file=name, fix="write it so")
            raise Refused(problem, ExitCode.USAGE)
    release = read(after, name)
    if release != before.model_copy(update={"version": version, "image": image}):
        problem = Problem(summary="raising the version would change more than that", file=name, fix="raise it by hand")
        raise Refused(problem, ExitCode.USAGE)
    return after


def diff(before: str, after: str, name: str = FILE) -> str:
    """The change as a pull request shows it."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", n=1, lineterm="")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Raises the version in the file and prints the diff."""
    parser = argparse.ArgumentParser(
        prog="python -m labs.deploy.release",
        description="Raises the version of the app in its release file, and prints the change.",
    )
    parser.add_argument("version", help="the new version")
    parser.add_argument("image", help="its image, NAME@sha256:DIGEST")
    parser.add_argument("--file", type=Path, default=Path(FILE), help=f"the release file ({FILE})")
    options = parser.parse_args(arguments)
    try:
        before = options.file.read_text(encoding="utf-8")
        after = raised(before, options.version, options.image, str(options.file))
    except OSError as error:
        sys.stderr.write(
            f"refused {Problem(summary='the file cannot be read', file=str(options.file), found=str(error.strerror))}\n"
        )
        return ExitCode.USAGE
    except Refused as refused:
        sys.stderr.write(f"refused {refused}\n")
        return refused.code
    options.file.write_text(after, encoding="utf-8")
    sys.stdout.write(diff(before, after, str(options.file)) + "\n")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
