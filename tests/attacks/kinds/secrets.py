"""Attacks that bring a secret into the state in clear, through a text that nobody takes for the place of one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from core.problem import Problem, Refused
from infra.stack.file import StackFile
from infra.stack.releases import parsed
from infra.stack.stack import Stack
from policies.guard.file import load
from tests.attacks.attack import Attack, Harmless, Kind, Tried
from tests.attacks.test_secrets_mutations import laid
from tests.components.registry.content.test_spec import HAPPY
from tests.core.test_secret_shapes import drawn
from tests.roots import ROOT

# Built from pieces, so that no scanner meets them.
KEY = "gh" + "p_" + drawn(36)
HOOK = "https://hooks.slack." + "com/services/T0/B0/" + drawn(24)
LOOKS = "looks like a secret"
PLATFORM: dict[str, Any] = StackFile.read(ROOT / "Pulumi.dev.yaml").platform


def stopped(refused: Refused) -> Collection[str]:
    """What a refusal says; and nothing at all when it repeats the secret, for then the attack has come through."""
    return [] if KEY in str(refused) or HOOK in str(refused) else [str(refused)]


def settings(**changed: Any) -> Tried:
    """A stack file's platform with these parts."""

    def tried(_folder: Path) -> Collection[str]:
        try:
            Stack.of(laid({**PLATFORM, "registry": {**HAPPY}, "releases": []}, changed), "us-east-1")
        except Refused as refused:
            return stopped(refused)
        return []

    return tried


def registry(**changed: Any) -> Tried:
    return settings(registry=changed)


def file(more: str, name: str = "Pulumi.dev.yaml") -> Tried:
    """A stack file, a release or the guard file with more at its end."""

    def tried(folder: Path) -> Collection[str]:
        path = folder / Path(name).name
        path.write_text(f"{(ROOT / name).read_text()}{more}")
        try:
            if name == "guard.yaml":
                load(path)
            elif name.startswith("releases/"):
                parsed(path.read_text(), path.name, path)
            else:
                Stack.read(StackFile.read(path))
        except Refused as refused:
            return stopped(refused)
        return []

    return tried


def prompt(text: str, name: str = "prompts/stolen.md") -> Tried:
    """A prompt's file beside the stack file."""

    def tried(folder: Path) -> Collection[str]:
        from components.registry.content.spec import PromptSpec
        from infra.stack.prompts import contents

        (folder / "prompts").mkdir()
        (folder / name).write_text(text)
        try:
            contents({"stolen": PromptSpec(file=name)}, folder)
        except Refused as refused:
            return stopped(refused)
        return []

    return tried


def told(_folder: Path) -> Collection[str]:
    """A refusal of something else, which would repeat the name of what it is about."""
    said = Problem(summary="unknown key", where=f"registry.{KEY}", found=HOOK, fix=f"did you mean {KEY}?")
    return [] if KEY in said.text() or HOOK in str(said.as_dict()) else [said.text()]


RELEASE = next(str(path.relative_to(ROOT)) for path in sorted((ROOT / "releases").rglob("*.yaml")))
_ATTACKS = (
    ("a description of an experiment", LOOKS, registry(experiments={"x": {"description": f"the key is {KEY}"}})),
    ("a tag's value", LOOKS, registry(experiments={"x": {"tags": {"board": KEY}}})),
    ("a tag's name", LOOKS, registry(experiments={"x": {"tags": {KEY: "x"}}})),
    ("the name of an experiment", LOOKS, registry(experiments={KEY: {}})),
    ("the name of a secret", LOOKS, registry(adminPassword=f"config:{KEY}")),
    ("the path of a webhook", LOOKS, registry(webhooks={"w": {"url": HOOK, "events": ["prompt.created"]}})),
    (
        "a webhook's description",
        LOOKS,
        registry(webhooks={"w": {"url": "https://a.example", "events": ["prompt.created"], "description": KEY}}),
    ),
    (
        "a setting of a key of the gateway",
        LOOKS,
        registry(gateway={"keys": {"k": {"provider": "openai", "value": "config:k", "settings": {"model": KEY}}}}),
    ),
    ("the name of a provider", LOOKS, registry(gateway={"keys": {"k": {"provider": KEY, "value": "config:k"}}})),
    (
        "the path of a receiver of samples",
        LOOKS,
        settings(monitoring={"remoteWrite": {"url": f"https://a.example/{KEY}"}}),
    ),
    (
        "the address of a receiver of samples",
        "who signs in",
        settings(monitoring={"remoteWrite": {"url": "https://a:b@c.example"}}),
    ),
    (
        "the query of an address",
        "as its parameter",
        settings(monitoring={"remoteWrite": {"url": "https://a.example?token=x"}}),
    ),
    (
        "Grafana's id at a provider",
        LOOKS,
        settings(
            monitoring={"grafana": {"oidc": {"clientId": KEY, "clientSecret": "x", "authUrl": "https://a.example"}}}
        ),
    ),
    (
        "a stop sequence of a prompt",
        LOOKS,
        registry(prompts={"p": {"file": "prompts/x.md", "parameters": {"stopSequences": ["x", KEY]}}}),
    ),
    (
        "the parameters of a prompt",
        LOOKS,
        registry(prompts={"p": {"file": "prompts/x.md", "parameters": {"extraJson": f'{{"a": "{KEY}"}}'}}}),
    ),
    ("the name of a file", LOOKS, registry(prompts={"p": {"file": f"prompts/{KEY}.md"}})),
    ("an unknown key", "unknown key", settings(**{KEY: 1})),
    ("a comment of the stack file", "this line holds", file(f"# {KEY}\n")),
    ("a setting beside the platform", "this line holds", file(f"  modelyard:note: {KEY}\n")),
    ("a comment of a release", "this line holds", file(f"# {KEY}\n", RELEASE)),
    ("a comment of the guard file", "this line holds", file(f"# {KEY}\n", "guard.yaml")),
    ("the text of a prompt", "this line holds", prompt(f"You are a bot.\nUse {KEY}.\n")),
    (
        "a message of a chat prompt",
        "this line holds",
        prompt(f"- role: user\n  content: {KEY}\n", "prompts/stolen.chat.yaml"),
    ),
    ("a refusal that repeats what it is about", "[secret]", told),
)
ATTACKS = tuple(Attack(kind=Kind.SECRETS, name=name, stopped_by=by, tried=tried) for name, by, tried in _ATTACKS)
HARMLESS = tuple(
    Harmless(kind=Kind.SECRETS, name=name, tried=tried)
    for name, tried in (
        (
            "a description with a digest",
            registry(experiments={"x": {"description": "sha256:" + "0123456789abcdef" * 4}}),
        ),
        (
            "a description with an ARN",
            registry(experiments={"x": {"description": "arn:aws:iam::000000000000:role/gateway-of-prod"}}),
        ),
        ("a name that begins as a key does", registry(experiments={"hf_text_generation_inference": {}})),
        ("a secret by its name", registry(adminPassword="config:registryAdminPassword")),
        ("a comment about a key", file("# the key is in Secrets Manager, as modelyard-dev/registry\n")),
        ("a setting that Pulumi has encrypted", file(f"  modelyard:hook:\n    secure: v1:{drawn(16)}:{drawn(60)}\n")),
        ("a prompt that speaks of passwords", prompt("Never tell anybody a password or an API key.\n")),
    )
)
