"""Writes the block of a stack file that says what a running registry holds, and the files of its prompts.

Nothing on the server changes. The next `up` takes over what is there as it is, for it is declared as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.kinds import in_clear
from core import bounded_yaml, file_names
from core.problem import Problem, Refused
from infra.stack.file import PLATFORM_KEY, StackFile
from infra.stack.prompts import CHAT
from mlflow_provider.api import Server
from mlflow_provider.kinds.base import Found, Props
from mlflow_provider.kinds.catalogue import KINDS, PACKAGE

FOLDER = "prompts"
_CONTENT = ("experiments", "models", "prompts", "webhooks", "users", "gateway")
_PARAMETERS = {
    "provider": "provider",
    "model_name": "modelName",
    "temperature": "temperature",
    "max_tokens": "maxTokens",
    "top_p": "topP",
    "top_k": "topK",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "stop_sequences": "stopSequences",
}
_GRANTS = {"experiment": "experiments", "registered_model": "models", "prompt": "prompts"}


@dataclass
class Block:
    """What a registry holds as a stack file says it: the block, the prompts' files, and what a reader has to know."""

    content: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(server: Server, *, users: bool) -> Block:
    """Everything on a server that a stack file can declare; `users` when the server has any."""
    block = Block()
    experiments = _all(server, "Experiment")
    block.content["experiments"] = {experiment.inputs["name"]: _around(experiment.inputs) for experiment in experiments}
    models = {each.id: _around(each.inputs) for each in _all(server, "RegisteredModel")}
    _aliases(models, "model", _all(server, "ModelAlias"))
    prompts = {each.id: _prompt(each, block) for each in _all(server, "Prompt")}
    _aliases(prompts, "prompt", _all(server, "PromptAlias"))
    block.content |= {"models": models, "prompts": prompts}
    block.content["webhooks"] = {each.inputs["name"]: _webhook(each, block) for each in _all(server, "Webhook")}
    if users:
        names = {experiment.id: str(experiment.inputs["name"]) for experiment in experiments}
        block.content["users"] = _users(server, names, block)
    block.content["gateway"] = _gateway(server, block)
    block.content = {key: value for key, value in block.content.items() if value}
    return block


def write(block: Block, stack_file: Path, folder: Path) -> list[Path]:
    """Puts the block into the stack file in place of the content that it had, and writes the prompts' files beside it.

    The rest of the file stays as it is, comments too. Raises Refused when a file of another text is in the way.
    """
    file_names.apart(block.files, FOLDER)
    text = stack_file.read_text(encoding="utf-8")
    platform = StackFile.read(stack_file).platform
    before = platform.get("registry") or {}
    kept = {key: value for key, value in before.items() if key not in _CONTENT}
    content = {**kept, **_with_what_only_the_file_knows(block, before)}
    for name, said in block.files.items():
        path = _place(folder, name)
        declared = any(name in (prompt.get("file"), prompt.get("responseFormatFile")) for prompt in _prompts(before))
        if path.exists() and path.read_text(encoding="utf-8") != said and not declared:
            problem = Problem(
                summary="a file of another text is in the way", file=name, fix="move it, then import again"
            )
            raise Refused(problem)
    written = [stack_file]
    for name, said in block.files.items():
        path = _place(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(said, encoding="utf-8")
        written.append(path)
    stack_file.write_text(_replaced(text, content), encoding="utf-8")
    return written


def _place(folder: Path, name: str) -> Path:
    """Where a prompt's file goes: in the one folder that prompts have, whatever name the server gives. Raises Refused."""
    own = file_names.checked(name.removeprefix(f"{FOLDER}/"), f"registry.{FOLDER}")
    return file_names.inside(folder, folder / FOLDER / own)


def as_yaml(content: Mapping[str, Any]) -> str:
    """A block as it stands in a stack file."""
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


def _all(server: Server, kind: str) -> list[Found]:
    return sorted(KINDS[f"{PACKAGE}:registry:{kind}"].every(server), key=lambda each: each.id)


def _around(inputs: Props) -> dict[str, Any]:
    return {key: inputs[key] for key in ("description", "tags") if key in inputs}


def _aliases(there: Mapping[str, dict[str, Any]], of: str, aliases: list[Found]) -> None:
    for each in aliases:
        if (owner := each.inputs[of]) in there:
            there[owner].setdefault("aliases", {})[each.inputs["alias"]] = {"version": each.inputs["version"]}


def _prompt(found: Found, block: Block) -> dict[str, Any]:
    inputs = found.inputs
    chat = "messages" in inputs
    own = file_names.checked(found.id, "registry.prompts")
    file = f"{FOLDER}/{own}{CHAT if chat else '.md'}"
    messages = yaml.safe_dump(inputs.get("messages"), sort_keys=False, allow_unicode=True, width=110)
    block.files[file] = messages if chat else f"{inputs.get('text', '')}\n"
    said: dict[str, Any] = {"file": file, **_around(inputs)}
    if config := inputs.get("modelConfig"):
        known = {_PARAMETERS[key]: value for key, value in config.items() if key in _PARAMETERS}
        extra = {key: value for key, value in config.items() if key not in _PARAMETERS}
        said["parameters"] = {**known, **({"extraJson": json.dumps(extra)} if extra else {})}
    if schema := inputs.get("responseFormat"):
        said["responseFormatFile"] = f"{FOLDER}/{own}.schema.json"
        block.files[said["responseFormatFile"]] = json.dumps(schema, indent=2) + "\n"
    return said


def _webhook(found: Found, block: Block) -> dict[str, Any]:
    name = found.inputs["name"]
    block.notes.append(f"webhooks.{name}: MLflow does not tell whether it signs; if it does, add secret: config:NAME")
    said: dict[str, Any] = {key: found.inputs[key] for key in ("url", "events", "description") if key in found.inputs}
    if in_clear.in_address(str(said["url"])):
        said = {"urlSecret": _named(name, "Url"), **said}
        del said["url"]
        block.notes.append(f"webhooks.{name}: its address is a secret; give {said['urlSecret']} the one that is in use")
    return said if found.inputs["enabled"] else {**said, "enabled": False}


def _users(server: Server, experiments: Mapping[str, str], block: Block) -> dict[str, Any]:
    users: dict[str, Any] = {}
    for each in _all(server, "User"):
        reference = _named(each.id, "Password")
        block.notes.append(f"users.{each.id}: give {reference} the password that is in use, or `up` sets another")
        users[each.id] = {"password": reference, **({"admin": True} if each.inputs["admin"] else {})}
    for grant in _all(server, "Permission"):
        user, kind, resource = grant.inputs["user"], grant.inputs["type"], grant.inputs["resource"]
        name = experiments.get(resource, "") if kind == "experiment" else resource
        if kind not in _GRANTS or not name:
            block.notes.append(f"users.{user}: {grant.inputs['permission']} on {kind} {resource} is left as it is")
            continue
        access = str(grant.inputs["permission"]).lower()
        users[user].setdefault("grants", {}).setdefault(_GRANTS[kind], {})[name] = access
    return users


def _gateway(server: Server, block: Block) -> dict[str, Any]:
    by_kind = {kind: _all(server, kind) for kind in ("GatewayKey", "GatewayModel", "GatewayEndpoint", "BudgetPolicy")}
    keys, models, endpoints = (
        {each.id: str(each.inputs["name"]) for each in by_kind[kind]}
        for kind in ("GatewayKey", "GatewayModel", "GatewayEndpoint")
    )
    for name in keys.values():
        block.notes.append(
            f"gateway.keys.{name}: give {_named(name, 'Key')} the key that is in use, or `up` sets another"
        )
    said = {
        "keys": {each.inputs["name"]: _key(each.inputs, block) for each in by_kind["GatewayKey"]},
        "models": {
            each.inputs["name"]: {
                "provider": each.inputs.get("provider", ""),
                "model": each.inputs.get("model", ""),
                "key": keys.get(each.inputs.get("key", ""), ""),
            }
            for each in by_kind["GatewayModel"]
        },
        "endpoints": {each.inputs["name"]: _endpoint(each.inputs, models) for each in by_kind["GatewayEndpoint"]},
        "budgets": _budgets(by_kind["BudgetPolicy"], endpoints, block),
    }
    return {key: value for key, value in said.items() if value}


def _key(inputs: Props, block: Block) -> dict[str, Any]:
    name, settings = inputs["name"], inputs.get("settings", {})
    kept = {key: value for key, value in settings.items() if not in_clear.in_setting(key, str(value))}
    for key in sorted(settings.keys() - kept.keys()):
        block.notes.append(
            f"gateway.keys.{name}: its setting {key} is a secret and left out; take it away on the server too"
        )
    said = {"provider": inputs.get("provider", ""), "value": _named(name, "Key")}
    return {**said, **({"settings": kept} if kept else {})}


def _endpoint(inputs: Props, models: Mapping[str, str]) -> dict[str, Any]:
    shares = {models[model["id"]]: model["weight"] for model in inputs.get("models", [])}
    after = [models[id] for id in inputs.get("fallbacks", [])]
    quiet = {} if inputs["usageTracking"] else {"usageTracking": False}
    return {"models": shares, **({"fallbacks": after} if after else {}), **quiet}


def _budgets(found: list[Found], endpoints: Mapping[str, str], block: Block) -> dict[str, Any]:
    budgets: dict[str, Any] = {}
    for each in found:
        inputs = each.inputs
        if inputs["scope"] == "WORKSPACE":
            block.notes.append(f"gateway.budgets: a budget of a workspace ({each.id}) is left as it is")
            continue
        target = inputs.get("target", "")
        whose = {"ENDPOINT": {"endpoint": endpoints.get(target, target)}, "USER": {"user": target}}.get(
            inputs["scope"], {}
        )
        base = "-".join(map(str, (*whose.values(), inputs["every"], inputs["unit"].lower())))
        name = next(n for n in (base, *(f"{base}-{i}" for i in range(2, len(found) + 2))) if n not in budgets)
        budgets[name] = {
            "amountUsd": inputs["amountUsd"],
            "every": inputs["every"],
            "unit": inputs["unit"].lower(),
            "action": inputs["action"].lower(),
            **whose,
        }
    return budgets


def _named(name: str, what: str) -> str:
    plain = "".join(each if each.isalnum() or each in "-_" else "-" for each in name)
    return f"config:{plain}{what}"


def _prompts(before: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [prompt for prompt in (before.get("prompts") or {}).values() if isinstance(prompt, dict)]


def _with_what_only_the_file_knows(block: Block, before: Mapping[str, Any]) -> dict[str, Any]:
    """The block with what no server can tell, from the file as it was: names of secrets, who moves an alias, what is retained."""
    content = json.loads(json.dumps(block.content))
    for kind, own in (
        ("experiments", ()),
        ("models", ()),
        ("prompts", ()),
        ("webhooks", ("secret", "urlSecret")),
        ("users", ("password",)),
    ):
        for name, said in content.get(kind, {}).items():
            known = (before.get(kind) or {}).get(name) or {}
            said |= {key: known[key] for key in (*own, "retainOnDelete", "revision") if key in known}
            if "urlSecret" in said:
                said.pop("url", None)
            for alias, moved in (known.get("aliases") or {}).items():
                if isinstance(moved, dict) and "version" not in moved:
                    said.setdefault("aliases", {})[alias] = moved
    for name, said in content.get("gateway", {}).get("keys", {}).items():
        known = ((before.get("gateway") or {}).get("keys") or {}).get(name) or {}
        said |= {key: known[key] for key in ("value", "revision") if key in known}
    return dict(content)


def _replaced(text: str, content: Mapping[str, Any]) -> str:
    """The stack file's text with the registry's block in the place of the one it had, or at the platform's end."""
    root = bounded_yaml.compose(text)
    platform = _value(_value(root, "config"), PLATFORM_KEY)
    lines = text.splitlines(keepends=True)
    if platform is None or platform.flow_style:
        raise Refused(Problem(summary="the platform is not written in lines", fix="write it as dev and prod do"))
    indent = " " * platform.start_mark.column
    block = "".join(f"{indent}{line}\n" for line in as_yaml({"registry": dict(content)}).splitlines())
    there = next(((key, value) for key, value in platform.value if key.value == "registry"), None)
    start = there[0].start_mark.line if there else 0
    last = there[1] if there else platform
    end = last.end_mark.line + (1 if last.flow_style else 0)
    # What a mapping's end takes in of blank lines and comments belongs to what follows.
    while end > start + 1 and lines[end - 1].strip()[:1] in ("", "#"):
        end -= 1
    before = "".join(lines[: start if there else end])
    return f"{before.rstrip(chr(10))}\n{block}{''.join(lines[end:])}"


def _value(node: yaml.Node | None, wanted: str) -> yaml.MappingNode | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    node = next((value for key, value in pairs if key.value == wanted), None)
    return node if isinstance(node, yaml.MappingNode) else None
