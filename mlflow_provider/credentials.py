"""Where secrets come from: a property holds the name of one, and its value is looked up when the registry is called.

    config:NAME      a secret of the stack's configuration (`pulumi config set --secret NAME`)
    env:NAME         a variable of the environment, MODELYARD_... or MLFLOW_...
    awssm:ID#KEY     a secret of AWS Secrets Manager, in the stack's region unless ID is an ARN; without #KEY the whole of it

A value never enters the state. A keyed digest of it does, so that a change of the secret is seen.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from core import plain_json

REFERENCE = re.compile(r"(config|env|awssm):([^#\s]+)(?:#([^#\s]+))?")
VARIABLES = ("MODELYARD_", "MLFLOW_")
"""How the name of a variable begins that a stack may name: whoever writes a stack file cannot send the deployer's other ones."""
FORMS = "config:NAME, env:MODELYARD_NAME, env:MLFLOW_NAME or awssm:ID#KEY"
SIMULATED = "MODELYARD_REGISTRY_SIMULATED"
"""Set in the sandbox, whose AWS is simulated: a secret of Secrets Manager is then a placeholder that says so."""


class NoSecret(Exception):
    """A secret that is named is not there; the message never holds one."""


@dataclass(frozen=True)
class Secrets:
    """Looks secrets up. `config` is the part of the stack's configuration that the engine gives this process.

    `region` is where Secrets Manager is asked; empty for a stack without AWS, where the environment may say one.
    """

    config: Mapping[str, str] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    region: str = ""

    @classmethod
    def of_this_process(cls) -> Secrets:
        """The configuration and environment that the engine has given this process."""
        return cls(plain_json.loads(os.environ.get("PULUMI_CONFIG") or "{}"), os.environ)

    def near(self, reference: str) -> str | None:
        """The value, when it can be had without asking anybody; None when it cannot, or is not there."""
        source, name, _ = _parts(reference)
        if source == "awssm":
            return f"SIMULATED secret for {reference}" if self.environ.get(SIMULATED) else None
        return (self.config if source == "config" else self.environ).get(name) or None

    def value(self, reference: str) -> str:
        """The value. Raises NoSecret."""
        source, name, key = _parts(reference)
        if (found := self.near(reference)) is not None:
            return found
        if source == "config":
            raise NoSecret(f"the stack's configuration has no secret {name}: `pulumi config set --secret {name}`")
        if source == "env":
            raise NoSecret(f"the environment has no variable {name}")
        return _secrets_manager(name, key, self.region)


def digest(value: str, *, key: str, about: str) -> str:
    """A keyed digest of a secret: `key` is not in the state, `about` makes equal secrets look different.

    Slow on purpose (scrypt, 16 MiB), so that a weak secret cannot be guessed from a state file by trying.
    """
    salt = hmac.new(key.encode(), about.encode(), hashlib.sha256).digest()
    return hashlib.scrypt(value.encode(), salt=salt, n=2**14, r=8, p=1, dklen=16).hex()


def _parts(reference: str) -> tuple[str, str, str]:
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise NoSecret(f"this names no secret; it is written {FORMS}")
    if match[1] == "env" and not match[2].startswith(VARIABLES):
        raise NoSecret(f"a stack names no variable but those that begin with {' or '.join(VARIABLES)}")
    return match[1], match[2], match[3] or ""


def _secrets_manager(name: str, key: str, region: str) -> str:
    import boto3  # type: ignore[import-untyped]
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    where = name.split(":")[3] if name.startswith("arn:") and name.count(":") > 3 else region
    try:
        client = boto3.client("secretsmanager", region_name=where or None)
        text = str(client.get_secret_value(SecretId=name)["SecretString"])
        return str(plain_json.loads(text)[key]) if key else text
    except (BotoCoreError, ClientError) as error:
        raise NoSecret(f"Secrets Manager does not give {name}: {type(error).__name__}") from None
    except (ValueError, KeyError, TypeError):
        raise NoSecret(f"the secret {name} has no key {key}") from None
