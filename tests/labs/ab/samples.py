"""An experiment of a test's own, and answers as a registry would have them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labs.ab import experiment
from labs.ab.analysis import Verdict, judge
from labs.ab.evidence import Seen
from labs.ab.experiment import Experiment
from tests.roots import ROOT

OURS = ROOT / experiment.FOLDER


def copied(folder: Path, **changes: Any) -> Path:
    """The app's folder with its flag changed."""
    target = folder / "app"
    shutil.copytree(OURS, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    file = target / "flags.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["flags"][experiment.FLAG].update(changes)
    file.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return target


def ours() -> Experiment:
    """The experiment that the lab runs."""
    return experiment.read(OURS)


def split(*shares: int) -> dict[str, Any]:
    """Targeting with these shares."""
    names = ("plain", "short")
    arms = [[name, share] for name, share in zip(names, shares, strict=True)]
    return {"fractional": [{"cat": ["salt", {"var": "targetingKey"}]}, *arms]}


def seen(arm: str, users: int, helped: int, each: int = 2, start: int = 0) -> list[Seen]:
    """`each` answers of every user of an arm, `helped` of them all helpful, dealt one after the other."""
    version = {"plain": 1, "short": 2}[arm]
    return [
        Seen(
            f"{arm}-{start + number % users}",
            arm,
            version,
            f"{number}",
            failed=False,
            helpful=number * helped // (users * each) != (number + 1) * helped // (users * each),
        )
        for number in range(users * each)
    ]


def asked(rows: Sequence[Seen]) -> Counter[str]:
    """What was asked when every answer left its trace."""
    return Counter(row.arm for row in rows)


def verdict_on(rows: Sequence[Seen]) -> Verdict:
    """The verdict when every answer left its trace."""
    return judge(ours(), rows, asked(rows))
