"""`make demo`: the whole platform on a machine with nothing, in five steps, each with the plain command beside it.

While the toolchain is found or built behind it, the demo already says what the stack's plan alone can say.
"""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pulumi_aws as aws

from core.problem import ExitCode, Problem, Refused
from ops import cli, commands, sketch
from ops.commands import Job
from ops.preview import command as reporting
from ops.registry.reach import reached
from ops.show import Show
from ops.worlds.places import root
from ops.worlds.sandbox import SandboxWorld
from ops.worlds.world import Place
from sandbox.programs import toolchain

STACK = "dev"


class Told:
    """The toolchain, being made ready behind the demo; what it says is kept until somebody wants to read it."""

    def __init__(self, root: Path) -> None:
        self.lines: list[str] = []
        self.found: toolchain.Toolchain | None = None
        self.refused: Refused | None = None
        self._thread = threading.Thread(target=self._make, args=(root,), daemon=True)
        self._thread.start()

    def _make(self, root: Path) -> None:
        try:
            self.found = toolchain.ensure(root, say=self.lines.append)
        except Refused as refused:
            self.refused = refused

    def wait(self, say: Callable[[str], None]) -> toolchain.Toolchain:
        """The toolchain, each line of its making passed on; raises what refused it."""
        told = 0
        while self._thread.is_alive() or told < len(self.lines):
            for line in self.lines[told:]:
                say(line)
                told += 1
            self._thread.join(0.2)
        if self.found is None:
            raise self.refused or Refused(Problem(summary="the toolchain could not be installed"), ExitCode.FAILED)
        return self.found


@dataclass
class Demo:
    """What the steps share."""

    place: Place
    show: Show
    scratch: Path
    toolchain: Told
    started: float = field(default_factory=time.monotonic)

    def run(self, *arguments: str) -> int:
        """One `modelyard` command, said first as a person would type it."""
        self.show.line(f"$ modelyard {' '.join(arguments)}", style="bold cyan")
        return cli.run([*arguments, *([] if arguments[0] in {"config", "registry"} else ["--sandbox"])])

    def changed(self, name: str, change: Callable[[str], str]) -> Path:
        """A copy of the stack file with one change, which must have changed something."""
        before = self.place.stack_file.read_text(encoding="utf-8")
        after = change(before)
        if after == before:
            summary = f"{self.place.stack_file.name} has no place for the demo's change `{name}`"
            raise Refused(Problem(summary=summary, fix="put the stack file back, or follow the README by hand"))
        copy = self.scratch / f"Pulumi.{name}.yaml"
        copy.write_text(after, encoding="utf-8")
        return copy


def plan(demo: Demo) -> int:
    """What the plan alone says, while the toolchain is made ready."""
    for line in sketch.lines(demo.place):
        demo.show.line(line)
    misspelt = demo.changed("misspelt", lambda text: text.replace("onDemandFallback:", "onDemandFalback:"))
    demo.show.line("\na misspelt key is refused before anything starts:")
    code = demo.run("config", "--stack", STACK, "--file", str(misspelt))
    if code != ExitCode.REFUSED:
        return ExitCode.FAILED
    demo.show.line()
    toolchain = demo.toolchain.wait(demo.show.say)
    how = {"path": "found on PATH", "release": "the official release", "built": "built from Go modules"}
    demo.show.line(f"engine: pulumi {toolchain.version}, {how[toolchain.origin.value]} ({toolchain.seconds:.1f} s)")
    return ExitCode.OK


def bring_up(demo: Demo) -> int:
    """`up` of dev with the policy packs, then the outputs."""
    return demo.run("up", "--stack", STACK) or demo.run("outputs", "--stack", STACK)


def try_a_change(demo: Demo) -> int:
    """One value changed in a copy of the stack file: what would `up` do?"""
    copy = demo.changed("larger", lambda text: re.sub(r"(limits: \{ gpus:) 2\b", r"\1 3", text))
    demo.show.line(f"in the copy, {difference(demo.place.stack_file, copy)}")
    return demo.run("preview", "--stack", STACK, "--file", str(copy))


def be_refused(demo: Demo) -> int:
    """A change that the budget refuses, with its arithmetic, and one that a policy refuses, with its message."""
    copy = demo.changed(
        "dearer", lambda text: re.sub(r"(limits: \{ gpus:) 2, monthlyUsd: \d+", r"\1 8, monthlyUsd: 9000", text)
    )
    demo.show.line(f"in the copy, {difference(demo.place.stack_file, copy)}")
    if demo.run("preview", "--stack", STACK, "--file", str(copy)) != ExitCode.REFUSED:
        return ExitCode.FAILED
    demo.show.line("\nsomebody adds this to the program, for a quick look at a node:")
    for line in inspect.getsource(open_door).splitlines()[2:]:
        demo.show.line(f"  {line}", style="yellow")
    demo.show.line(f"$ modelyard preview --stack {STACK}", style="bold cyan")
    platform = commands.program(demo.place)

    def program() -> None:
        platform()
        open_door()

    packs = commands.packs(demo.place)
    job = Job(place=demo.place, program=program, packs=packs, show=demo.show, confirm=lambda _: True)
    code = reporting.preview(job)
    return ExitCode.OK if code == ExitCode.REFUSED else ExitCode.FAILED


def open_door() -> None:
    """What no one should add to a program."""
    aws.ec2.SecurityGroup(
        "quick-look",
        description="ssh for everybody",
        ingress=[{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}],
        tags={"Environment": "dev", "ManagedBy": "hand", "Owner": "me"},
    )


def go_on(demo: Demo) -> int:
    """What the registry holds and where it is; the stack stays, with commands to go on with."""
    demo.show.line("the stack's model registry is a real MLflow server; it holds:")
    if (code := demo.run("registry", "import", "--look", "--stack", STACK)) != ExitCode.OK:
        return code
    with reached(demo.place) as server:
        address = server.url
    demo.show.line(f"  at {address} while `modelyard registry open --stack {STACK}` runs\n")
    demo.show.line(
        "the sandbox stack is up and stays. To go on (`. .venv/bin/activate` first, or write .venv/bin/modelyard):"
    )
    for command in ("preview --stack dev", "up --stack dev", "destroy --stack dev"):
        demo.show.line(f"  modelyard {command}", style="bold cyan")
    demo.show.line("three labs with a real model (docs/seed.md): (keep; pasted in docs/demo.md)")
    for target in ("lab-registry", "lab-ab", "lab-deploy"):
        demo.show.line(f"  make {target}", style="bold cyan")
    return ExitCode.OK


STEPS: tuple[tuple[str, Callable[[Demo], int]], ...] = (
    ("what dev is, from its plan alone", plan),
    ("dev comes up in the sandbox, policies on", bring_up),
    ("what would one changed value do?", try_a_change),
    ("what do the budget and the policies refuse?", be_refused),
    ("go on from here", go_on),
)


def difference(before: Path, after: Path) -> str:
    """The first line in which two stack files differ, old and new."""
    pairs = zip(before.read_text("utf-8").splitlines(), after.read_text("utf-8").splitlines(), strict=False)
    old, new = next(((old.strip(), new.strip()) for old, new in pairs if old != new), ("", ""))
    return f"`{old}` becomes `{new}`"


def main() -> int:
    """Runs the steps until one fails; the exit code is that step's."""
    show, home = Show(), root()
    place = Place(root=home, stack=STACK, stack_file=home / f"Pulumi.{STACK}.yaml", world=SandboxWorld())
    with tempfile.TemporaryDirectory(prefix="modelyard-demo-") as scratch:
        demo = Demo(place=place, show=show, scratch=Path(scratch), toolchain=Told(home))
        for number, (title, step) in enumerate(STEPS, 1):
            show.line(f"\n[{number}/{len(STEPS)}] {title}", style="bold")
            try:
                code = step(demo)
            except Refused as refused:
                show.problems(refused.problems)
                return refused.code
            except KeyboardInterrupt:
                return ExitCode.INTERRUPTED
            if code != ExitCode.OK:
                show.line(f"the demo stops here: step {number} ended with {code}", style="bold red")
                return code
        show.line(f"\nthe demo took {time.monotonic() - demo.started:.0f} s")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
