"""A process of the sandbox gets listed variables of the caller's and no other, wherever the sandbox starts one."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import environment
from sandbox.environment import kept
from tests.roots import ROOT

_NAMES = (
    "AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN AWS_PROFILE ARM_CLIENT_SECRET AZURE_CLIENT_SECRET GOOGLE_CREDENTIALS "
    "GOOGLE_APPLICATION_CREDENTIALS CLOUDSDK_CONFIG DIGITALOCEAN_TOKEN CLOUDFLARE_API_TOKEN VAULT_TOKEN VAULT_ADDR KUBECONFIG "
    "HELM_REGISTRY_CONFIG PULUMI_ACCESS_TOKEN PULUMI_OPTION_TARGET GITHUB_TOKEN GH_TOKEN HF_TOKEN OPENAI_API_KEY DATABASE_URL "
    "PGPASSWORD NPM_TOKEN TF_VAR_secret OCI_CLI_KEY ALICLOUD_SECRET_KEY SSH_AUTH_SOCK PYTHONSTARTUP PYTHONINSPECT LD_PRELOAD "
    "BASH_ENV ENV MLFLOW_TRACKING_PASSWORD MODELYARD_REGISTRY_PASSWORD MODELYARD_REGISTRY_URL MODELYARD_DEPLOYED_MAXIMUM_USD"
)
CREDENTIALS = _NAMES.split()
STARTED_INSIDE = {
    "sandbox/node/isolation/inside.py": "runs in the node, whose keeper has the environment already",
    "sandbox/node/isolation/mounts.py": "the same",
    "sandbox/node/isolation/keeper.py": "the keeper itself hands on what it was given",
}
OF_THE_CALLER = {
    "sandbox/kubernetes/real/api.py": "a kubeconfig's own plugin signs in to a real cluster with the caller's account",
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credential_of_the_caller_stays_outside(name: str) -> None:
    assert kept({name: "planted", "PATH": "/bin"}) == {"PATH": "/bin"}


@pytest.mark.parametrize("name", ["PATH", "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "MODELYARD_DEBUG", "https_proxy"])
def test_what_every_program_needs_stays(name: str) -> None:
    assert kept({name: "it"}) == {name: "it"}


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True), st.text(max_size=20), max_size=30))
def test_nothing_is_kept_that_is_on_no_list(caller: dict[str, str]) -> None:
    assert all(name in environment.KEPT or name.startswith(environment.PREFIXES) for name in kept(caller))


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy"])
def test_a_proxy_that_is_signed_in_to_stays_outside(name: str) -> None:
    assert kept({name: "http://proxy.example.com:3128"}) and not kept({name: "http://me:pw@proxy.example.com:3128"})


def test_what_fetches_has_its_mirrors_and_no_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CREDENTIALS, "GOPROXY", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "planted")
    found = environment.for_fetching()
    assert {"GOPROXY", "PIP_INDEX_URL"} <= set(found) and not set(CREDENTIALS) & set(found)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_that_reads_the_variables_loses_the_rest(shell: str) -> None:
    given = {**dict.fromkeys(CREDENTIALS, "planted"), "PATH": "/usr/bin:/bin", "LC_ALL": "C", "MODELYARD_DEBUG": "1"}
    # LD_PRELOAD and the shell's own start files would act before the line does.
    caller = {name: value for name, value in given.items() if name not in ("LD_PRELOAD", "BASH_ENV", "ENV")}
    script = f"{environment.unset_the_rest()}\nenv"
    done = subprocess.run([shell, "-c", script], env=caller, capture_output=True, text=True, check=True)
    assert "planted" not in done.stdout and "MODELYARD_DEBUG=1" in done.stdout and "LC_ALL=C" in done.stdout
    assert not done.stderr


def _starts(file: Path) -> Iterator[tuple[int, bool]]:
    """The lines of a file that start a process, each with whether it says the environment."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            base, name = node.func.value, node.func.attr
            if isinstance(base, ast.Name) and (base.id, name) in {
                *(("subprocess", each) for each in ("run", "Popen", "call", "check_call", "check_output")),
                *(("os", each) for each in ("system", "popen", "execv", "execvp", "spawnv", "posix_spawn")),
            }:
                yield node.lineno, any(keyword.arg == "env" for keyword in node.keywords)


def test_whatever_starts_a_process_says_its_environment() -> None:
    silent = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in sorted((ROOT / "sandbox").rglob("*.py"))
        for line, says in _starts(file)
        if not says and str(file.relative_to(ROOT)) not in STARTED_INSIDE
    ]
    assert not silent


def test_only_the_list_reads_the_caller_s_environment_as_a_whole() -> None:
    whole = [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / "sandbox").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Dict)
        and any(
            key is None and ast.unparse(value) == "os.environ"
            for key, value in zip(node.keys, node.values, strict=True)
        )
    ]
    assert whole == sorted(OF_THE_CALLER)
