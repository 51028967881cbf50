"""`python -m labs.registry`: fine-tunes, tracks and compares; `--open` keeps what is tracked up to look at."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Annotated

import typer

from core.problem import ExitCode, Problem, Refused
from labs.exit_codes import ended
from labs.registry import recipes
from ops import cli
from ops.show import Show
from ops.worlds.places import root

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
EXAMPLES = """Examples:  python -m labs.registry   |   python -m labs.registry --short   |
python -m labs.registry --versions steady,long --steps 120 --seed 7   |
python -m labs.registry --open   |   python -m labs.registry --open -- modelyard models list --stack dev --url URL"""


@app.command(epilog=EXAMPLES)
def lab(
    command: Annotated[
        list[str] | None, typer.Argument(help="With --open: what to run while the server is up.")
    ] = None,
    versions: Annotated[str, typer.Option(help=f"Which to train: {', '.join(e.name for e in recipes.RECIPES)}.")] = "",
    steps: Annotated[int, typer.Option(help="Training steps of each version, in place of its own.")] = 0,
    seed: Annotated[int, typer.Option(help="Splits the tickets, starts the adapters and orders the training.")] = 0,
    short: Annotated[
        bool, typer.Option("--short", help="Few steps, few held-out tickets: shows that it runs.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Train nothing: keep the lab's MLflow server up.")] = False,
) -> int:
    """Fine-tune SmolLM2-135M-Instruct in several ways, track each version in MLflow, and say which is better than the base.

    A call that was cut goes on where it stopped; what is there already is not trained again.
    """
    from labs.registry.run import Lab, alone

    show, began = Show(), time.monotonic()
    if open_:
        return _open(show, command or [])
    if command:
        raise Refused(Problem(summary="a command runs with --open", found=" ".join(command)), ExitCode.USAGE)
    plan = recipes.plan([each for each in versions.split(",") if each], steps=steps, seed=seed, short=short)
    show.line(
        f"{'SHORT ' * short}lab: {plan.model}, versions {', '.join(recipe.name for recipe in plan.recipes)}",
        style="bold",
    )
    from labs.registry import report, track

    folder = root() / ".sandbox" / "labs" / "registry"
    with alone(folder), track.server(root()) as server:
        show.line(f"MLflow: {server.url}, data in {os.path.relpath(folder / 'mlflow')}")
        done = Lab(folder, plan, show.line)
        base, results = done.run(server.url)
        verdict = report.verdict(plan, base, results, done.tracker.judged_on(done.data.held_out))
        if verdict.candidate:
            done.tracker.candidate(verdict.candidate)
        show.line()
        for line in verdict.lines:
            show.line(line)
        show.line()
        numbers = [str(result.number) for result in results]
        compare = ["models", "compare", plan.model, *numbers, "--stack", "dev", "--url", server.url]
        show.line(f"$ modelyard {' '.join(compare)}", style="bold cyan")
        code = cli.run(compare)
    show.line()
    show.line(f"the lab took {time.monotonic() - began:.0f} s; to look again: python -m labs.registry --open")
    return code or verdict.code


def _open(show: Show, command: list[str]) -> int:
    from labs.registry import track

    with track.server(root()) as server:
        if command:
            env = {**os.environ, **server.variables()}
            return subprocess.run(
                [server.url if each == "URL" else each for each in command], env=env, check=False
            ).returncode
        show.line(f"MLflow: {server.url}  (loads at the first call; Ctrl-C ends it, what it holds stays)")
        show.line(f"  modelyard models compare {recipes.MODEL} --stack dev --url {server.url}", style="bold cyan")
        while server.process.poll() is None:
            time.sleep(0.5)
    raise Refused(Problem(summary="the server has ended"), ExitCode.FAILED)


def main() -> int:
    """Runs the lab; every way it can end is an exit code."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    return ended(lambda: app(sys.argv[1:], standalone_mode=False), ".ci/venv labs")


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
