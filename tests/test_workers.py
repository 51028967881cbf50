"""Which worker runs which test of `make conformance`."""

from __future__ import annotations

from tests.conformance.conftest import NODE, ByFile
from tests.roots import ROOT


def scope(nodeid: str) -> str:
    return ByFile.__new__(ByFile)._split_scope(nodeid)


def test_all_tests_of_the_real_node_are_one_workers_and_each_other_file_is() -> None:
    files = [f"{NODE}/{path.name}" for path in (ROOT / NODE).glob("test_*.py")]
    assert len(files) >= 3 and {scope(f"{file}::test") for file in files} == {NODE}
    others = [
        "tests/conformance/stacks/test_local.py",
        "tests/conformance/registry/test_as_prod.py",
        f"{NODE}s/test_a.py",
    ]
    assert [scope(f"{other}::test[a]") for other in others] == others
