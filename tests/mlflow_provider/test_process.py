"""The provider as a process: how the engine starts it, and how it ends it."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.roots import ROOT

PLUGIN = ROOT / "mlflow_provider" / "pulumi-resource-modelyard"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_by_itself_when_the_engine_asks_so_and_is_not_waited_for_until_it_is_killed(
    sent: signal.Signals,
) -> None:
    with subprocess.Popen([PLUGIN, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert int(process.stdout.readline()) > 0
            process.send_signal(sent)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
