"""The change that ships a winner: the app's flags with every user in one variant, as a diff that `git apply` takes."""

from __future__ import annotations

import copy
import difflib
import json
import re
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from labs.ab.experiment import Experiment


def shipped(experiment: Experiment, winner: str) -> str:
    """The text of the flags with the winner as everybody's variant; only what has to change does.

    The text is edited, so that a reviewer sees few lines, and then both texts are read: Refused (`USAGE`) unless this flag
    became what it has to be and every other one stayed.
    """
    text = experiment.flags.read_text(encoding="utf-8")
    before = json.loads(text)
    for arm in experiment.arms:
        share = 100 if arm.name == winner else 0
        pattern = rf"(\[\s*{re.escape(json.dumps(arm.name))}\s*,\s*)[0-9.]+(\s*\])"
        text = re.sub(pattern, rf"\g<1>{share}\g<2>", text)
    was = json.dumps(experiment.control.name)
    text = text.replace(f'"defaultVariant": {was}', f'"defaultVariant": {json.dumps(winner)}')
    text = re.sub(r'("version": ")([0-9]+)(")', lambda found: f"{found[1]}{int(found[2]) + 1}{found[3]}", text)
    if _read(text) != intended(before, experiment, winner):
        problem = Problem(
            summary="the change cannot be made by editing the text: something else in the file looks the same",
            file=str(experiment.flags),
            where=experiment.key,
            fix="keep the experiment's flag in a file of its own, or give its variants names that no other flag has",
        )
        raise Refused(problem, ExitCode.USAGE)
    return text


def intended(document: dict[str, Any], experiment: Experiment, winner: str) -> dict[str, Any]:
    """The flags with this experiment's winner as everybody's variant and its version raised; nothing else is changed."""
    after = copy.deepcopy(document)
    flag = after["flags"][experiment.key]
    flag["defaultVariant"] = winner
    split = flag["targeting"]["fractional"]
    split[1:] = [[name, 100 if name == winner else 0] for name, _ in split[1:]]
    version = flag.get("metadata", {}).get("version")
    if isinstance(version, str) and re.fullmatch("[0-9]+", version):
        flag["metadata"]["version"] = str(int(version) + 1)
    return after


def diff(experiment: Experiment, winner: str, root: Path) -> str:
    """The same as a diff from the repository's root."""
    name = experiment.flags.relative_to(root).as_posix()
    before = experiment.flags.read_text(encoding="utf-8").splitlines(keepends=True)
    after = shipped(experiment, winner).splitlines(keepends=True)
    body = "".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"))
    return f"diff --git a/{name} b/{name}\n{body}" if body else ""


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
