"""A real MLflow server with what the Deployment declares, on a real PostgreSQL behind TLS and an S3 API."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.conformance.registry.setting import BUCKET, Setting, opened

pytestmark = pytest.mark.conformance
SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    with opened(tmp_path_factory.mktemp("registry")) as made:
        yield made


@pytest.fixture(scope="module")
def url(setting: Setting) -> Iterator[str]:
    setting.upgrade()
    with setting.server() as address:
        yield address


def asked(url: str, auth: tuple[str, str] | None = None) -> requests.Response:
    """One request of one user, or of nobody."""
    return requests.get(url, auth=auth, timeout=60)


class Client(requests.Session):
    """One user of one server; paths instead of addresses."""

    def __init__(self, url: str, user: str, password: str) -> None:
        super().__init__()
        self.url, self.auth = url, (user, password)

    def request(self, method: str, path: str, **more: Any) -> requests.Response:  # type: ignore[override]
        return super().request(method, self.url + path, **{"timeout": 60, **more})


@pytest.fixture
def admin(setting: Setting, url: str) -> Client:
    return Client(url, "admin", setting.secrets["adminPassword"])


def test_nobody_gets_in_without_a_password_and_health_asks_for_none(setting: Setting, url: str) -> None:
    assert asked(url + "/health").status_code == 200
    assert asked(url + SEARCH).status_code == 401
    assert asked(url + SEARCH, auth=("admin", "wrong-password")).status_code == 401
    assert asked(url + SEARCH, auth=("admin", setting.secrets["adminPassword"])).status_code == 200


@pytest.mark.parametrize("host", ["registry", "registry.modelyard-registry.svc.cluster.local"])
def test_the_names_of_the_cluster_are_answered(setting: Setting, admin: Client, host: str) -> None:
    assert admin.get(SEARCH, headers={"Host": f"{host}:{setting.port}"}).status_code == 200


def test_the_name_outside_is_answered_and_its_page_may_write(admin: Client) -> None:
    host = {"Host": "registry.example.com"}
    assert admin.get(SEARCH, headers=host).status_code == 200
    made = admin.post(
        "/api/2.0/mlflow/experiments/create",
        json={"name": "from-outside"},
        headers={**host, "Origin": "https://registry.example.com"},
    )
    assert made.status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.1.evil.example:5000", "registry.evil.example", "example.com"])
def test_a_rebound_name_is_refused(admin: Client, host: str) -> None:
    assert admin.get(SEARCH, headers={"Host": host}).status_code == 403


def test_a_page_of_somebody_else_may_not_write(admin: Client) -> None:
    asked = admin.post(
        "/api/2.0/mlflow/experiments/create", json={"name": "x"}, headers={"Origin": "https://evil.example"}
    )
    assert asked.status_code == 403


def test_a_file_goes_through_the_server_into_the_bucket(setting: Setting, admin: Client) -> None:
    put = admin.put("/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/model.bin", data=b"weights")
    assert put.status_code == 200
    found = setting.bucket.get_object(Bucket=BUCKET, Key="1/run/artifacts/model.bin")
    assert found["Body"].read() == b"weights"


def pieces(size: int) -> Iterator[bytes]:
    """A body that does not say how long it is: an empty search and blanks."""
    yield b'{"max_results": 1}'
    left = size - 18
    while left > 0:
        yield b" " * min(left, 65_536)
        left -= 65_536


# Of a request that does not say how long it is, MLflow itself reads nothing and answers 400.
@pytest.mark.parametrize(("said", "over", "status"), [(True, 0, 200), (True, 1, 413), (False, 0, 400), (False, 1, 413)])
def test_a_request_may_have_a_mebibyte_and_no_byte_more(admin: Client, said: bool, over: int, status: int) -> None:
    body = pieces(1024**2 + over)
    as_json = {"Content-Type": "application/json"}
    answer = admin.post(SEARCH.partition("?")[0], data=b"".join(body) if said else body, headers=as_json)
    assert answer.status_code == status
    if over:
        assert answer.json()["message"] == "a request like this may have 1048576 bytes at the most"
    assert admin.get(SEARCH).status_code == 200


@pytest.mark.parametrize("over", [0, 1])
def test_a_file_may_have_a_gibibyte_and_a_longer_one_is_refused_before_it_is_sent(
    setting: Setting, admin: Client, over: int
) -> None:
    basic = base64.b64encode(f"admin:{setting.secrets['adminPassword']}".encode()).decode()
    head = [
        "PUT /api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/large.bin HTTP/1.1",
        f"Host: 127.0.0.1:{setting.port}",
        f"Authorization: Basic {basic}",
        f"Content-Length: {1024**3 + over}",
        "Expect: 100-continue",
    ]
    with socket.create_connection(("127.0.0.1", setting.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        assert connection.recv(12) == (b"HTTP/1.1 413" if over else b"HTTP/1.1 100")


def test_a_file_is_longer_than_other_requests_may_be(setting: Setting, admin: Client) -> None:
    path = "/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/long.bin"
    assert admin.put(path, data=b"w" * (1024**2 + 1)).status_code == 200
    assert setting.bucket.head_object(Bucket=BUCKET, Key="1/run/artifacts/long.bin")["ContentLength"] == 1024**2 + 1


def test_metrics_are_read_by_their_own_user_who_administers_nothing(setting: Setting, url: str) -> None:
    assert asked(url + "/metrics").status_code == 401
    scraper = ("metrics", setting.secrets["metricsPassword"])
    asked(url + SEARCH, auth=scraper)
    page = asked(url + "/metrics", auth=scraper)
    assert page.status_code == 200
    assert "mlflow_http_request_duration_seconds_bucket" in page.text
    made = requests.post(
        url + "/api/2.0/mlflow/users/create",
        auth=scraper,
        json={"username": "m", "password": "a-password-of-mine"},
        timeout=60,
    )
    assert made.status_code == 403


def test_an_upgrade_runs_again_and_gives_a_user_a_new_password(setting: Setting, url: str) -> None:
    setting.secrets["metricsPassword"] = "another-password-of-metrics"
    setting.upgrade()
    assert asked(url + "/metrics", auth=("metrics", "another-password-of-metrics")).status_code == 200


def test_a_rotation_is_survived_without_a_restart(setting: Setting, admin: Client) -> None:
    for _ in range(8):
        assert admin.get(SEARCH).status_code == 200
    setting.rotate("second/pa=ss#word!")
    # Whoever is connected stays connected, so nothing is noticed while the new password is on its way.
    assert admin.get(SEARCH).status_code == 200
    setting.bring_secrets()
    setting.disconnect()
    began = time.monotonic()
    while (answer := admin.get(SEARCH)).status_code != 200 and time.monotonic() - began < 300:
        time.sleep(0.1)
    assert answer.status_code == 200
    assert [admin.get(SEARCH).status_code for _ in range(8)] == [200] * 8


def test_a_database_that_offers_no_tls_gets_no_password(setting: Setting, admin: Client) -> None:
    setting.door.closed = True
    try:
        setting.disconnect()
        answers = {admin.get(SEARCH).status_code for _ in range(2)}
        assert 200 not in answers
    finally:
        setting.door.closed = False
    began = time.monotonic()
    while admin.get(SEARCH).status_code != 200:
        assert time.monotonic() - began < 300
