"""Derive the fact tables of custom resources from the CRDs inside a Go module: `python -m kube.facts --module-dir DIR`.

A table says, for each path of a kind, its type, bounds, enum and pattern, and which labels are restricted: what the API
server enforces, without the manifest's texts. Rules between fields are code, in `kube/karpenter.py`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from core.problem import ExitCode, Problem, Refused

DATA = Path(__file__).parent / "data" / "crds"
FOLDER = "pkg/apis/crds"
KINDS = ("NodePool", "NodeClaim", "EC2NodeClass")
_COPIED = {
    "enum": "enum",
    "pattern": "pattern",
    "minimum": "min",
    "maximum": "max",
    "minLength": "minLength",
    "maxLength": "maxLength",
    "minItems": "minItems",
    "maxItems": "maxItems",
}
_TYPES = {"object": "map", "array": "list"}
_DOMAIN = re.compile(r'(?:self|x) in \[(.*?)\] \|\| !(?:self|x)\.find\(.*?\)\.endsWith\("(.*?)"\)')
_REFUSED = re.compile(r"^(?:self|self\.all\(\w, \w) ?!= ?(['\"])(.*?)\1\)?(?: && .*)?$")
_KEYS = (re.compile(r"^self\.all\(\w, \w in \[(.*)\]\)$"), re.compile(r"^self\.all\(\w, (\w=='.*')\)$"))
_QUOTED = re.compile(r"['\"](.*?)['\"]")


def _rules(schema: dict[str, Any], node: dict[str, Any]) -> None:
    for listed in schema.get("x-kubernetes-validations", ()):
        rule = listed["rule"].strip()
        if match := _DOMAIN.search(rule):
            node.setdefault("domains", {})[match[2]] = sorted(set(_QUOTED.findall(match[1])))
        elif match := _REFUSED.match(rule):
            node.setdefault("refused", []).append(match[2])
        else:
            for pattern in _KEYS:
                if match := pattern.match(rule):
                    node["keys"] = _QUOTED.findall(match[1])


def paths(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each path under `schema` with what it may hold; `[]` is each item of a list, `*` each value of a free map."""
    kind = schema.get("type", "")
    node: dict[str, Any] = {"type": ["integer", "string"]} if schema.get("x-kubernetes-int-or-string") else {}
    if kind:
        node["type"] = _TYPES.get(kind, kind)
    node.update({ours: schema[theirs] for theirs, ours in _COPIED.items() if theirs in schema})
    properties = schema.get("properties", {})
    if required := [name for name in schema.get("required", ()) if "default" not in properties[name]]:
        node["required"] = required
    _rules(schema, node)
    extra = schema.get("additionalProperties")
    if schema.get("x-kubernetes-preserve-unknown-fields") or extra is True:
        node["open"] = True
    yield path, node
    for name, inner in sorted(properties.items()):
        yield from paths(inner, f"{path}.{name}")
    if isinstance(extra, dict):
        full = any("self[k] != ''" in rule["rule"] for rule in schema.get("x-kubernetes-validations", ()))
        yield from paths(extra | {"x-kubernetes-validations": [{"rule": "self != ''"}]} if full else extra, f"{path}.*")
    if isinstance(schema.get("items"), dict):
        yield from paths(schema["items"], f"{path}[]")


def table(crd: dict[str, Any], source: dict[str, str]) -> dict[str, Any]:
    """The fact table of one CRD's stored version."""
    spec = crd["spec"]
    stored = next(version for version in spec["versions"] if version["storage"])
    root = stored["schema"]["openAPIV3Schema"]
    return {
        "group": spec["group"],
        "version": stored["name"],
        "kind": spec["names"]["kind"],
        "plural": spec["names"]["plural"],
        "scope": spec["scope"],
        "source": source,
        "required": root.get("required", []),
        "fields": dict(paths(root["properties"]["spec"], "spec")),
    }


def _source(module: Path, folder: str) -> dict[str, str]:
    name = re.search(r"^module (\S+)", (module / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    version = module.name.rpartition("@")[2]
    source = {"module": name[1] if name else module.name, "version": version, "path": folder}
    for parent in module.parents:
        info = parent / "cache" / "download" / source["module"] / "@v" / f"{version}.info"
        if info.is_file():
            source["date"] = json.loads(info.read_text(encoding="utf-8"))["Time"][:10]
    return source


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """The documents of a file; a chart's own switch around a whole CRD is a line of Go's templates, which is left out."""
    plain = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("{{"))
    yield from (each for each in yaml.safe_load_all(plain) if each)


def _below(path: str, places: Sequence[str]) -> bool:
    return any(path.startswith((f"{place}.", f"{place}[")) for place in places)


def _cut(fields: dict[str, dict[str, Any]], opened: Sequence[str], without: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The same with open maps at `opened`, and without the paths of `without`, so that whoever uses those is refused."""
    kept = {
        path: node for path, node in fields.items() if path not in without and not _below(path, (*without, *opened))
    }
    return {path: {"type": "map", "open": True} if path in opened else node for path, node in kept.items()}


def _kept(path: str, keep: str) -> bool:
    parent = keep.rpartition(".")[0]
    return not path.startswith(f"{parent}.") or path == keep or path.startswith(f"{keep}.") if keep else True


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one table a kind into `kube/data/crds`; raises `Refused` when the folder holds no CRDs."""
    parser = argparse.ArgumentParser(prog="python -m kube.facts", description="Derive custom resource facts.")
    parser.add_argument("--module-dir", type=Path, required=True, help="an unpacked module, `.../name@v1.2.3`")
    parser.add_argument("--out", type=Path, default=DATA, help="where the tables go")
    parser.add_argument("--folder", default=FOLDER, help="where the CRDs lie in the module")
    parser.add_argument("--keep", default="", help="of this path's siblings, write only this one: `spec.provider.aws`")
    parser.add_argument(
        "--open", nargs="*", default=(), help="paths whose inside something else judges: `spec.template`"
    )
    parser.add_argument("--without", nargs="*", default=(), help="paths to leave out: who uses them is refused")
    parser.add_argument("--kinds", nargs="+", default=KINDS, help="the kinds to write tables of")
    options = parser.parse_args(arguments)
    files = sorted((options.module_dir / options.folder).glob("*.[yj]*"))
    if not files:
        raise Refused(Problem(summary=f"no CRDs under {options.folder}", found=str(options.module_dir)), ExitCode.USAGE)
    options.out.mkdir(parents=True, exist_ok=True)
    for crd in (each for file in files for each in _documents(file.read_text(encoding="utf-8"))):
        if crd.get("kind") == "CustomResourceDefinition" and crd["spec"]["names"]["kind"] in options.kinds:
            facts = table(crd, _source(options.module_dir, options.folder))
            kept = {path: node for path, node in facts["fields"].items() if _kept(path, options.keep)}
            facts["fields"] = _cut(kept, options.open, options.without)
            target = options.out / f"{facts['plural']}.{facts['group']}.json"
            target.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
            sys.stdout.write(f"{target.name}: {len(facts['fields'])} paths\n")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
