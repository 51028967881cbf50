"""The program as Pulumi runs it: reads the stack's configuration, refuses in one clear message, builds."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pulumi

from core.problem import Refused
from infra.loaded import LoadedStack
from infra.stack.file import StackFile


def make(loaded: LoadedStack) -> Callable[[], None]:
    """The program of a stack that was read, for whoever runs an engine in this process; it raises Refused as it is."""
    return lambda: _declare(loaded)


def main() -> None:
    """The program of the stack that the engine has selected: its configuration, with lines from the file beside it.

    The engine has read that file with a YAML reader of its own, which takes `0200` for 128 and says nothing: so the file itself
    is judged too, when there is one. What comes from elsewhere (`--config-file`, an environment) is judged by its values alone.
    Whatever refuses becomes one message to the engine, without a traceback.
    """
    config = pulumi.Config("modelyard").require_object("platform")
    region = pulumi.Config("aws").get("region") or ""
    # An older language host does not tell the program where its project is.
    root = pulumi.get_root_directory() or str(Path.cwd().parent)
    path = Path(root) / f"Pulumi.{pulumi.get_stack()}.yaml"
    file = StackFile(path=path, platform=config, region=region)
    try:
        if path.is_file():
            read = StackFile.read(path)
            file = replace(read, region=region) if read.platform == config else file
        _build(file)
    except Refused as refused:
        raise pulumi.RunError(str(refused)) from None


def _build(file: StackFile) -> None:
    # Read the stack file before the providers' packages: a refusal should not wait for them.
    _declare(LoadedStack.of(pulumi.get_stack(), file))


def _declare(loaded: LoadedStack) -> None:
    # The providers' packages are some 360,000 objects that stay for good: a third of a first run went to walking them in
    # search of garbage.
    gc.disable()
    try:
        from infra.build import build

        build(loaded.plan)
        _keep()
    except Refused as refused:
        raise loaded.placed(refused) from None
    finally:
        gc.enable()


@functools.cache
def _keep() -> None:
    """Takes what is there now out of the garbage collector's walks, once in a process: twice would keep a run's own garbage."""
    gc.freeze()
