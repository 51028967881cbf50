"""A secret goes over https to a host that the guard file lists, however its address is written."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from core.problem import Refused
from policies.guard.file import load
from policies.guard.secret_hosts import is_entry, why_not
from tests.roots import ROOT

LISTED = ("registry.example.com", "api.example.com:8443", "127.0.0.1:5000", "[::1]:5000")


@pytest.mark.parametrize(
    "url",
    [
        "https://registry.example.com",
        "https://Registry.Example.com/x?y=1#z",
        "https://registry.example.com.:443/",
        "https://api.example.com:8443/v1",
        "http://127.0.0.1:5000",
        "https://127.0.0.1:5000",
        "http://[::1]:5000/x",
    ],
)
def test_a_listed_host_is_told(url: str) -> None:
    assert why_not(url, LISTED) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "registry.example.com",
        "http://registry.example.com",
        "ftp://registry.example.com",
        "https://registry.example.com:8443",
        "https://api.example.com",
        "https://evil.example",
        "https://registry.example.com.evil.example",
        "https://sub.registry.example.com",
        "https://evil.example/registry.example.com",
        "https://evil.example?registry.example.com",
        "https://evil.example#registry.example.com",
        "https://registry.example.com@evil.example",
        "https://evil.example\\@registry.example.com",
        "https://registry.example.com\\.evil.example",
        "https://registry.example.com\t.evil.example",
        "https://evil.example;registry.example.com",
        "https://registry.example.com:443:1",
        "https://registry.example.com:x",
        "https://registry.example.com:99999",
        "https:registry.example.com",
        "https:///registry.example.com",
        "http://127.0.0.1",
        "http://127.0.0.1:5001",
        "http://127.1:5000",
        "http://localhost:5000",
        "http://0x7f000001:5000",
        "https://reg\u0456stry.example.com",
        "https://[registry.example.com]",
    ],
)
def test_no_other_address_is_told(url: str) -> None:
    assert why_not(url, LISTED)


HOSTS = st.sampled_from(["registry.example.com", "evil.example", "127.0.0.1", "", "a@b", "[::1]"])
PIECES = st.sampled_from(
    [
        *("https:", "http:", "//", "/", "\\", "@", ":", "443", "8443", "?", "#"),
        *(".", "%2f", "%40", " ", "\t", ";", ","),
    ]
)


@given(st.lists(HOSTS | PIECES, max_size=9).map("".join))
def test_what_passes_leads_two_readers_of_addresses_to_a_listed_host(url: str) -> None:
    if why_not(url, LISTED):
        return
    hosts = {(urlsplit(url).hostname or "").rstrip("."), (parse_url(url).host or "").strip("[]").rstrip(".")}
    assert len(hosts) == 1 and hosts < {"registry.example.com", "api.example.com", "127.0.0.1", "::1"}


@pytest.mark.parametrize("entry", ["registry.example.com", "a:1", "[::1]:80", "127.0.0.1"])
def test_an_entry_is_a_host(entry: str, tmp_path: Path) -> None:
    assert is_entry(entry) and load(written(tmp_path, entry)).secret_hosts == (entry,)


@pytest.mark.parametrize(
    "entry", ["*.example.com", "https://a.example", "a/b", "A.example", "a@b", "", "a b", ".a", "a.", "*"]
)
def test_an_entry_that_is_no_host_is_refused_at_its_line(entry: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as told:
        load(written(tmp_path, entry))
    (problem,) = told.value.problems
    assert (problem.where, problem.line) == ("secretHosts", 1)


def test_nobody_is_told_when_the_guard_file_says_nothing() -> None:
    assert load(ROOT / "guard.yaml").secret_hosts == () and why_not("https://registry.example.com", ())


def written(folder: Path, entry: str) -> Path:
    file = folder / "guard.yaml"
    file.write_text(f"secretHosts: ['{entry}']\n{(ROOT / 'guard.yaml').read_text()}")
    return file
