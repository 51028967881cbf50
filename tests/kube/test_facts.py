"""Fact tables of custom resources: what is taken from a CRD, and that the committed ones fit the pinned chart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from core import versions
from core.problem import Refused
from kube import charts, facts


def crd() -> dict[str, Any]:
    key = {
        "type": "string",
        "description": "left out",
        "maxLength": 5,
        "x-kubernetes-validations": [
            {"rule": 'self in ["d.io/a"] || !self.find("^([^/]+)").endsWith("d.io")'},
            {"rule": "self != 'no'"},
        ],
    }
    spec = {
        "type": "object",
        "required": ["key", "defaulted"],
        "properties": {
            "key": key,
            "defaulted": {"type": "integer", "default": 1, "minimum": 1},
            "list": {"type": "array", "items": {"type": "string", "enum": ["A"]}},
            "free": {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}},
            "raw": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    schema = {"openAPIV3Schema": {"required": ["spec"], "properties": {"spec": spec}}}
    names = {"kind": "NodePool", "plural": "nodepools"}
    version = {"name": "v1", "storage": True, "schema": schema}
    kind = "CustomResourceDefinition"
    return {"kind": kind, "spec": {"group": "karpenter.sh", "scope": "Cluster", "names": names, "versions": [version]}}


def test_a_table_keeps_what_the_server_enforces_and_no_texts() -> None:
    table = facts.table(crd(), {"module": "m"})
    assert table["fields"] == {
        "spec": {"type": "map", "required": ["key"]},
        "spec.defaulted": {"type": "integer", "min": 1},
        "spec.free": {"type": "map"},
        "spec.free.*": {"type": ["integer", "string"]},
        "spec.key": {"type": "string", "maxLength": 5, "domains": {"d.io": ["d.io/a"]}, "refused": ["no"]},
        "spec.list": {"type": "list"},
        "spec.list[]": {"type": "string", "enum": ["A"]},
        "spec.raw": {"type": "map", "open": True},
    }


def test_the_command_writes_one_table_a_kind_with_its_source(tmp_path: Path) -> None:
    module = tmp_path / "example.com" / "m@v1.2.3"
    (module / "pkg" / "apis" / "crds").mkdir(parents=True)
    (module / "go.mod").write_text("module example.com/m\n", encoding="utf-8")
    (module / "pkg" / "apis" / "crds" / "a.yaml").write_text(yaml.safe_dump(crd()), encoding="utf-8")
    info = tmp_path / "cache" / "download" / "example.com" / "m" / "@v" / "v1.2.3.info"
    info.parent.mkdir(parents=True)
    info.write_text('{"Time": "2026-08-20T22:21:29Z"}', encoding="utf-8")
    assert facts.main(["--module-dir", str(module), "--out", str(tmp_path / "out")]) == 0
    table = json.loads((tmp_path / "out" / "nodepools.karpenter.sh.json").read_text(encoding="utf-8"))
    expected = {"module": "example.com/m", "version": "v1.2.3", "path": "pkg/apis/crds", "date": "2026-08-20"}
    assert table["source"] == expected


def test_a_folder_without_crds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no CRDs"):
        facts.main(["--module-dir", str(tmp_path)])


MODULES = {
    "external-secrets.io": ("external-secrets", "v1.3.2"),
    "generators.external-secrets.io": ("external-secrets", "v1.3.2"),
    "monitoring.coreos.com": ("kube-prometheus-stack", "v0.93.1"),
    "argoproj.io": ("argo-rollouts", "v1.9.0"),
    "gateway.envoyproxy.io": ("gateway-helm", "v1.9.0"),
    "gateway.networking.k8s.io": ("gateway-helm", "v1.6.1"),
}
"""Group -> its chart and the version of the module that its tables were read from, where that is not the chart's own.

The chart of External Secrets 2.9 serves the same `v1`; a Go module of that version cannot be fetched.
"""


@pytest.mark.parametrize("file", sorted(facts.DATA.glob("*.json")), ids=lambda file: file.stem)
def test_the_committed_tables_are_those_of_the_pinned_chart(file: Path) -> None:
    table = json.loads(file.read_text(encoding="utf-8"))
    karpenter = versions.CHARTS["karpenter-crd"]
    chart, version = MODULES.get(table["group"], (karpenter.name, f"v{karpenter.version}"))
    assert table["source"]["version"] == version
    assert file.stem in versions.CHARTS[chart].crds
    assert file.stem in charts.crds(chart, versions.CHARTS[chart].version)
