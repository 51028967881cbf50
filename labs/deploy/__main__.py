"""`python -m labs.deploy`: the options, the report on the terminal, and the exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from labs.exit_codes import ended

_EPILOG = """
examples:
  make lab-deploy                     a change to the app goes out by a canary, a bad one comes back (Linux, root)
  python -m labs.deploy --short       the same with shorter steps
  python -m labs.deploy.release 2 NAME@sha256:DIGEST     only raise the version in the release file, as the workflow does

exit codes:
  0  the good change is out and lost no request; the bad one was taken back by itself
  1  one of that does not hold, or a step failed; it says which
  6  the judge could not tell: too few requests were answered
  2  an option is wrong      4  something is not installed; the line that installs it is printed
"""


def say(line: str) -> None:
    """Progress, on standard error."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the lab and prints its report."""
    parser = argparse.ArgumentParser(
        prog="python -m labs.deploy",
        description="Takes a change to the app from its tests to a canary under traffic, and a bad change back again.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--short", action="store_true", help="shorter steps of the canary")
    options = parser.parse_args(arguments)
    return ended(lambda: _lab(short=options.short), ".ci/venv dev")


def _lab(*, short: bool) -> int:
    from labs.deploy.report import lines
    from labs.deploy.run import run

    report = run(Path(__file__).resolve().parents[2], say, short=short)
    sys.stdout.writelines(f"{line}\n" for line in lines(report))
    say("\npage: .sandbox/labs/deploy/report.html   document: .sandbox/labs/deploy/report.json")
    return int(report.code)


if __name__ == "__main__":
    sys.exit(main())
