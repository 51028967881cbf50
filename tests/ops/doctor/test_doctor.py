"""What the doctor makes of an account's answers: each check passes at its last good value and stops at the first bad one."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from core.problem import ExitCode, Refused
from core.versions import ADDONS, KUBERNETES, Addon
from infra.loaded import LoadedStack
from infra.stack.stack import Stack
from mlflow_provider.connection import URL
from ops import commands
from ops.commands import Job
from ops.doctor import checks as health
from ops.doctor import command as doctor
from ops.doctor.account import Account
from ops.doctor.checks import Check, Status, loads
from ops.engine.automation import Engine
from ops.images import deployed as images
from ops.images.oci import Manifest
from ops.show import Show
from ops.worlds.cloud import CloudWorld
from ops.worlds.sandbox import SandboxWorld
from ops.worlds.world import Place
from tests.ops.doctor.healthy import G_ON_DEMAND, G_SPOT, STANDARD, TYPES, Healthy, stack
from tests.roots import ROOT


@pytest.fixture(autouse=True)
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody outside is asked; what is made of a registry's answers is in test_images."""
    monkeypatch.setattr("ops.images.deployed.wanted", lambda _: [])


def stopped(account: Healthy, of: Stack | None = None) -> list[Check]:
    return [check for check in health.judged(account, of or stack()) if check.status is not Status.OK]


def test_nothing_stops_in_a_healthy_account() -> None:
    assert stopped(Healthy()) == []


@pytest.mark.parametrize(("addons", "asked"), [("present", 0), ("managed", len(ADDONS[KUBERNETES]))])
def test_the_addons_of_a_cluster_that_has_its_own_are_not_asked_for(addons: str, asked: int) -> None:
    network = {
        "existing": {
            "vpcId": "vpc-0000000000000e001",
            "privateSubnetIds": ["subnet-0000000000000000a", "subnet-0000000000000000b"],
        }
    }
    given = stack(network=network, cluster={"existing": {"name": "given", "addons": addons}})
    assert len(list(health.addons(Healthy(), given))) == asked


def paid_here(**watch: Any) -> Stack:
    return stack(budget={"monthlyUsd": 9000, "watch": {"payerAccount": True, **watch}})


@pytest.mark.parametrize(("pays", "found"), [("000000000000", "manages its organization"), ("", "in no organization")])
def test_an_account_that_pays_its_own_bill_is_said_to_be_one(pays: str, found: str) -> None:
    account = Healthy(pays=pays)
    assert [check.found for check in health.payer(account, paid_here())] == [found]
    assert stopped(account, paid_here()) == []


def test_a_member_account_stops_a_stack_that_says_it_pays_the_bill_and_no_other() -> None:
    member = Healthy(pays="111111111111", denied="")
    (check,) = stopped(member, paid_here(activateTags=True))
    assert (check.name, check.status) == ("payer account", Status.FAIL)
    assert "111111111111 manages its organization" in check.found
    assert "take budget.watch.payerAccount" in check.fix
    assert stopped(member) == []


def test_an_organization_that_may_not_be_read_stops_and_names_the_permission() -> None:
    (check,) = stopped(Healthy(denied="payer"), paid_here())
    assert check.status is Status.UNKNOWN
    assert "organizations:DescribeOrganization" in check.fix
    assert stopped(Healthy(denied="payer")) == []


@pytest.mark.parametrize("addon", ADDONS[KUBERNETES], ids=lambda addon: addon.name)
def test_a_pinned_addon_version_that_eks_has_taken_away_stops(addon: Addon) -> None:
    (check,) = stopped(Healthy(gone={addon.version}))
    assert (check.name, check.status) == (f"add-on {addon.name}", Status.FAIL)
    assert "v0.0.1-eksbuild.1" in check.needed


def test_gpu_pools_count_at_their_worst_mix_with_the_on_demand_share_apart() -> None:
    found = {(load.part, load.quota.code if load.quota else ""): load for load in loads(stack())}
    spot = found["gpuPools.chat (spot)", G_SPOT]
    assert (spot.vcpus, spot.spare) == (2 * 8, 8)
    assert found["gpuPools.chat (on-demand)", G_ON_DEMAND].vcpus == 8


def test_system_nodes_and_the_general_pool_count_against_the_standard_quota() -> None:
    assert {load.part: load.vcpus for load in loads(stack()) if load.quota and load.quota.code == STANDARD} == {
        "cluster.systemNodes": 4,
        "generalPool": 16,
    }


@pytest.mark.parametrize(
    ("value", "status"), [(19, Status.FAIL), (20, Status.WARN), (31, Status.WARN), (32, Status.OK), (5, Status.FAIL)]
)
def test_the_standard_quota_must_hold_the_limits_and_should_hold_the_replacements(value: int, status: Status) -> None:
    checks = [check for check in health.quotas(Healthy(quotas={STANDARD: value}), stack()) if STANDARD in check.found]
    assert [check.status for check in checks] == [status]
    assert (f"--quota-code {STANDARD} --desired-value 32" in checks[0].fix) is (status is not Status.OK)


def test_a_new_account_has_no_gpus_at_all() -> None:
    checks = stopped(Healthy(quotas={G_SPOT: 0, G_ON_DEMAND: 0}))
    assert [check.status for check in checks] == [Status.FAIL, Status.FAIL]


def test_a_quota_that_may_not_be_read_stops_and_names_the_permission() -> None:
    checks = stopped(Healthy(denied="quota"))
    assert {check.status for check in checks} == {Status.UNKNOWN}
    assert all(check.stops and "servicequotas:GetServiceQuota" in check.fix for check in checks)


def test_without_credentials_nothing_else_is_asked() -> None:
    (only,) = health.judged(Healthy(denied="caller"), stack())
    assert (only.name, only.status) == ("account", Status.UNKNOWN)


@pytest.mark.parametrize(
    ("arn", "stops"),
    [
        ("arn:aws:sts::000000000000:assumed-role/modelyard-deployer/ci", False),
        ("arn:aws:iam::000000000000:role/team/modelyard-deployer", False),
        ("arn:aws:sts::000000000000:assumed-role/somebody-else/modelyard-deployer", True),
        ("arn:aws:iam::000000000000:user/modelyard-deployer", True),
        ("arn:aws:iam::000000000000:root", True),
    ],
)
def test_the_caller_must_be_one_of_the_cluster_s_administrators(arn: str, stops: bool) -> None:
    assert [check.name for check in stopped(Healthy(arn=arn))] == (["deployer"] if stops else [])


def test_a_region_that_is_not_enabled_stops() -> None:
    assert [check.name for check in stopped(Healthy(opt_in="not-opted-in"))] == ["region"]


def test_a_zone_that_is_not_there_or_takes_no_control_plane_stops() -> None:
    (gone,) = stopped(Healthy(ids={"us-east-1a": "use1-az1"}))
    assert (gone.name, gone.needed) == ("zone us-east-1b", "one of us-east-1a")
    (unfit,) = stopped(Healthy(ids={"us-east-1a": "use1-az3", "us-east-1b": "use1-az2"}))
    assert (unfit.name, unfit.needed) == ("zone us-east-1a", "one of us-east-1b")


def test_types_that_one_zone_lacks_are_a_warning_and_that_all_zones_lack_a_failure() -> None:
    one_less = Healthy().offers - {("g6.2xlarge", "us-east-1b")}
    assert stopped(Healthy(offers=one_less)) == []
    without_b = {offer for offer in Healthy().offers if not (offer[0].startswith("g6") and offer[1].endswith("b"))}
    (warned,) = stopped(Healthy(offers=without_b))
    assert (warned.name, warned.status) == ("types of gpuPools.chat", Status.WARN)
    (failed,) = stopped(Healthy(offers={offer for offer in Healthy().offers if not offer[0].startswith("g6")}))
    assert failed.status is Status.FAIL


def test_spot_needs_its_service_linked_role_and_on_demand_does_not() -> None:
    account = Healthy(roles={"modelyard-deployer"})
    (spot,) = stopped(account)
    assert "create-service-linked-role" in spot.fix
    pool = {"purpose": "serving", "capacity": "onDemand", "instanceTypes": ["g6.xlarge"], "limits": {"gpus": 1}}
    assert stopped(account, stack(gpuPools={"chat": pool})) == []


def test_elastic_ips_of_others_leave_room_for_the_nat_gateways() -> None:
    own = [{"Name": "modelyard-dev-nat-a"}]
    assert stopped(Healthy(ips=[*own, *[{}] * 4])) == []
    assert [check.name for check in stopped(Healthy(ips=[*own, *[{}] * 5]))] == ["Elastic IPs"]


def test_an_endpoint_that_listens_passes_and_one_that_does_not_says_how_to_reach_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        assert health.endpoint(url).status is Status.OK
        port = server.getsockname()[1]
        assert health.endpoint("https://abc.eks.amazonaws.com", port).status is Status.OK
    refused = health.endpoint(url, fix="come in")
    assert (refused.status, refused.fix) == (Status.FAIL, "come in")
    closed = health.endpoint("https://abc.eks.amazonaws.com", port)
    assert closed.status is Status.FAIL
    assert f"https://abc.eks.amazonaws.com through 127.0.0.1:{port}" in closed.found
    assert health.endpoint("").found.startswith("skipped")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "Pulumi.dev.yaml").write_text("secretsprovider: awskms://alias/m?region=us-east-1\nencryptedkey: abc\n")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    return Place(root=tmp_path, stack="dev", stack_file=tmp_path / "Pulumi.dev.yaml", world=CloudWorld())


def test_a_key_that_the_stack_file_has_lost_stops_and_one_that_works_passes(place: Place) -> None:
    state = {"secrets_providers": {"type": "cloud"}}
    (fine,) = doctor.secrets(place, state, Healthy())
    assert (fine.status, fine.found) == (Status.OK, "alias/m: Enabled")
    (gone,) = doctor.secrets(place, state, Healthy(key_state="PendingDeletion"))
    assert gone.status is Status.FAIL
    place.stack_file.write_text("config: {}\n")
    (lost,) = doctor.secrets(place, state, Healthy())
    assert (lost.status, lost.found) == (
        Status.FAIL,
        "secretsprovider, encryptedkey is gone from Pulumi.dev.yaml",
    )


def test_the_report_is_one_json_value_and_its_exit_code_says_whether_anything_stops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.doctor(tmp_path, None, Show(as_json=True)) is ExitCode.OK
    assert json.loads(capsys.readouterr().out)["ok"] is True
    place = Place(root=tmp_path, stack="none", stack_file=tmp_path / "Pulumi.none.yaml", world=SandboxWorld())
    assert doctor.doctor(tmp_path, place, Show()) is ExitCode.REFUSED
    said = capsys.readouterr().out
    assert "fail    stack file" in said
    assert "1 would stop an `up`" in said


@dataclass
class Deployed:
    """An engine whose state has a cluster at an address; nothing else of it may be asked."""

    url: str

    def state(self) -> dict[str, Any]:
        return {"resources": [{"type": "aws:eks/cluster:Cluster", "outputs": {"endpoint": self.url}}]}


def test_an_up_in_an_account_is_refused_before_its_preview_with_everything_that_stops_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = ROOT / "Pulumi.dev.yaml"
    place = Place(root=file.parent, stack="dev", stack_file=file, world=CloudWorld())
    job = Job(place=place, program=lambda: None, packs=(), show=Show(), confirm=lambda _: False)

    @contextlib.contextmanager
    def opened(*_: Any, **__: Any) -> Iterator[Deployed]:
        yield Deployed("https://127.0.0.1:1")

    monkeypatch.setattr(CloudWorld, "opened", opened)
    monkeypatch.setattr(Account, "of", lambda _: Healthy(quotas={G_SPOT: 0}))
    monkeypatch.setattr("shutil.which", lambda _: "aws")
    with pytest.raises(Refused) as refused:
        commands.up(job)
    said = [problem.summary for problem in refused.value.problems]
    assert said == ["quota All G and VT Spot Instance Requests: fail", "cluster endpoint: fail"]


def test_an_account_that_can_carry_the_stack_lets_the_up_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ROOT / "Pulumi.dev.yaml"
    place = Place(root=file.parent, stack="dev", stack_file=file, world=CloudWorld())
    everywhere = {
        (name, f"us-east-1{zone}") for name in (*TYPES, "m7g.2xlarge", "g5.xlarge", "g5.2xlarge") for zone in "ab"
    }
    monkeypatch.setattr(Account, "of", lambda _: Healthy(offers=everywhere))
    monkeypatch.setattr("shutil.which", lambda _: "aws")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        doctor.refuse(place, cast(Engine, Deployed(url)), Show())
    assert "checks passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("registry", "address", "asked"),
    [
        ({"models": {"m": {}}}, "", True),
        ({"models": {"m": {}}, "url": "https://mlflow.example.org"}, "", False),
        ({"models": {"m": {}}}, "http://127.0.0.1:5000", False),
        ({}, "", False),
        (None, "", False),
    ],
)
def test_kubectl_is_needed_when_the_registry_has_content_and_no_address(
    registry: dict[str, Any] | None, address: str, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ROOT / "Pulumi.dev.yaml"
    place = Place(root=file.parent, stack="dev", stack_file=file, world=CloudWorld())
    monkeypatch.setenv(URL, address)
    of = stack(registry=registry) if registry is not None else stack()
    for there in (True, False):
        monkeypatch.setattr("shutil.which", lambda name, there=there: name if there or name != "kubectl" else None)
        checks = [
            check
            for check in doctor.cloud(place, LoadedStack(name="dev", stack=of), {}, Healthy())
            if check.name == "kubectl"
        ]
        assert [check.stops for check in checks] == ([not there] if asked else [])
        assert all("install kubectl" in check.fix for check in checks) or there


def test_an_image_that_does_not_run_on_its_nodes_stops_an_up(monkeypatch: pytest.MonkeyPatch) -> None:
    file = ROOT / "Pulumi.dev.yaml"
    place = Place(root=file.parent, stack="dev", stack_file=file, world=CloudWorld())
    image = images.Wanted(name="app", repository="r/app", tag="1", needs=frozenset({"arm64"}))
    monkeypatch.setattr("ops.images.deployed.wanted", lambda _: [image])
    for built, stops in ((("amd64",), True), (("amd64", "arm64"), False)):
        answer = Manifest(digest="sha256:0", architectures=built)
        checks = doctor.cloud(
            place,
            LoadedStack(name="dev", stack=stack()),
            {},
            Healthy(denied="caller"),
            lambda *_, answer=answer: answer,
        )
        assert [check.stops for check in checks if check.name == "image app"] == [stops]
