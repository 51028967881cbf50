"""Plain `pulumi` in the sandbox: the same program through a language host, in a shell whose clouds are simulated."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from core.problem import ExitCode, Problem, Refused
from ops.show import Show
from ops.worlds.world import Place, account_kind, registry_asks
from sandbox.programs import toolchain
from sandbox.stack.session import Session


def run(place: Place, command: Sequence[str], show: Show) -> int:
    """Runs `command` (or a shell) in the derived folder and gives back its exit code; the clouds live as long."""
    tools = toolchain.ensure(place.root, say=show.say, language_host=True)
    show.head(place.world.title, place.stack)
    with Session.open(
        place.root,
        place.stack_file,
        place.stack,
        toolchain=tools,
        kubeconfig=place.kubeconfig,
        users=registry_asks(place),
        account=account_kind(place),
    ) as session:
        wanted = list(command) or [os.environ.get("SHELL", "/bin/sh")]
        found = shutil.which(wanted[0], path=session.env["PATH"])
        if found is None:
            raise Refused(Problem(summary="there is no such command", found=wanted[0]), ExitCode.USAGE)
        done = subprocess.run([found, *wanted[1:]], cwd=session.workdir, env=session.env, check=False)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode
