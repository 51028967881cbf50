"""The exit code of a command: whatever it raises becomes words for a person, or JSON, and one exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

import typer

from core.problem import ExitCode, Problem, Refused
from ops.show import Show

_WORDS = {ExitCode.INTERRUPTED: "stopped", ExitCode.FAILED: "failed", ExitCode.UNAVAILABLE: "missing"}


def exit_code_of(command: Callable[[], int | None], show: Show) -> int:
    """Runs a command and gives back its exit code; a traceback is shown for MODELYARD_DEBUG=1 alone."""
    try:
        return int(command() or 0)
    except Refused as refused:
        show.problems(refused.problems, _WORDS.get(refused.code, "refused"))
        return refused.code
    except typer.Exit as exit:
        return exit.exit_code
    except typer.TyperException as wrong:
        show.problems([Problem(summary=wrong.message, fix="--help lists what is allowed")], "usage")
        return ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        show.say("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:
        if os.environ.get("MODELYARD_DEBUG") == "1":
            traceback.print_exc()
        summary = f"modelyard itself failed: {type(error).__name__}: {error}"
        show.problems([Problem(summary=summary, fix="MODELYARD_DEBUG=1 shows where; please report it")], "failed")
        return ExitCode.FAILED
