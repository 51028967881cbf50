"""A secret stays one: not in the state in clear, not in what is said, not in the sandbox; and the stack file keeps its key."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest

from core.problem import ExitCode
from ops import commands
from ops.preview import command as reporting

pytestmark = pytest.mark.engine

WORD, NUMBER = "planted-5e1f7c", 1048131
SEALED, KEY = "AAABAHNvbWVib2R5cyBzZWNyZXQ=", "AQICAHhub2JvZHlzIGtleQ=="
STACK_FILE = f"""\
secretsprovider: awskms://alias/modelyard?region=us-east-1
encryptedkey: {KEY}
config:
  aws:region: us-east-1
  modelyard:token:
    secure: {SEALED}
"""


def program() -> None:
    """Secrets in every place that a program has for them: text, numbers, booleans, data of Kubernetes, outputs."""
    secret = pulumi.Output.secret
    token = pulumi.Config("modelyard").require_secret("token")
    aws.ssm.Parameter("word", type="SecureString", value=secret(WORD))
    aws.ssm.Parameter("token", type="SecureString", value=token)
    aws.sqs.Queue("number", visibility_timeout_seconds=secret(NUMBER % 43200), message_retention_seconds=secret(NUMBER))
    aws.sqs.Queue("switch", sqs_managed_sse_enabled=secret(True), tags={"hidden": secret(WORD)})
    user = {"name": "u", "user": {"token": secret(WORD)}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:6443"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [user],
    }
    cluster = k8s.Provider("cluster", kubeconfig=pulumi.Output.json_dumps(config))
    k8s.core.v1.Secret("word", string_data={"word": secret(WORD)}, opts=pulumi.ResourceOptions(provider=cluster))
    pulumi.export("word", secret(WORD))
    pulumi.export("token", token)


def test_a_secret_is_nowhere_in_clear_and_the_stack_file_stays_as_it_was(
    stage: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    here = stage("dev", program=program)
    here = replace(here, packs=(), priced=False)
    here.file.write_text(STACK_FILE, encoding="utf-8")
    here.commit()
    for command in (commands.up, reporting.preview, commands.refresh, commands.outputs):
        # No pack is asked here, which a preview does not call a pass.
        assert command(here.job) is (ExitCode.REFUSED if command is reporting.preview else ExitCode.OK)
        assert here.git() == ""
        assert here.file.read_text(encoding="utf-8") == STACK_FILE
    assert {item.type for item in here.made()} >= {"aws:sqs/queue:Queue", "kubernetes:core/v1:Secret"}
    assert set(here.preview().events.changes) == {"same"}

    said = "".join(capfd.readouterr())
    with here.engine() as engine:
        everything = {"state": engine.ask("stack", "export"), "outputs": json.dumps(engine.outputs()), "said": said}
    everything |= {str(file): file.read_text("utf-8", "replace") for file in _files(here.root / ".sandbox")}
    _nowhere(everything)

    here.run(commands.destroy)
    assert here.git() == ""
    assert here.made() == []
    _nowhere({str(file): file.read_text("utf-8", "replace") for file in _files(here.root / ".sandbox")})


def _nowhere(everything: dict[str, str]) -> None:
    hidden = (WORD, base64.b64encode(WORD.encode()).decode(), SEALED, KEY)
    assert [(place, word) for place, text in everything.items() for word in hidden if word in text] == []
    # A ciphertext or a time may hold any digits by chance: in clear the number stands by itself.
    alone = re.compile(rf"(?<![\w+/.]){NUMBER}(\.0)?(?![\w+/])")
    assert [place for place, text in everything.items() if alone.search(text)] == []


def _files(folder: Path) -> list[Path]:
    own = [path for path in folder.iterdir() if not path.is_symlink()]
    return [file for path in own for file in path.rglob("*") if file.is_file()]
