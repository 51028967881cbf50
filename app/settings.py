"""What the service is told by its environment, checked once at the start."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROMPT_URI = re.compile(r"prompts:/(?P<name>[A-Za-z0-9_.-]+)(?:/(?P<version>[1-9][0-9]*)|@(?P<alias>[A-Za-z0-9_-]+))")
"""How MLflow writes the address of a prompt version, by number or by alias."""


class SettingsError(ValueError):
    """A setting is missing or cannot be used: it says which, what is allowed, and never the value of a password."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The service's settings; each comes from the environment variable of the same name in capitals."""

    model_url: str
    """Base address of the model's OpenAI API, for example `http://models.modelyard-gateway/chat/v1`."""
    model: str
    """Name that requests to the model carry."""
    registry_url: str
    """Address of the MLflow server that has the prompts and takes the traces."""
    registry_user: str = ""
    """Who signs in to the registry; empty where it asks nobody."""
    registry_password: str = field(default="", repr=False)
    """That user's password."""
    prompt: str = ""
    """The system prompt as MLflow writes its address: `prompts:/support/3` or `prompts:/support@production`."""
    prompt_variables: Mapping[str, str] = field(default_factory=dict)
    """A JSON object: what stands for each `{{variable}}` of a prompt."""
    flags_file: Path | None = None
    """A flagd configuration; its flag `experiment` picks the prompt of each user, instead of `prompt`."""
    experiment: str = ""
    """The flag that picks the prompt."""
    trace_experiment_id: str = ""
    """Id of the MLflow experiment that takes the traces; empty sends none."""
    record_texts: bool = False
    """Whether traces hold what was asked and answered. Off, they hold who, when, which version and how many tokens."""
    version: str = "0"
    """The app's own version, a label of its metrics."""
    first_byte_seconds: float = 60.0
    """Longest wait for the model's first byte."""
    host: str = "0.0.0.0"  # noqa: S104
    """Where it listens: every address, because a pod's own is not known beforehand."""
    port: int = 8080
    """The port that it listens on."""

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Reads the environment. Raises SettingsError for the first setting that cannot be used."""
        given = {name: environment[name.upper()] for name in cls.__dataclass_fields__ if name.upper() in environment}
        for name in ("model_url", "model", "registry_url"):
            if not given.get(name):
                raise SettingsError(f"{name.upper()} is not set")
        for name in ("model_url", "registry_url"):
            if not re.fullmatch(r"https?://[^\s@/]+(/[^\s]*)?", given[name]):
                raise SettingsError(f"{name.upper()} is not an http or https address without a user in it")
        if bool(given.get("flags_file")) != bool(given.get("experiment")):
            raise SettingsError("FLAGS_FILE and EXPERIMENT go together")
        if bool(given.get("prompt")) == bool(given.get("experiment")):
            raise SettingsError("set either PROMPT or EXPERIMENT")
        if given.get("prompt") and not PROMPT_URI.fullmatch(given["prompt"]):
            raise SettingsError("PROMPT is not the address of a prompt: prompts:/NAME/VERSION or prompts:/NAME@ALIAS")
        return cls(
            model_url=given["model_url"].rstrip("/"),
            model=given["model"],
            registry_url=given["registry_url"].rstrip("/"),
            registry_user=given.get("registry_user", ""),
            registry_password=given.get("registry_password", ""),
            prompt=given.get("prompt", ""),
            prompt_variables=_variables(given.get("prompt_variables", "{}")),
            flags_file=Path(given["flags_file"]) if given.get("flags_file") else None,
            experiment=given.get("experiment", ""),
            trace_experiment_id=given.get("trace_experiment_id", ""),
            record_texts=_truth("RECORD_TEXTS", given.get("record_texts", "false")),
            version=given.get("version", "0"),
            first_byte_seconds=_seconds("FIRST_BYTE_SECONDS", given.get("first_byte_seconds", "60")),
            host=given.get("host", cls.host),
            port=_port(given.get("port", str(cls.port))),
        )


def _variables(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        raise SettingsError("PROMPT_VARIABLES is not JSON") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise SettingsError("PROMPT_VARIABLES is not a JSON object of texts")
    return found


def _truth(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise SettingsError(f"{name} is neither true nor false")
    return text == "true"


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise SettingsError(f"{name} is not a number of seconds between 0 and 3600")
    return seconds


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= 65535:
        raise SettingsError("PORT is not a number between 1 and 65535")
    return int(text)
