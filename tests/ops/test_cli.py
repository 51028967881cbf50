"""Every way a command can end is an exit code and a text: no traceback for what a person did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.problem import ExitCode, Refused
from ops import cli, commands
from ops.worlds import cloud as cloud_world
from ops.worlds.choose import choose
from ops.worlds.cloud import CloudWorld
from ops.worlds.kubeconfig import KubeconfigWorld
from ops.worlds.sandbox import SandboxWorld
from ops.worlds.world import Place, World

GOOD = """\
config:
  aws:region: us-east-1
  modelyard:platform:
    environment: dev
    owner: ml-platform
    budget: { monthlyUsd: 4000 }
    network: { cidr: 10.20.0.0/16 }
    cluster: { access: { reach: publicCidrs, allowedCidrs: [203.0.113.0/24] } }
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: modelyard\nmain: infra/\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("MODELYARD_DEBUG", raising=False)
    return tmp_path


def test_the_sandbox_is_the_world_that_nobody_named() -> None:
    assert choose(sandbox=False, cloud=False, ci=False) == SandboxWorld()


@pytest.mark.parametrize(("sandbox", "cloud", "wanted"), [(True, False, SandboxWorld()), (False, True, CloudWorld())])
def test_in_ci_the_world_that_was_named_is_taken(sandbox: bool, cloud: bool, wanted: World) -> None:
    assert choose(sandbox=sandbox, cloud=cloud, ci=True) == wanted


@pytest.mark.parametrize(("sandbox", "cloud", "ci"), [(False, False, True), (True, True, False)])
def test_a_world_that_is_not_clear_is_a_usage_error(sandbox: bool, cloud: bool, ci: bool) -> None:
    with pytest.raises(Refused) as refused:
        choose(sandbox=sandbox, cloud=cloud, ci=ci)
    assert refused.value.code is ExitCode.USAGE


def test_a_kubeconfig_names_a_world_of_its_own_and_excludes_the_others(tmp_path: Path) -> None:
    file = tmp_path / "config"
    context, cluster = (
        {"name": "one", "context": {"cluster": "one"}},
        {"name": "one", "cluster": {"server": "https://x"}},
    )
    file.write_text(json.dumps({"current-context": "one", "contexts": [context], "clusters": [cluster]}))
    assert choose(sandbox=False, cloud=False, ci=True, kubeconfig=file) == KubeconfigWorld(file)
    with pytest.raises(Refused, match="--cloud and --kubeconfig exclude"):
        choose(sandbox=False, cloud=True, ci=False, kubeconfig=file)


@pytest.mark.parametrize("content", [None, "current-context: none", "{"])
def test_a_kubeconfig_that_names_no_cluster_is_a_usage_error(root: Path, content: str | None) -> None:
    if content is not None:
        (root / "config").write_text(content)
    command = ["up", "--yes", "--stack", "dev", "--kubeconfig", str(root / "config")]
    assert cli.run(command) == ExitCode.USAGE
    assert not (root / ".sandbox" / "clusters").exists()


def test_ci_is_read_from_the_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert cli.run(["up", "--stack", "dev"]) == ExitCode.USAGE


def test_config_says_where_each_value_came_from(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["config", "--stack", "dev"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert next(line.split() for line in lines if line.startswith("owner")) == [
        "owner",
        "ml-platform",
        "Pulumi.dev.yaml:5",
    ]


def test_a_bad_stack_file_is_located_text_for_a_person(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "Pulumi.dev.yaml").write_text(GOOD.replace("owner:", "owners:"))
    assert cli.run(["up", "--stack", "dev"]) == ExitCode.REFUSED
    said = capsys.readouterr()
    assert "Pulumi.dev.yaml:5: owners: unknown key" in said.err
    assert said.out == ""


def test_a_bad_stack_file_is_a_json_list_for_a_machine(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "Pulumi.dev.yaml").write_text(GOOD.replace("owner:", "owners:"))
    assert cli.run(["up", "--stack", "dev", "--format", "json"]) == ExitCode.REFUSED
    problems = json.loads(capsys.readouterr().out)
    assert ("unknown key", "owners", 5) in [
        (problem["summary"], problem["where"], problem["line"]) for problem in problems
    ]


@pytest.mark.parametrize("name", ["../dev", "", "a b", "dév"])
def test_a_stack_name_that_is_a_path_is_a_usage_error(root: Path, name: str) -> None:
    assert cli.run(["config", "--stack", name]) == ExitCode.USAGE


@pytest.mark.parametrize("arguments", [["up"], ["nope"], ["up", "--stack"], ["config", "--stack", "dev", "--what"]])
def test_wrong_arguments_are_a_usage_error(root: Path, arguments: list[str]) -> None:
    assert cli.run(arguments) == ExitCode.USAGE


def test_help_of_every_command_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in cli.app.registered_commands:
        assert command.callback is not None
        assert command.epilog is not None
        assert f"modelyard {command.name or command.callback.__name__} --stack" in command.epilog


def test_a_mistake_of_our_own_is_one_line_and_no_traceback(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by us")

    monkeypatch.setattr(commands, "config", broken)
    assert cli.run(["config", "--stack", "dev"]) == ExitCode.FAILED
    said = capsys.readouterr().err
    assert "modelyard itself failed: ZeroDivisionError: by us" in said
    assert "Traceback" not in said

    monkeypatch.setenv("MODELYARD_DEBUG", "1")
    assert cli.run(["config", "--stack", "dev"]) == ExitCode.FAILED
    assert "Traceback" in capsys.readouterr().err


def test_policy_packs_that_cannot_be_run_refuse_instead_of_being_left_out(root: Path) -> None:
    assert cli.run(["preview", "--stack", "dev", "--sandbox"]) == ExitCode.REFUSED


def cloud(root: Path) -> Place:
    return Place(root=root, stack="dev", stack_file=root / "Pulumi.dev.yaml", world=CloudWorld())


def refusal(root: Path) -> Refused:
    with pytest.raises(Refused) as refused, CloudWorld().opened(cloud(root), lambda: None, lambda _: None):
        raise AssertionError("it opened")
    return refused.value


def test_the_cloud_refuses_a_simulated_provider(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", "aws:1234")
    assert refusal(root).problems[0].where == "PULUMI_DEBUG_PROVIDERS"


FAKE = """#!/bin/sh
case "$1 $2" in
  version*) echo v9.9.9;;
  "whoami --verbose") echo '{"user": "me", "url": "s3://state"}';;
  "stack ls") echo '[{"name": "dev"}, {"name": "prod"}]';;
  "plugin ls") echo "$PLUGINS";;
  *) echo "unexpected: $*" >&2; exit 1;;
esac
"""


@pytest.fixture
def cli_on_path(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An official CLI, a backend with the stack, an account; the plugins are missing."""
    folder = root / "bin"
    folder.mkdir()
    (folder / "pulumi").write_text(FAKE)
    (folder / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("PLUGINS", "[]")
    monkeypatch.setattr(cloud_world, "account", lambda _: "123456789012")
    return folder / "pulumi"


def test_the_cloud_needs_an_official_pulumi(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert refusal(root).code is ExitCode.UNAVAILABLE


def test_the_cloud_names_each_missing_plugin_with_the_command_that_installs_it(root: Path, cli_on_path: Path) -> None:
    fixes = [problem.fix for problem in refusal(root).problems]
    assert fixes == [
        "`pulumi plugin install resource aws 7.51.1`",
        "`pulumi plugin install resource kubernetes 4.34.2`",
    ]


def test_the_cloud_refuses_a_backend_without_the_stack_before_the_stack_file_is_opened(
    root: Path, cli_on_path: Path
) -> None:
    cli_on_path.write_text(FAKE.replace('{"name": "dev"}, ', ""))
    problem = refusal(root).problems[0]
    assert problem.summary == "the backend has no stack `dev`"
    assert problem.found == "s3://state has prod"


def test_the_cloud_opens_when_nothing_is_missing_and_drops_the_callers_options(
    root: Path, cli_on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = [{"name": "aws", "version": "7.51.1"}, {"name": "kubernetes", "version": "4.34.2"}]
    monkeypatch.setenv("PLUGINS", json.dumps(plugins))
    monkeypatch.setenv("PULUMI_OPTION_SKIP_PREVIEW", "true")
    with CloudWorld().opened(cloud(root), lambda: None, lambda _: None) as engine:
        assert engine.workdir == root
        assert not [name for name in engine.env if name.startswith("PULUMI_OPTION_")]


def test_in_the_cloud_without_a_person_yes_must_be_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "packs", lambda _: ())
    assert cli.run(["up", "--stack", "dev", "--cloud"]) == ExitCode.USAGE
