"""Plain `pulumi` in the sandbox: the same program through a language host, in a shell whose clouds are simulated."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from core.problem import ExitCode, Problem, Refused
from ops.commands import deployed_bill
from ops.show import Show
from ops.worlds.sandbox import SandboxWorld
from ops.worlds.world import Place
from policies.guard.deployed import VARIABLES


def run(place: Place, world: SandboxWorld, command: Sequence[str], show: Show) -> int:
    """Runs `command` (or a shell) in the derived folder and gives back its exit code; the clouds live as long."""
    show.head(world.title, place.stack)
    with world.shell(place, show.say) as engine:
        wanted = list(command) or [os.environ.get("SHELL", "/bin/sh")]
        found = shutil.which(wanted[0], path=engine.env["PATH"])
        if found is None:
            raise Refused(Problem(summary="there is no such command", found=wanted[0]), ExitCode.USAGE)
        if command:
            # What a shell was told would be old after its first `up`, so only a single command is told.
            engine.tell(deployed_bill(place, engine).gate.variables(), instead_of=VARIABLES)
        done = subprocess.run([found, *wanted[1:]], cwd=engine.workdir, env=engine.env, check=False)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode
