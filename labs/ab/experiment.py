"""The experiment as the app's own files say it: a flag of flagd whose variants are prompt versions, and their texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.assignment import Assigner, AssignmentError
from app.settings import PROMPT_URI
from core.problem import ExitCode, Problem, Refused

FLAG = "shop-assistant"
FOLDER = Path("examples/chat-app")
"""Where the app's flags and prompts are, below the repository's root."""


@dataclass(frozen=True)
class Arm:
    """One variant: its share (%) of the users, and the prompt version that they get."""

    name: str
    percent: float
    prompt: str
    version: int
    text: str


@dataclass(frozen=True)
class Experiment:
    """Two arms; the first is what there is today, the second is what is tried."""

    flags: Path
    key: str
    control: Arm
    treatment: Arm

    @property
    def arms(self) -> tuple[Arm, Arm]:
        """Both."""
        return self.control, self.treatment


def dealt(experiment: Experiment, users: Iterable[str]) -> Counter[str]:
    """How often each arm has to be seen when these users ask, each as often as named: the flag itself says it."""
    assigner = Assigner(experiment.flags, experiment.key)
    return Counter(assigner.of(user).variant for user in users)


def read(folder: Path, key: str = FLAG) -> Experiment:
    """The experiment of an app's folder. Raises Refused (`USAGE`) when there is not one with two arms to compare."""
    file = folder / "flags.json"

    def refuse(summary: str, found: str = "") -> Refused:
        fix = f"git checkout {file.name} brings back the experiment" if "nothing to compare" in summary else ""
        return Refused(Problem(summary=summary, file=str(file), where=key, found=found, fix=fix), ExitCode.USAGE)

    try:
        Assigner(file, key)
        flag = json.loads(file.read_text(encoding="utf-8"))["flags"][key]
        shares = {str(name): float(percent) for name, percent in flag["targeting"]["fractional"][1:]}
        names = [flag["defaultVariant"], *(each for each in flag["variants"] if each != flag["defaultVariant"])]
    except (AssignmentError, KeyError, TypeError, ValueError) as error:
        raise refuse("this is no experiment: a flag with `fractional` targeting is needed", str(error)) from None
    if len(names) != 2 or set(shares) != set(names):
        raise refuse("an experiment has two variants, both with a share", ", ".join(names))
    if min(shares.values()) <= 0:
        raise refuse("every user gets the same variant, so there is nothing to compare", str(shares))
    whole, arms = sum(shares.values()), []
    for name in names:
        variant = flag["variants"][name]
        match = PROMPT_URI.fullmatch(variant) if isinstance(variant, str) else None
        if match is None or not match["version"]:
            raise refuse("a variant is a prompt version, prompts:/NAME/VERSION", json.dumps(variant))
        text = _text(folder / "prompts" / f"{name}.md", name)
        arms.append(Arm(name, 100 * shares[name] / whole, match["name"], int(match["version"]), text))
    return Experiment(file, key, *arms)


def _text(file: Path, variant: str) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) else "not UTF-8"
        fix = f"a variant's text is in a file of its name: write {file.name}"
        problem = Problem(summary="a variant has no text", file=str(file), where=variant, found=str(found), fix=fix)
        raise Refused(problem, ExitCode.USAGE) from None
