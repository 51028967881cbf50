"""The real `modelyard` command, with the two things its command line does not offer to everyone: faults and a call log.

command.py <faults file or -> <calls file> <small|whole> <modelyard arguments>
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ops import cli
from ops.commands import Job
from ops.jobs import job_of


def main(faults: str, calls: str, size: str, *arguments: str) -> None:
    """One command on the stack of the current folder; ends the process as `modelyard` does."""
    make: Callable[..., Job] = job_of

    def job(*given: Any, **named: Any) -> Job:
        made = replace(make(*given, **named), faults=None if faults == "-" else Path(faults), calls=Path(calls))
        if size == "whole":
            return made
        from tests.chaos.small import program

        return replace(made, program=program, packs=())

    vars(cli)["job_of"] = job
    cli.main(list(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
