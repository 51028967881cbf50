"""The change that ships a winner: the app's flags with every user in one variant, as a diff that `git apply` takes."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path

from labs.ab.experiment import Experiment


def shipped(experiment: Experiment, winner: str) -> str:
    """The text of the flags with the winner as everybody's variant; only what has to change does."""
    text = experiment.flags.read_text(encoding="utf-8")
    for arm in experiment.arms:
        share = 100 if arm.name == winner else 0
        pattern = rf"(\[\s*{re.escape(json.dumps(arm.name))}\s*,\s*)[0-9.]+(\s*\])"
        text = re.sub(pattern, rf"\g<1>{share}\g<2>", text)
    was = json.dumps(experiment.control.name)
    text = text.replace(f'"defaultVariant": {was}', f'"defaultVariant": {json.dumps(winner)}')
    return re.sub(r'("version": ")([0-9]+)(")', lambda found: f"{found[1]}{int(found[2]) + 1}{found[3]}", text)


def diff(experiment: Experiment, winner: str, root: Path) -> str:
    """The same as a diff from the repository's root."""
    name = experiment.flags.relative_to(root).as_posix()
    before = experiment.flags.read_text(encoding="utf-8").splitlines(keepends=True)
    after = shipped(experiment, winner).splitlines(keepends=True)
    body = "".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"))
    return f"diff --git a/{name} b/{name}\n{body}" if body else ""
