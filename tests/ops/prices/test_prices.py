"""Refreshing the price book from answers written here: pages, cuts, a busy AWS, and answers that must not become prices."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.stub import Stubber  # type: ignore[import-untyped]

from core.problem import ExitCode, Refused
from ops.cli import run
from ops.prices import cli as prices_cli
from ops.prices import refresh as prices
from ops.prices.reader import Reader
from ops.worlds.places import places
from ops.worlds.sandbox import SandboxWorld
from pricing.book import book, facts, refreshed
from pricing.book.wanted import Service
from tests.roots import ROOT

TODAY = datetime.date(2026, 11, 24)
KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
Answer = tuple[int, dict[str, Any]]


def instance(name: str, usd: str, unit: str = "Hrs") -> str:
    return product({"instanceType": name, "usagetype": f"BoxUsage:{name}"}, [("0", "Inf", usd)], unit)


def product(attributes: dict[str, str], tiers: list[tuple[str, str, str]], unit: str, currency: str = "USD") -> str:
    dimensions = {
        str(place): {"unit": unit, "beginRange": above, "endRange": end, "pricePerUnit": {currency: usd}}
        for place, (above, end, usd) in enumerate(tiers)
    }
    terms = {"OnDemand": {"sku.term": {"priceDimensions": dimensions}}}
    return json.dumps({"product": {"attributes": attributes}, "terms": terms})


class PriceList:
    """An endpoint of the Price List that gives its answers one after the other and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[dict[str, Any]] = []
        there = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                there.asked.append(json.loads(body))
                status, answer = there.answers.pop(0)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, *products: str, more: str = "") -> None:
        self.answers.append((200, {"PriceList": list(products), **({"NextToken": more} if more else {})}))

    def error(self, code: str) -> None:
        self.answers.append((400, {"__type": code, "message": "said the test"}))

    def client(self, service: str, region: str) -> Any:
        assert (service, region) == ("pricing", "us-east-1")
        url = f"http://127.0.0.1:{self.server.server_port}"
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client(service, region_name=region, endpoint_url=url, config=config, **KEYS)


@pytest.fixture
def aws() -> Iterator[PriceList]:
    price_list = PriceList()
    yield price_list
    price_list.server.shutdown()
    price_list.server.server_close()
    assert price_list.answers == [], "the reader did not ask for everything"


def files(region: str = "us-east-1", **usd: str) -> dict[str, Any]:
    """A book of three types, in a region of its own unless another one is named."""
    quoted = {"g6.xlarge": "0.8048", "g5.xlarge": "1.006", "m7g.large": "0.0816", **usd}
    batch = {"region": region, "as_of": "2026-07-20", "source": "a test", "confidence": "single", "stale": ""}
    numbers = {name: Decimal(amount) for name, amount in quoted.items()}
    return {**facts.Files(), "on_demand": {**facts.load("on_demand"), "batches": [{**batch, "usd": numbers}]}}


ALL = (instance("g5.xlarge", "1.0060000000"), instance("g6.xlarge", "0.8048000000"), instance("m7g.large", "0.0816"))


def reader(aws: PriceList, tmp_path: Path, waited: list[float] | None = None) -> Reader:
    pause: Callable[[float], None] = (waited if waited is not None else []).append
    return Reader(folder=tmp_path, client=aws.client, told=lambda _: None, pause=pause)


def refresh(aws: PriceList, tmp_path: Path, given: dict[str, Any] | None = None, **more: Any) -> prices.Refresh:
    services = more.pop("services", [Service.EC2])
    regions = more.pop("regions", ["us-east-1"])
    return prices.refresh(reader(aws, tmp_path), regions, services, TODAY, files=given or files(), **more)


def refused(aws: PriceList, tmp_path: Path, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        refresh(aws, tmp_path, **more)
    return caught.value


def test_every_page_is_read_and_the_same_prices_make_the_same_book(aws: PriceList, tmp_path: Path) -> None:
    aws.page(*ALL[:2], more="page-2")
    aws.page(ALL[2])
    first = refresh(aws, tmp_path)
    assert [each.get("NextToken") for each in aws.asked] == [None, "page-2"]
    assert first.moved == {"us-east-1": []}
    before = book.read(files(), "us-east-1", "x")
    after = book.read({**files(), **first.files}, "us-east-1", "x")
    assert {n: p.usd for n, p in after.on_demand_prices.items()} == {
        n: p.usd for n, p in before.on_demand_prices.items()
    }
    assert {p.as_of for p in after.on_demand_prices.values()} == {"2026-11-24"}
    aws.page(*ALL)
    again = prices.refresh(
        reader(aws, tmp_path / "b"), ["us-east-1"], [Service.EC2], TODAY, files={**files(), **first.files}
    )
    assert refreshed.text(again.files["on_demand"]) == refreshed.text(first.files["on_demand"])


def test_a_cut_run_goes_on_where_it_stopped_and_asks_nothing_twice(aws: PriceList, tmp_path: Path) -> None:
    aws.page(ALL[0], more="page-2")
    aws.error("InternalErrorException")
    cut = refused(aws, tmp_path)
    assert cut.code is ExitCode.UNAVAILABLE
    assert "1 page(s) are kept" in cut.problems[0].fix
    aws.page(*ALL[1:])
    assert refresh(aws, tmp_path).moved == {"us-east-1": []}
    assert [each.get("NextToken") for each in aws.asked] == [None, "page-2", "page-2"]
    assert refresh(aws, tmp_path).moved == {"us-east-1": []}
    assert len(aws.asked) == 3


def test_a_page_whose_token_has_ended_makes_the_list_start_again(aws: PriceList, tmp_path: Path) -> None:
    aws.page(ALL[0], more="page-2")
    aws.error("ExpiredNextTokenException")
    aws.page(*ALL)
    assert refresh(aws, tmp_path).moved == {"us-east-1": []}
    assert [each.get("NextToken") for each in aws.asked] == [None, "page-2", None]


def test_a_busy_aws_is_asked_four_times_more_and_not_a_fifth(aws: PriceList, tmp_path: Path) -> None:
    waited: list[float] = []
    for _ in range(4):
        aws.error("ThrottlingException")
    aws.page(*ALL)
    prices.refresh(reader(aws, tmp_path, waited), ["us-east-1"], [Service.EC2], TODAY, files=files())
    assert waited == [1, 2, 4, 8]
    for _ in range(5):
        aws.error("ThrottlingException")
    stopped = refused(aws, tmp_path / "b")
    assert "ThrottlingException" in stopped.problems[0].found


def test_a_price_that_is_gone_is_refused_and_leaves_the_book_only_when_told(aws: PriceList, tmp_path: Path) -> None:
    aws.page(*ALL[:2])
    (problem,) = refused(aws, tmp_path).problems
    assert (problem.where, problem.summary) == ("m7g.large", "a price that the book quotes is no longer there")
    found = refresh(aws, tmp_path, forget=["m7g.large"])
    after = book.read({**files(), **found.files}, "us-east-1", "x")
    assert after.on_demand("m7g.large") is None
    assert [(moved.key, moved.after) for moved in found.moved["us-east-1"]] == [("m7g.large", None)]


@pytest.mark.parametrize(
    ("answer", "summary"),
    [
        (instance("m7g.large", "0"), "costs nothing"),
        (instance("m7g.large", "-1"), "no price in USD"),
        (instance("m7g.large", "NaN"), "no price in USD"),
        (instance("m7g.large", "0.08", unit="Quantity"), "another unit"),
        (product({"instanceType": "m7g.large"}, [("0", "Inf", "0.6")], "Hrs", "CNY"), "no price in USD"),
        (product({"instanceType": "m7g.large"}, [], "Hrs"), "no on-demand price"),
    ],
)
def test_what_is_no_price_is_refused_by_name(aws: PriceList, tmp_path: Path, answer: str, summary: str) -> None:
    aws.page(*ALL[:2], answer)
    (problem,) = refused(aws, tmp_path).problems
    assert problem.where == "m7g.large"
    assert summary in problem.summary


def test_two_prices_of_one_type_are_refused_and_the_same_one_twice_is_not(aws: PriceList, tmp_path: Path) -> None:
    aws.page(*ALL, ALL[2])
    assert refresh(aws, tmp_path).moved == {"us-east-1": []}
    aws.page(*ALL, instance("m7g.large", "0.09"))
    assert "several prices" in refused(aws, tmp_path / "b").problems[0].summary


def test_a_region_that_the_book_has_nothing_of_gets_its_prices(aws: PriceList, tmp_path: Path) -> None:
    nat = [
        product({"usagetype": "EUC2-NatGateway-Hours"}, [("0", "Inf", "0.0520000000")], "Hrs"),
        product({"usagetype": "EUC2-NatGateway-Prvd-Bytes"}, [("0", "Inf", "0.9")], "GB"),
        product({"usagetype": "EUC2-NatGateway-Bytes"}, [("0", "Inf", "0.052")], "GB"),
    ]
    data = product(
        {"usagetype": "EUC2-VpcEndpoint-Bytes"}, [("1048576", "Inf", "0.006"), ("0", "1048576", "0.01")], "GB"
    )
    aws.page(*nat)
    aws.page(data)
    aws.page()
    found = refresh(aws, tmp_path, regions=["eu-central-2"], services=[Service.VPC])
    assert list(found.files) == ["services-eu-central-2"]
    priced = book.read({**files(), **found.files}, "eu-central-2", "x")
    hour, tiers = priced.service("nat-gateway/hour"), priced.tiers["privatelink/interface-endpoint-data"]
    assert hour is not None and (hour.usd, hour.unit, hour.as_of) == (Decimal("0.052"), "hour", "2026-11-24")
    assert [(tier.price.usd, tier.above, tier.up_to) for tier in tiers] == [
        (Decimal("0.01"), Decimal(0), Decimal(1048576)),
        (Decimal("0.006"), Decimal(1048576), None),
    ]
    assert priced.service("vpc/public-ipv4") is None
    assert "vpc/public-ipv4" in found.unknown["eu-central-2"]


def test_spot_is_the_percentile_of_its_history_over_all_pages(aws: PriceList, tmp_path: Path) -> None:
    ec2 = boto3.client("ec2", region_name="us-east-1", **KEYS)
    end = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)

    def row(name: str, days: int, usd: str) -> dict[str, Any]:
        at = end - datetime.timedelta(days=days)
        return {"InstanceType": name, "AvailabilityZone": "us-east-1a", "Timestamp": at, "SpotPrice": usd}

    quoted = {**files(), "spot": {**facts.load("spot"), "batches": []}}
    with Stubber(ec2) as stub:
        stub.add_response(
            "describe_spot_price_history",
            {"SpotPriceHistory": [row("g6.xlarge", 30, "0.30"), row("g6.xlarge", 4, "0.50")], "NextToken": "2"},
        )
        stub.add_response("describe_spot_price_history", {"SpotPriceHistory": [row("g6.xlarge", 3, "0.90")]})
        read = Reader(folder=tmp_path, client=lambda *_: ec2, told=lambda _: None)
        found = prices.refresh(read, ["us-east-1"], [Service.SPOT], TODAY, files=quoted)
    after = book.read({**quoted, **found.files}, "us-east-1", "x")
    price = after.spot("g6.xlarge")
    assert price is not None
    # 26 days at 0.30 and one at 0.50 are 27 of 30 days: nine tenths of the time it cost 0.50 at most.
    assert price.usd == Decimal("0.5")
    assert "90th percentile" in price.basis


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ("1.0", []),
        ("1.5", ["Pulumi.dev.yaml: gpuPools.chat spot: nvidia.com/gpu 11 -> nvidia.com/gpu 7"]),
        ("9", ["Pulumi.dev.yaml: gpuPools.chat.onDemandFallback.gpus: a limit -> refused"]),
    ],
)
def test_a_dearer_type_moves_the_compiled_limit_of_a_pool_bound_by_dollars(
    times: str, says: list[str], tmp_path: Path
) -> None:
    root = ROOT
    text = (root / "Pulumi.dev.yaml").read_text()
    (tmp_path / "Pulumi.dev.yaml").write_text(text.replace("gpus: 2, monthlyUsd: 2700", "gpus: 40, monthlyUsd: 9000"))
    (tmp_path / "prompts").symlink_to(root / "prompts")
    batches = facts.load("on_demand")["batches"]
    dearer = [
        {**batch, "usd": {n: p * Decimal(times) if n[0] == "g" else p for n, p in batch["usd"].items()}}
        for batch in batches
    ]
    found = prices.Refresh(moved={"us-east-1": []})
    found.files["on_demand"] = {**facts.load("on_demand"), "batches": dearer}
    moved = list(prices.limits_moved(places(tmp_path, SandboxWorld()), found))
    assert [each[: len(said)] for each, said in zip(moved, says, strict=True)] == says


def test_nothing_is_written_without_credentials_and_a_dry_run_writes_nothing(
    aws: PriceList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(facts, "DATA", tmp_path / "data")
    (tmp_path / "data").mkdir()
    for name, data in files().items():
        (tmp_path / "data" / f"{name}.json").write_text(refreshed.text(data))
    facts.load.cache_clear()
    monkeypatch.setattr("ops.prices.cli.root", lambda: tmp_path)
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    # boto3 keeps the first credentials that a process has had.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    arguments = ["prices", "refresh", "--region", "us-east-1", "--services", "ec2"]
    before = (tmp_path / "data" / "on_demand.json").read_text()
    try:
        assert run(arguments) == ExitCode.UNAVAILABLE
        assert "Unable to locate credentials" in capsys.readouterr().err
        monkeypatch.setattr("ops.prices.reader.of_account", lambda folder, told: reader(aws, folder))
        aws.page(*ALL[:2], instance("m7g.large", "0.09"))
        assert run([*arguments, "--dry-run"]) == ExitCode.OK
        said = capsys.readouterr().out
        assert "m7g.large: 0.0816 USD -> 0.09 USD (+10.3 %)" in said and "nothing was written" in said
        assert (tmp_path / "data" / "on_demand.json").read_text() == before
        assert run(arguments) == ExitCode.OK
        assert '"m7g.large": 0.09' in (tmp_path / "data" / "on_demand.json").read_text()
    finally:
        facts.load.cache_clear()


@pytest.mark.parametrize(("option", "value"), [("--region", "moon"), ("--services", "ec2,gold")])
def test_a_region_and_a_service_are_named_as_they_are(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["prices", "refresh", option, value]) in (ExitCode.USAGE, ExitCode.REFUSED, ExitCode.FAILED)
    assert value.rpartition(",")[2] in capsys.readouterr().err


def test_help_shows_examples() -> None:
    assert "--dry-run" in prices_cli.EXAMPLES and "--forget" in prices_cli.EXAMPLES
