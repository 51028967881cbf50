"""Brings a model version's files from the registry into the pod, and lets only the files through that the release names.

Runs as an init container before the model server, and by `modelyard release pin`; so it imports nothing but Python's own.
The files are named by the root digest of their OpenSSF model-signing manifest: SHA-256 over the SHA-256 digests of all files, in
the order of their paths (model_signing 1.1, serialization `files`; a test compares both). A signature in the folder
(`model.sig`) is no file of the model, but the names and digests that it lists have to be these.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

SIGNATURE = "model.sig"
SERVED = "served"
"""The link that the server opens: the one GGUF file, or the folder of the one config.json."""
FILES = "files"
UNSIGNED = (".git", ".gitattributes", ".github", ".gitignore")
"""What model_signing leaves out of a manifest by default (1.1, `hashing.py`): nobody has signed it, so it is not brought."""
_CHUNK = 1024 * 1024
_STATEMENT = "https://model_signing/signature/v1"


class Unfit(Exception):
    """Why these files are not served; its text is for the pod's log."""


class Silent(Unfit):
    """The registry does not answer, or answers what no registry would."""


class _Stays(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the password is for the registry alone."""

    def redirect_request(self, *_: Any) -> None:
        """Nothing, so that the answer is an error."""


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stays)
"""Goes straight to the registry: a proxy of the environment would be told the password."""


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a folder by its path, in the manifest's order. Raises Unfit for what is no plain file."""
    found = {}
    for path in sorted(_files(folder), key=lambda each: each.relative_to(folder).as_posix()):
        name = path.relative_to(folder).as_posix()
        if name != SIGNATURE and PurePosixPath(name).parts[0] not in UNSIGNED:
            found[name] = file_digest(path)
    if not found:
        raise Unfit("there is no file at all")
    return dict(sorted(found.items(), key=lambda each: PurePosixPath(each[0])))


def file_digest(path: Path) -> str:
    """The SHA-256 of one file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise Unfit(f"{path.relative_to(folder)} is a link to {path.readlink()}: a model's files are plain files")
        if path.is_file():
            yield path
        elif not path.is_dir():
            raise Unfit(f"{path.relative_to(folder)} is neither a file nor a folder")


def root_digest(found: Mapping[str, str]) -> str:
    """The manifest's root digest, as a release file says it."""
    return f"sha256:{hashlib.sha256(b''.join(bytes.fromhex(each) for each in found.values())).hexdigest()}"


def check(folder: Path, expected: str = "") -> dict[str, str]:
    """The digests of a folder that holds exactly what `expected` names. Raises Unfit with what was expected and found.

    Without `expected` any plain files will do, and a signature beside them has to list these.
    """
    found = digests(folder)
    signed = listed(folder / SIGNATURE)
    if signed is not None and signed != found:
        raise Unfit(f"the files are not those that {SIGNATURE} lists: {_differ(signed, found)}")
    if expected and root_digest(found) != expected:
        names = ", ".join(found)
        said = f"the files have another digest: expected {expected}, found {root_digest(found)} over {names}"
        raise Unfit(f"{said}; if these are right, `modelyard release pin` writes their digest into the release file")
    return found


def listed(signature: Path) -> dict[str, str] | None:
    """The digests by path that a signature's statement lists; None without a signature. Raises Unfit when it cannot be read."""
    if not signature.is_file():
        return None
    try:
        statement = json.loads(base64.b64decode(json.loads(signature.read_bytes())["dsseEnvelope"]["payload"]))
        if not str(statement["predicateType"]).startswith(_STATEMENT):
            raise Unfit(f"{SIGNATURE} signs {statement['predicateType']}, not a model")
        return {str(each["name"]): str(each["digest"]) for each in statement["predicate"]["resources"]}
    except (ValueError, KeyError, TypeError) as error:
        raise Unfit(f"{SIGNATURE} cannot be read: {type(error).__name__}") from None


def _differ(signed: Mapping[str, str], found: Mapping[str, str]) -> str:
    extra, gone = sorted(found.keys() - signed.keys()), sorted(signed.keys() - found.keys())
    changed = sorted(name for name in signed.keys() & found.keys() if signed[name] != found[name])
    said = {"not signed": extra, "missing": gone, "changed": changed}
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in said.items() if names)


class Registry:
    """An MLflow server's artifacts, read through the server; `url` has no user in it."""

    def __init__(self, url: str, user: str = "", password: str = "") -> None:
        self._url = url.rstrip("/")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"} if user else {}

    def fetch(self, model: str, version: int, folder: Path) -> None:
        """Writes every file of a version below `folder`. Raises Unfit when the version is not there or a file comes short."""
        where = urllib.parse.urlencode({"name": model, "version": version})
        uri = self._json(f"/api/2.0/mlflow/model-versions/get-download-uri?{where}", f"{model} version {version}")
        place = _proxied(self._resolved(str(uri.get("artifact_uri", ""))))
        for path, target, size in [(path, folder / _inside(path), size) for path, size in self._listed(place)]:
            if PurePosixPath(path).parts[0] in UNSIGNED:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            self._file(f"{place}/{path}", target, size)

    def _resolved(self, uri: str) -> str:
        """The place of a run's or a logged model's files, where a version names those; the address itself otherwise."""
        kind, _, rest = uri.partition(":/")
        name, _, below = rest.strip("/").partition("/")
        quoted = urllib.parse.quote(name, safe="")
        if kind == "runs":
            run = self._json(f"/api/2.0/mlflow/runs/get?run_id={quoted}", f"run {name}")
            uri = str(run.get("run", {}).get("info", {}).get("artifact_uri", ""))
        elif kind == "models":
            logged = self._json(f"/api/2.0/mlflow/logged-models/{quoted}", f"logged model {name}")
            uri = str(logged.get("model", {}).get("info", {}).get("artifact_uri", ""))
        else:
            return uri
        return f"{uri.rstrip('/')}/{below}".rstrip("/")

    def _listed(self, place: str, below: str = "") -> Iterator[tuple[str, int]]:
        query = urllib.parse.urlencode({"path": f"{place}/{below}".strip("/")})
        found = self._json(f"/api/2.0/mlflow-artifacts/artifacts?{query}", "the version's files")
        for each in found.get("files", ()):
            path = f"{below}/{each['path']}" if below else str(each["path"])
            if each.get("is_dir"):
                yield from self._listed(place, path)
            else:
                yield path, int(each.get("file_size") or 0)

    def _file(self, path: str, target: Path, size: int) -> None:
        where = f"/api/2.0/mlflow-artifacts/artifacts/{urllib.parse.quote(path)}"
        try:
            with self._open(where, path) as answer, target.open("wb") as file:
                shutil.copyfileobj(answer, file, _CHUNK)
        except http.client.HTTPException as error:
            raise Silent(f"{path} came short: {type(error).__name__}") from None
        if target.stat().st_size != size:
            raise Unfit(f"{path} came short: expected {size} bytes, found {target.stat().st_size}")

    def _json(self, path: str, what: str) -> dict[str, Any]:
        try:
            with self._open(path, what) as answer:
                found = json.load(answer)
        except (ValueError, http.client.HTTPException):
            raise Silent(
                f"what answers at {self._url} is no registry: it gave {what} as something else than JSON"
            ) from None
        return found if isinstance(found, dict) else {}

    def _open(self, path: str, what: str):  # type: ignore[no-untyped-def]
        try:
            request = urllib.request.Request(f"{self._url}{path}", headers=self._headers)  # noqa: S310 - the registry's own
            return _OPENER.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            fix = _FIXES.get(error.code, "")
            raise Unfit(f"the registry has not given {what}: HTTP {error.code}{fix and f'; {fix}'}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Silent(f"the registry at {self._url} does not answer: {error}") from None


_FIXES = {
    401: "the user or the password is another",
    403: "this user may not read it",
    404: "register it, or name a version that is there in the release file (`modelyard models show`)",
}
"""What to do about an answer of the registry."""


def _proxied(uri: str) -> str:
    """The path of an artifact's place below what the server hands out. Raises Unfit for one that it does not."""
    found = re.fullmatch(r"mlflow-artifacts:(?://[^/]*)?/*([^/].*)", uri)
    if found is None:
        raise Unfit(
            f"the version's files are at {uri.partition(':')[0] or 'no'}:..., and only the registry itself is asked"
        )
    return found[1].rstrip("/")


def _inside(path: str) -> PurePosixPath:
    found = PurePosixPath(path)
    if found.is_absolute() or ".." in found.parts or not found.parts or "\\" in path:
        raise Unfit(f"a file would lie outside the folder: {path}")
    return found


READS = {"llamacpp": "one GGUF file", "vllm": "a folder with one config.json"}
"""What each runtime serves. vLLM has read no GGUF files by itself since 0.24."""


def served(folder: Path, runtime: str = "") -> Path:
    """What the server opens: the folder of the one config.json, or the one GGUF file. Raises Unfit when neither is there once.

    With a `runtime` it has to be what that one reads.
    """
    found = _served(folder)
    if runtime and found.is_file() != (runtime == "llamacpp"):
        has = "a GGUF file" if found.is_file() else "a folder with config.json"
        raise Unfit(
            f"{runtime} serves {READS[runtime]}, and this version has {has}: register the other form of the model"
        )
    return found


def _served(folder: Path) -> Path:
    configs, ggufs = sorted(folder.rglob("config.json")), sorted(folder.rglob("*.gguf"))
    if len(ggufs) == 1 and not configs:
        return ggufs[0]
    if len(configs) == 1 and not ggufs:
        return configs[0].parent
    raise Unfit(f"a model has one config.json or one GGUF file: found {len(configs)} and {len(ggufs)}")


def main(into: Path, environment: Mapping[str, str]) -> None:
    """Fetches and checks what the environment names; the link is made last, so a server never sees files that are not checked."""
    folder, link = into / FILES, into / SERVED
    shutil.rmtree(folder, ignore_errors=True)
    link.unlink(missing_ok=True)
    folder.mkdir(parents=True)
    registry = Registry(
        environment["REGISTRY_URL"], environment.get("REGISTRY_USER", ""), environment.get("REGISTRY_PASSWORD", "")
    )
    model, version = environment["MODEL"], int(environment["MODEL_VERSION"])
    registry.fetch(model, version, folder)
    expected = environment["MODEL_DIGEST"]
    if not re.fullmatch("sha256:[0-9a-f]{64}", expected):
        raise Unfit("no digest is named, so nothing can be checked")
    found = check(folder, expected)
    link.symlink_to(served(folder, environment.get("RUNTIME", "")).relative_to(into))
    sys.stdout.write(f"{model} version {version}: {len(found)} files, {environment['MODEL_DIGEST']}\n")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), os.environ)
    except Unfit as why:
        sys.stderr.write(f"not served: {why}\n")
        sys.exit(1)
