"""`make lab-ab` in its short form: the real node, Envoy, the model, MLflow and the app, and users who make up their minds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from core.problem import ExitCode
from labs.ab.__main__ import SHORT_REQUESTS, SHORT_USERS
from tests.roots import ROOT

pytestmark = pytest.mark.conformance
VERDICTS = {ExitCode.OK: "winner", ExitCode.UNDETERMINED: "no winner"}


def test_the_short_form_takes_every_answer_from_user_to_verdict(
    record_property: Callable[[str, object], None],
) -> None:
    command = [sys.executable, "-m", "labs.ab", "--short", "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode in VERDICTS, done.stdout + done.stderr
    found = json.loads((ROOT / ".sandbox" / "labs" / "ab" / "report.json").read_text(encoding="utf-8"))
    verdict = found["verdict"]
    assert verdict["outcome"] == VERDICTS[ExitCode(done.returncode)]
    assert found["run"]["failed"] == {}
    arms = [verdict["control"], verdict["treatment"]]
    assert sum(arm["users"] for arm in arms) == SHORT_USERS
    assert sum(arm["judged"] for arm in arms) == SHORT_REQUESTS
    assert min(arm["users"] for arm in arms) > 1
    assert found["behind"][0].startswith("Envoy")
    assert any("stands in for" in line for line in found["behind"])
    assert bool(found["change"]) is (verdict["outcome"] == "winner")
    record_property("conformance", f"lab-ab, short: {verdict['outcome']}, {found['run']['totalSeconds']:.0f} s")
