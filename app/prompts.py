"""System prompts from the MLflow prompt registry: a version never changes and is read once, an alias is read again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from app.settings import PROMPT_URI

ALIAS_SECONDS = 15.0
"""How long (s) an alias is taken to name the same version."""
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_TEXT = "mlflow.prompt.text"
"""The tag in which MLflow keeps a prompt's text (mlflow 3.17, `mlflow/prompt/constants.py`)."""


class PromptError(RuntimeError):
    """The prompt cannot be fetched: the registry is away, knows no such version, or a variable has no value."""


@dataclass(frozen=True)
class Prompt:
    """One version of a prompt, its variables filled in."""

    name: str
    version: str
    text: str


class Prompts:
    """Reads prompts by their addresses; keeps on with the version that it has while the registry is away."""

    def __init__(
        self, client: httpx.AsyncClient, variables: Mapping[str, str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._variables, self._clock = client, variables, clock
        self._versions: dict[tuple[str, str], Prompt] = {}
        self._aliases: dict[str, tuple[float, Prompt]] = {}

    async def get(self, uri: str) -> Prompt:
        """The prompt at an address. Raises PromptError."""
        match = PROMPT_URI.fullmatch(uri)
        if match is None:
            raise PromptError(f"{uri[:80]} is not the address of a prompt")
        if match["version"]:
            return await self._version(match["name"], match["version"])
        return await self._alias(uri, match["name"], match["alias"])

    async def _version(self, name: str, version: str) -> Prompt:
        known = self._versions.get((name, version))
        if known is None:
            found = await self._ask("model-versions/get", name=name, version=version)
            known = self._versions[name, version] = self._prompt(found)
        return known

    async def _alias(self, uri: str, name: str, alias: str) -> Prompt:
        read_at, known = self._aliases.get(uri, (-ALIAS_SECONDS, None))
        if known is not None and self._clock() - read_at < ALIAS_SECONDS:
            return known
        try:
            known = self._prompt(await self._ask("registered-models/alias", name=name, alias=alias))
        except PromptError:
            # An outage of the registry is none of the app's: it goes on with the version that it was told last.
            if known is None:
                raise
        self._aliases[uri] = (self._clock(), known)
        return known

    async def _ask(self, path: str, **parameters: str) -> Mapping[str, object]:
        what = " ".join(parameters.values())
        try:
            answer = await self._client.get(f"/api/2.0/mlflow/{path}", params=parameters)
        except httpx.HTTPError as error:
            raise PromptError(f"the registry cannot be reached for {what}: {type(error).__name__}") from None
        if answer.status_code != httpx.codes.OK:
            raise PromptError(f"the registry answers {answer.status_code} for {what}")
        try:
            found = answer.json()["model_version"]
        except (ValueError, KeyError, TypeError):
            raise PromptError(f"the registry's answer for {what} holds no version") from None
        if not isinstance(found, dict):
            raise PromptError(f"the registry's answer for {what} holds no version")
        return found

    def _prompt(self, found: Mapping[str, object]) -> Prompt:
        name, version = str(found.get("name", "")), str(found.get("version", ""))
        tags = found.get("tags")
        texts = [tag.get("value") for tag in tags if tag.get("key") == _TEXT] if isinstance(tags, list) else []
        if not texts:
            raise PromptError(f"{name} {version} is a model and no prompt")
        return Prompt(name=name, version=version, text=fill(str(texts[0]), self._variables))


def fill(text: str, variables: Mapping[str, str]) -> str:
    """A prompt with each `{{variable}}` replaced. Raises PromptError that names every variable without a value."""
    if missing := sorted({name for name in _VARIABLE.findall(text) if name not in variables}):
        raise PromptError(f"no value for {', '.join(missing)}: name it in PROMPT_VARIABLES")
    return _VARIABLE.sub(lambda match: variables[match[1]], text)
