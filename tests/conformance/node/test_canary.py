"""A model on real pods behind the real Envoy: it answers, a canary moves its traffic, and a bad version loses it again."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from sandbox import traffic
from sandbox.lab import Lab
from sandbox.releases import gateway
from sandbox.releases.install import STAND_INS
from sandbox.traffic import Stream, likely
from tests.conformance.node import release
from tests.conformance.node.conftest import say

pytestmark = pytest.mark.conformance
NAME = "smollm2"
QUESTION = "What is the capital of France? Answer in one sentence."


@pytest.fixture(scope="module")
def cluster(chain: Lab) -> Lab:
    """The cluster with the controllers, and one release that answers."""
    chain.apply(*release.objects(NAME), release.rollout(NAME, version="1"))
    chain.install("kube-prometheus-stack")
    taken = chain.until("the first version is not healthy", lambda: phase(chain) == "Healthy")
    say(f"canary: the first version is healthy after {taken:.1f} s")
    chain.until("the route is not accepted", lambda: accepted(chain))
    return chain


@pytest.fixture(scope="module")
def client(cluster: Lab) -> openai.OpenAI:
    """The official client; it tries nothing twice."""
    return openai.OpenAI(base_url=f"{cluster.url}/{NAME}/v1", api_key="none", max_retries=0, timeout=60)


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says a line, and puts it into the summary of the run."""

    def told(line: str) -> None:
        say(line)
        record_property("conformance", line)

    return told


def rollout(cluster: Lab) -> dict[str, Any]:
    return cluster.get("rollout", release.SPACE, NAME) or {}


def phase(cluster: Lab) -> str:
    """What the Rollout says of the version that it was last told of."""
    found = rollout(cluster)
    seen = str(found.get("status", {}).get("observedGeneration")) == str(found.get("metadata", {}).get("generation"))
    return str(found["status"].get("phase", "")) if seen else ""


def accepted(cluster: Lab) -> bool:
    route = cluster.get("httproute", release.SPACE, NAME) or {}
    said = [each for parent in route.get("status", {}).get("parents", ()) for each in parent["conditions"]]
    return bool(said) and all(each["status"] == "True" for each in said)


def weights(cluster: Lab) -> list[int]:
    """Those of stable and canary, as the route has them."""
    route = cluster.get("httproute", release.SPACE, NAME) or {}
    return [ref["weight"] for ref in route["spec"]["rules"][0]["backendRefs"]]


def promote(cluster: Lab) -> None:
    """Goes on to the next step, as `kubectl argo rollouts promote` does."""
    patch = json.dumps({"status": {"pauseConditions": None}})
    cluster.kubectl(
        "patch", "rollout", NAME, "--subresource=status", "--type=merge", "-p", patch, namespace=release.SPACE
    )


def paused_at(cluster: Lab, stable: int, canary: int) -> Callable[[], bool]:
    return lambda: weights(cluster) == [stable, canary] and phase(cluster) == "Paused"


def asked_by(client: openai.OpenAI) -> traffic.Ask:
    """One request of the official client."""

    def ask() -> tuple[int, str]:
        try:
            answer = client.chat.completions.with_raw_response.create(
                model=NAME, messages=[{"role": "user", "content": "Say hello."}], max_tokens=2, temperature=0
            )
        except openai.APIStatusError as error:
            return error.status_code, error.response.headers.get("X-Served-By", "")
        return answer.status_code, answer.headers.get("X-Served-By", "")

    return ask


@pytest.fixture(scope="module")
def flow(cluster: Lab, client: openai.OpenAI) -> Iterator[Stream]:
    """Three users who ask all the time, one of them with the official client."""
    url = f"{cluster.url}/{NAME}/v1"
    with traffic.stream([traffic.by_http(url), traffic.by_http(url), asked_by(client)]) as found:
        found.count(20)
        yield found


def version_of(cluster: Lab, field: str) -> str:
    """The prefix that Argo gives the pods of a version: `stableRS` or `currentPodHash`."""
    return f"{NAME}-{rollout(cluster)['status'][field]}-"


def share(flow: Stream, prefix: str, number: int) -> tuple[int, int]:
    """How many of at least `number` requests from now on the pods of a version answer, and of how many."""
    began = flow.count(number)
    answers = flow.since(began)
    return sum(answer.pod.startswith(prefix) for answer in answers), len(answers)


def first_by(flow: Stream, prefix: str, began: float) -> float:
    """After how many seconds a version first answered."""
    return min(answer.answered for answer in flow.since(began) if answer.pod.startswith(prefix)) - began


def last_judgement(cluster: Lab) -> dict[str, Any]:
    """The status of the newest AnalysisRun."""
    runs = json.loads(cluster.kubectl("get", "analysisruns", "--output=json", namespace=release.SPACE))["items"]
    found: dict[str, Any] = max(runs, key=lambda run: str(run["metadata"]["creationTimestamp"]))["status"]
    return found


def test_each_release_that_is_stood_in_for_is_named(cluster: Lab) -> None:
    for stand_in in STAND_INS.values():
        assert stand_in.line in cluster.stands_in, stand_in.chart
    assert any("argoproj-labs/gatewayAPI" in line for line in cluster.stands_in)
    assert any("llama.cpp" in line for line in cluster.stands_in)


def test_the_model_answers_curl_and_the_official_client_streams_included(cluster: Lab, client: openai.OpenAI) -> None:
    body = {"model": NAME, "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 24, "temperature": 0}
    url = f"{cluster.url}/{NAME}/v1/chat/completions"
    asked = ["curl", "--silent", "--fail", "--json", json.dumps(body), url]
    said = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    text = said["choices"][0]["message"]["content"]
    assert "Paris" in text and said["model"] == NAME
    messages: Any = body["messages"]
    whole = client.chat.completions.create(model=NAME, messages=messages, max_tokens=24, temperature=0)
    assert whole.choices[0].message.content == text
    stream = client.chat.completions.create(model=NAME, messages=messages, max_tokens=24, temperature=0, stream=True)
    pieces = [each.choices[0].delta.content or "" for each in stream if each.choices]
    assert "".join(pieces) == text and len(pieces) > 5
    assert NAME in [each.id for each in client.models.list()]


def test_the_address_is_the_one_that_pods_of_the_cluster_use(cluster: Lab) -> None:
    found = cluster.get("service", gateway.NAMESPACE, gateway.NAME) or {}
    assert found["spec"]["type"] == "ClusterIP"
    assert [port["port"] for port in found["spec"]["ports"]] == [gateway.PORT]


def test_a_canary_takes_the_share_of_each_step_and_loses_no_request(
    cluster: Lab, flow: Stream, report: Callable[[str], None]
) -> None:
    old, began = version_of(cluster, "stableRS"), time.monotonic()
    cluster.apply(release.rollout(NAME, version="2"))
    taken = cluster.until("not paused at 10 %", paused_at(cluster, 90, 10))
    new = version_of(cluster, "currentPodHash")
    assert new != old
    report(f"canary: told of version 2 -> 10 % in the route {taken:.1f} s")
    told = began
    for percent, number in ((10, 300), (50, 120)):
        if percent == 50:
            told = time.monotonic()
            promote(cluster)
            taken = cluster.until("not paused at 50 %", paused_at(cluster, 50, 50))
            report(f"canary: told to go on -> 50 % in the route {taken:.1f} s")
        time.sleep(1)  # Envoy hears of new weights within 0.3 s
        hits, asked = share(flow, new, number)
        first = first_by(flow, new, told)
        report(
            f"canary: {percent} %: {hits} of {asked} ({hits / asked:.1%}); first answer of it {first:.1f} s after the word"
        )
        assert likely(hits, asked, percent / 100)
    told = time.monotonic()
    promote(cluster)
    taken = cluster.until("not healthy at 100 %", lambda: phase(cluster) == "Healthy" and weights(cluster) == [100, 0])
    report(f"canary: told to go on -> 100 %, healthy {taken:.1f} s")
    time.sleep(1)
    assert share(flow, new, 60)[0] >= 60
    pods = flow.pods(told)
    assert pods and all(pods), "every answer names its pod"
    assert version_of(cluster, "stableRS") == new
    judged = last_judgement(cluster)
    assert judged["phase"] == "Successful" and judged["metricResults"][0]["successful"] >= 2, (
        "the good version was judged"
    )
    last = max(answer.answered for answer in flow.since(began) if answer.pod.startswith(old)) - told
    lost = flow.lost(began)
    report(
        f"canary: last answer of the old version {last:.1f} s after the word; {len(flow.since(began))} asked, {len(lost)} lost"
    )
    assert lost == []


def test_a_version_that_errs_more_than_stable_is_taken_back_by_itself(
    cluster: Lab, flow: Stream, report: Callable[[str], None]
) -> None:
    stable, began = version_of(cluster, "stableRS"), time.monotonic()
    cluster.apply(release.rollout(NAME, version="3", fault_rate=0.5))
    taken = cluster.until("not at 10 %", lambda: weights(cluster) == [90, 10])
    bad = version_of(cluster, "currentPodHash")
    report(f"bad version: told of it -> 10 % in the route {taken:.1f} s")
    cluster.until("not aborted", lambda: bool(rollout(cluster)["status"].get("abort")))
    aborted = time.monotonic()
    cluster.until("the weights are not back", lambda: weights(cluster) == [100, 0])
    back = time.monotonic()
    time.sleep(1)
    hits, asked = share(flow, stable, 60)
    errors = [answer for answer in flow.lost(began) if answer.pod.startswith(bad)]
    first, last = errors[0].answered, max(answer.answered for answer in flow.since(began) if answer.pod.startswith(bad))
    report(
        f"bad version: first error -> aborted {aborted - first:.1f} s, weights back {back - aborted:.1f} s later, its last"
        f" answer {last - aborted:+.1f} s from the abort; {len(errors)} errors of {len(flow.since(began))} requests"
    )
    assert hits == asked, "the traffic is back on stable"
    assert [answer for answer in flow.lost(began) if answer not in errors] == [], "and nobody else was hurt"
    assert phase(cluster) == "Degraded"
    judged = last_judgement(cluster)
    assert judged["phase"] == "Failed" and "errors-above-stable" in judged["message"]
    values = [measurement.get("value") for measurement in judged["metricResults"][0]["measurements"]]
    report(f"bad version: what the judge saw {values}")
