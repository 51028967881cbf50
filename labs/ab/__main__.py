"""`python -m labs.ab`: the options, the report on the terminal, and the exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.problem import ExitCode, Problem, Refused
from labs.exit_codes import ended

if TYPE_CHECKING:
    from labs.ab.report import Report

USERS, REQUESTS, SHORT_USERS, SHORT_REQUESTS = 120, 240, 24, 24
MOST_REQUESTS = 10_000
_EPILOG = """
examples:
  make lab-ab                                      the whole chain: app, Envoy, pods with the model (Linux, root)
  python -m labs.ab --users 200 --requests 200     more users, one question each
  python -m labs.ab --seed 7                       other users, other questions
  python -m labs.ab --target http://127.0.0.1:8000/v1 --model my-model     any OpenAI API instead of the cluster

exit codes:
  0  there is a winner, and the change that ships it is printed
  6  no winner: the interval holds zero
  3  the numbers cannot be trusted: users moved, the split is off, or too many answers are missing
  1  a step failed; it says which                     2  an option or the experiment's file is wrong
  4  something is not installed; the line that installs it is printed
"""


def say(line: str) -> None:
    """Progress, on standard error."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the lab and prints its report."""
    options = _options().parse_args(arguments)
    return ended(lambda: _lab(options), ".ci/venv labs")


def _lab(options: argparse.Namespace) -> int:
    report, where = _run(options)
    from labs.ab.report import lines

    sys.stdout.writelines(f"{line}\n" for line in lines(report))
    say(
        f"\npage: {where}/report.html   document: {where}/report.json   MLflow: mlflow ui --backend-store-uri "
        f"sqlite:///{where}/registry/mlflow.db"
    )
    return int(report.verdict.outcome.code)


def _run(options: argparse.Namespace) -> tuple[Report, str]:
    # MLflow's client would count and report what it is used for; its thread for that also races with its requests.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from labs.ab.run import Plan, run

    users = _given(options.users, SHORT_USERS if options.short else USERS)
    plan = Plan(
        users=users,
        requests=_given(options.requests, max(users, SHORT_REQUESTS if options.short else REQUESTS)),
        seed=options.seed,
        target=options.target,
        model=options.model,
        short=options.short,
    )
    if not 1 <= plan.users <= plan.requests <= MOST_REQUESTS:
        problem = Problem(
            summary="each user asks at least once",
            found=f"--users {plan.users}, --requests {plan.requests}",
            allowed=f"1 <= users <= requests <= {MOST_REQUESTS}",
        )
        raise Refused(problem, ExitCode.USAGE)
    root = Path(__file__).resolve().parents[2]
    return run(root, plan, say), ".sandbox/labs/ab"


def _given(said: int | None, otherwise: int) -> int:
    return otherwise if said is None else said


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m labs.ab",
        description="Compares two system prompts on simulated users and says which one to ship.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--users", type=int, help=f"how many users ({USERS}; {SHORT_USERS} with --short)")
    parser.add_argument(
        "--requests", type=int, help=f"questions of all together ({REQUESTS}; {SHORT_REQUESTS} with --short)"
    )
    parser.add_argument("--seed", type=int, default=1, help="which users and questions (1)")
    parser.add_argument("--short", action="store_true", help="a few users: shows that the chain works, rarely a winner")
    parser.add_argument(
        "--target", default="", metavar="URL", help="an OpenAI API, with its /v1, instead of the cluster"
    )
    parser.add_argument("--model", default="chat", help="the model's name in requests (chat)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
