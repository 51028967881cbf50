"""The deployment lab in its short form, on the folder's one node: a change goes out, a bad one comes back."""

from __future__ import annotations

import json

import pytest

from labs.deploy import run
from problem import ExitCode
from sandbox.lab import Lab, programmed
from sandbox.node.node import Node
from sandbox.releases import gateway
from sandbox.releases.install import STAND_INS
from tests.conformance.node.conftest import REPOSITORY, say

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def cluster(node: Node) -> Lab:
    """The folder's node with the stand-ins and the gateway; what is there already stays as it is."""
    found = Lab(root=REPOSITORY, node=node, say=say)
    for image in run.IMAGES:
        found.load(image)
    found.install(*STAND_INS)
    found.apply(*gateway.objects())
    found.until("the Gateway is not programmed", lambda: programmed(node))
    return found


def test_a_change_goes_out_without_a_lost_request_and_a_bad_one_is_taken_back_by_itself(cluster: Lab) -> None:
    found = run.run(REPOSITORY, say, short=True, cluster=cluster)
    assert found.problems == [] and found.code == ExitCode.OK
    assert found.good.course and found.bad.course
    assert found.good.course.lost == () and found.bad.course.back
    assert len({found.first.digest, found.good.digest, found.bad.digest}) == 3
    assert any("argo-rollouts" in each for each in found.behind), "what stands in is named"
    folder = REPOSITORY / ".sandbox" / "labs" / "deploy"
    assert json.loads((folder / "report.json").read_text())["outcome"] == "OK"
    assert "taken back by itself" in (folder / "report.html").read_text()
