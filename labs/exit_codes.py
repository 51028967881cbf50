"""How a lab may end: what a cluster, a registry or a network does wrong is one message, like everything else."""

from __future__ import annotations

import sys
from collections.abc import Callable

from core.problem import ExitCode, Problem, Refused
from ops.exit_codes import exit_code_of
from ops.show import Show

_MODULES = {
    "sandbox.faults": "CloudError",
    "mlflow.exceptions": "MlflowException",
    "requests": "RequestException",
    "httpx": "HTTPError",
}
"""Where errors of what a lab talks to come from; a module that was never imported has raised nothing."""


def ended(lab: Callable[[], int | None], install: str) -> int:
    """Runs a lab and gives its exit code: 4 without a package (`install` is the line that installs it), 1 when a step fails."""

    def run() -> int | None:
        try:
            return lab()
        except ModuleNotFoundError as error:
            problem = Problem(summary="a package is not installed", found=str(error.name), fix=install)
            raise Refused(problem, ExitCode.UNAVAILABLE) from None
        except _outside() as error:
            found = f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]
            problem = Problem(summary="a step of the lab failed", found=found, fix="run the lab again")
            raise Refused(problem, ExitCode.FAILED) from None

    return exit_code_of(run, Show())


def _outside() -> tuple[type[Exception], ...]:
    found = [getattr(sys.modules[name], error) for name, error in _MODULES.items() if name in sys.modules]
    return (*found, TimeoutError)
