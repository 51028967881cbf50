"""However a lab ends, a person reads one message, and the exit code says the kind."""

from __future__ import annotations

import importlib

import pytest
import requests
from mlflow.exceptions import MlflowException

from core.problem import ExitCode, Problem, Refused
from labs.exit_codes import ended
from sandbox.faults import CloudError

ENDS = [
    (CloudError("Conflict", "try again"), ExitCode.FAILED, "try again"),
    (MlflowException("no such run"), ExitCode.FAILED, "no such run"),
    (requests.ConnectionError("refused"), ExitCode.FAILED, "ConnectionError"),
    (TimeoutError("3 of 20 answers after 300 s"), ExitCode.FAILED, "3 of 20 answers"),
    (ModuleNotFoundError("No module named 'x'", name="x"), ExitCode.UNAVAILABLE, ".ci/venv"),
    (Refused(Problem(summary="not so"), ExitCode.USAGE), ExitCode.USAGE, "not so"),
    (KeyboardInterrupt(), ExitCode.INTERRUPTED, ""),
]


@pytest.mark.parametrize(("error", "code", "word"), ENDS, ids=lambda each: type(each).__name__)
def test_an_error_is_one_message_and_an_exit_code(
    error: BaseException, code: ExitCode, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def lab() -> int:
        raise error

    assert ended(lab, ".ci/venv labs") == code
    said = capsys.readouterr().err
    assert word in said and "Traceback" not in said
    assert "please report" not in said


@pytest.mark.parametrize("lab", ["labs.ab", "labs.deploy"])
def test_both_labs_end_in_this_way(
    lab: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object, **__: object) -> None:
        raise TimeoutError("the node hangs")

    monkeypatch.setattr(importlib.import_module(f"{lab}.run"), "run", run)
    assert importlib.import_module(f"{lab}.__main__").main([]) == ExitCode.FAILED
    assert "the node hangs" in capsys.readouterr().err
