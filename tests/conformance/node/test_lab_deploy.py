"""The deployment lab in its short form, on the folder's one node: a change goes out, a bad one comes back."""

from __future__ import annotations

import json

import pytest

from core.problem import ExitCode
from labs.deploy import run
from sandbox.lab import Lab
from tests.conformance.node.conftest import say
from tests.roots import ROOT

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def cluster(chain: Lab) -> Lab:
    """The cluster with the controllers, and the images of what the app calls."""
    for image in run.IMAGES:
        chain.load(image)
    return chain


def test_a_change_goes_out_without_a_lost_request_and_a_bad_one_is_taken_back_by_itself(cluster: Lab) -> None:
    report = run.run(ROOT, say, short=True, cluster=cluster)
    assert report.problems == [] and report.code == ExitCode.OK
    assert report.good.course and report.bad.course
    assert report.good.course.lost == () and report.bad.course.back
    assert len({report.first.digest, report.good.digest, report.bad.digest}) == 3
    assert any("argo-rollouts" in each for each in report.behind), "what stands in is named"
    folder = ROOT / ".sandbox" / "labs" / "deploy"
    assert json.loads((folder / "report.json").read_text())["outcome"] == "OK"
    assert "taken back by itself" in (folder / "report.html").read_text()
