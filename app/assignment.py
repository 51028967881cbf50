"""Which variant of an experiment a user gets: flagd's own evaluation, in this process, the same on every replica."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError


class AssignmentError(RuntimeError):
    """The flags cannot be read, or the experiment's flag has no answer."""


@dataclass(frozen=True)
class Assignment:
    """What a user got: the flag, the variant's name, the prompt it stands for, and the flags' version."""

    key: str
    variant: str
    prompt: str
    version: str


class Assigner:
    """Assigns users to the variants of one flag: a function of flag and user, so nothing has to be stored."""

    def __init__(self, file: Path, experiment: str) -> None:
        """Reads a flagd configuration. Raises AssignmentError when it has no such flag."""
        self._core, self._key = FlagdCore(), experiment
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            self._core.set_flags(document)
            flag = document["flags"][experiment]
            self._version = str(flag.get("metadata", {}).get("version", ""))
            self.prompts = {variant: str(prompt) for variant, prompt in flag["variants"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OpenFeatureError) as error:
            raise AssignmentError(f"{file.name} holds no flag {experiment}: {type(error).__name__}") from None

    def of(self, user: str) -> Assignment:
        """The variant of a user. Raises AssignmentError when the flag is off or picks none."""
        try:
            found = self._core.resolve_string_value(self._key, "", EvaluationContext(targeting_key=user))
        except OpenFeatureError as error:
            raise AssignmentError(f"flag {self._key}: {error.error_code}") from None
        if not found.variant or not found.value:
            raise AssignmentError(f"flag {self._key} picks no variant: it is {found.reason}")
        return Assignment(key=self._key, variant=found.variant, prompt=found.value, version=self._version)
