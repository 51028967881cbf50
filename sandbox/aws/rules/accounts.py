"""What kind of account may make what: the table `accounts.yaml`, and the refusal that AWS gives to another kind."""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import yaml_lines
from engine.marks import UNKNOWN
from sandbox.aws.rules.references import refused


class Account(enum.StrEnum):
    """How an account stands in AWS Organizations."""

    MEMBER = "member"
    MANAGEMENT = "management"
    STANDALONE = "standalone"


PAYERS = frozenset({Account.MANAGEMENT, Account.STANDALONE})
"""The kinds of account that pay their own bill."""


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Who may make a type: the kinds of account, the inputs with which any may, and AWS's answer to the others."""

    by: frozenset[Account]
    unless: Mapping[str, Any]
    said: str

    def lets(self, account: Account, inputs: Mapping[str, Any]) -> bool:
        """Whether an account of this kind may make a resource with these inputs."""
        if account in self.by:
            return True
        values = [(inputs.get(key), allowed) for key, allowed in self.unless.items()]
        return bool(values) and all(
            value == UNKNOWN or value in (allowed if isinstance(allowed, list) else [allowed])
            for value, allowed in values
        )


@functools.cache
def makers() -> Mapping[str, Maker]:
    """Who may make each type that the table has."""
    text = Path(__file__).with_name("accounts.yaml").read_text(encoding="utf-8")
    raw = yaml_lines.load(text)
    anyone = Maker(by=frozenset(Account), unless={}, said="")
    by = {"payer": PAYERS, "management": frozenset({Account.MANAGEMENT})}
    return dict.fromkeys(raw["any"]["types"], anyone) | {
        token: Maker(by=kinds, unless=facts.get("unless", {}), said=facts["said"])
        for group, kinds in by.items()
        for token, facts in raw[group].items()
    }


def check(account: Account, token: str, inputs: Mapping[str, Any]) -> None:
    """Raise CloudError, in AWS's words, when an account of this kind may not make this resource."""
    maker = makers().get(token)
    if maker is not None and not maker.lets(account, inputs):
        raise refused(maker.said, inputs)
