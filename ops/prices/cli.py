"""`modelyard prices ...`: the price book and how it is brought up to date."""

from __future__ import annotations

import datetime
import re
from typing import Annotated

import typer

from core.problem import ExitCode, Problem, Refused
from ops.worlds.places import places, root
from ops.worlds.sandbox import SandboxWorld

app = typer.Typer(name="prices", no_args_is_help=True, help="The committed price book.")
EXAMPLES = (
    "Examples:  modelyard prices refresh --dry-run   |   modelyard prices refresh --region eu-west-1 --services ec2,spot   |   "
    "modelyard prices refresh --forget p4d.24xlarge"
)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


@app.callback()
def group() -> None:
    """The committed price book."""


@app.command(epilog=EXAMPLES)
def refresh(
    region: Annotated[
        list[str] | None,
        typer.Option("--region", help="A region to read; may be repeated (default: the regions of the stacks)."),
    ] = None,
    services: Annotated[
        str,
        typer.Option(
            "--services", help="ec2, spot, ebs, eks, vpc, transfer, rds, s3, kms, secrets, logs, sqs; or all."
        ),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change; write nothing.")] = False,
    forget: Annotated[
        list[str] | None,
        typer.Option("--forget", metavar="KEY", help="A price to remove from the price book; may be repeated."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Read again what was read today already.")] = False,
) -> int:
    """Read today's prices from AWS (pricing:GetProducts, ec2:DescribeSpotPriceHistory) into pricing/book/data.

    Also says which compiled limits of which stack would move. A cut run goes on where it stopped; nothing is written unless
    all requested prices were read. Commit what it writes: a preview takes prices from the commit alone.
    """
    import shutil

    from ops.prices import refresh as prices
    from ops.prices.reader import of_account
    from ops.show import Show
    from pricing.book import facts

    show, home, today = Show(), root(), datetime.date.today()
    stacks = places(home, SandboxWorld())
    regions = list(dict.fromkeys(region or [stack.file.region for stack in stacks if stack.file.region]))
    if wrong := [each for each in regions if not _REGION.fullmatch(each)]:
        problem = Problem(summary="this is no region", found=", ".join(wrong), allowed="for example us-east-1")
        raise Refused(problem, ExitCode.USAGE)
    folder = home / ".sandbox" / "prices" / today.isoformat()
    if fresh and folder.is_dir():
        shutil.rmtree(folder)
    reader = of_account(folder, show.say)
    found = prices.refresh(reader, regions, prices.chosen(services), today, forget=forget or ())
    for line in prices.told(found):
        show.line(line)
    moved = list(prices.limits_moved(stacks, found))
    show.line(f"{len(moved)} compiled limit(s) would move" + (":" if moved else ""))
    for line in moved:
        show.line(f"  {line}")
    if dry_run:
        show.line("nothing was written (--dry-run)")
    else:
        show.line(f"written: {', '.join(prices.write(found, facts.DATA)) or 'nothing'}")
    return ExitCode.OK
