"""The app's image out of a working copy, as its Dockerfile makes it: a base with the requirements, and the app over it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.problem import ExitCode, Problem, Refused
from sandbox.images import archive, catalogue, python
from sandbox.images.archive import Image
from sandbox.images.catalogue import MADE_OF, STANDS_IN
from sandbox.images.layer import Layer

BASE, REQUIREMENTS = "app-base", "app/requirements.txt"
_UNUSED = ("__pycache__",)


@dataclass(frozen=True)
class Built:
    """An image in an archive, told by the digest of its manifest."""

    archive: Path
    digest: str
    size: int
    """Bytes of the archive."""
    base: str
    """What the base is made of."""


def build(root: Path, where: Path, target: Path, name: str, say: catalogue.Say = lambda _: None) -> Built:
    """Builds the app of the working copy `where` into the archive `target`; the same files give the same digest.

    `name` is the image's, with its tag. Raises `Refused`: `UNAVAILABLE` when an ingredient cannot be fetched, `USAGE` when the
    copy asks for other requirements than the base has.
    """
    (base,) = catalogue.ensure(root, [BASE], say)
    if (where / REQUIREMENTS).read_bytes() != (root / REQUIREMENTS).read_bytes():
        problem = Problem(
            summary="the change asks for other requirements than the base has",
            file=REQUIREMENTS,
            fix="make the change in the repository, then the base is made anew",
        )
        raise Refused(problem, ExitCode.USAGE)
    layer = Layer()
    layer.tree("srv/app", where / "app", lambda each: not set(each.split("/")) & set(_UNUSED))
    image = Image(
        name=name,
        entrypoint=(python.PROGRAM, "-m", "app"),
        user="10001:10001",
        env=python.ENV,
        folder="/srv",
        ports=("8080",),
        labels={STANDS_IN: "what app/Dockerfile builds", MADE_OF: f"app/ over {base.recipe.image.name}"},
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        blobs = archive.layers_of(base.archive, Path(scratch))
        blobs.append(layer.write(Path(scratch, "app")))
        digest = archive.write(target, image, blobs)
    return Built(target, digest, target.stat().st_size, base.made_of)
