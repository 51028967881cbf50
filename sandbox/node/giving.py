"""Gives a node an image, made here or brought."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from core.problem import ExitCode, Problem, Refused
from sandbox.images import catalogue
from sandbox.node.node import Node

Say = Callable[[str], None]


def give(root: Path, node: Node, image: str, say: Say) -> str:
    """Gives a node an image: a name of the catalogue, or the file of an archive. Gives the line that a report says of it."""
    if image in catalogue.RECIPES:
        (made,) = catalogue.ensure(root, [image], say)
        archive, line = made.archive, made.line
    elif (file := Path(image)).is_file():
        archive, line = file, file.name
    else:
        problem = Problem(
            summary="no such image",
            found=image,
            allowed=f"{', '.join(catalogue.RECIPES)}, or the file of an OCI archive",
            fix="`docker save` or `buildah push oci-archive:FILE` writes one",
        )
        raise Refused(problem, ExitCode.USAGE)
    began = time.monotonic()
    node.load(archive)
    say(f"image: {line}, loaded in {time.monotonic() - began:.1f} s")
    return line
