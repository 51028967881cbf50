"""Settings are refused one by one, before the service listens, and a password is never repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.assignment import Assigner, AssignmentError
from app.settings import Settings, SettingsError
from tests.app.fakes import flags

GOOD = {
    "MODEL_URL": "http://models.modelyard-gateway/chat/v1/",
    "MODEL": "small",
    "REGISTRY_URL": "http://registry:5000",
    "REGISTRY_PASSWORD": "planted-value",
    "PROMPT": "prompts:/support@production",
}


@pytest.mark.parametrize("port", ["1", "65535"])
def test_the_first_and_the_last_port_are_taken(port: str) -> None:
    assert Settings.of({**GOOD, "PORT": port}).port == int(port)


def test_good_settings_are_read_and_a_last_slash_goes() -> None:
    settings = Settings.of(GOOD)
    assert settings.model_url == "http://models.modelyard-gateway/chat/v1"
    assert "planted-value" not in repr(settings)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"MODEL_URL": ""}, "MODEL_URL is not set"),
        ({"MODEL_URL": "ftp://model"}, "MODEL_URL is not an http"),
        ({"REGISTRY_URL": "http://me:planted-value@registry"}, "REGISTRY_URL is not an http"),
        ({"PROMPT": "support"}, "PROMPT is not the address"),
        ({"PROMPT": "prompts:/support/0"}, "PROMPT is not the address"),
        ({"PROMPT": ""}, "either PROMPT or EXPERIMENT"),
        ({"FLAGS_FILE": "flags.json"}, "go together"),
        ({"FLAGS_FILE": "flags.json", "EXPERIMENT": "greeting"}, "either PROMPT or EXPERIMENT"),
        ({"PROMPT_VARIABLES": "{"}, "is not JSON"),
        ({"PROMPT_VARIABLES": '{"a": 1}'}, "object of texts"),
        ({"RECORD_TEXTS": "yes"}, "neither true nor false"),
        ({"FIRST_BYTE_SECONDS": "0"}, "between 0 and 3600"),
        ({"FIRST_BYTE_SECONDS": "3601"}, "between 0 and 3600"),
        ({"PORT": "0"}, "PORT is not a number"),
        ({"PORT": "65536"}, "PORT is not a number"),
        ({"PORT": "http"}, "PORT is not a number"),
    ],
)
def test_one_bad_setting_is_refused_by_name(change: dict[str, str], why: str) -> None:
    with pytest.raises(SettingsError, match=why) as refused:
        Settings.of({**GOOD, **change})
    assert "planted-value" not in str(refused.value)


def test_users_stay_where_they_are_while_the_first_variants_share_grows(tmp_path: Path) -> None:
    users = [f"user-{number}" for number in range(500)]
    before = Assigner(flags(tmp_path, {"warm": 20, "control": 80}), "greeting")
    was = {user for user in users if before.of(user).variant == "warm"}
    after = Assigner(flags(tmp_path, {"warm": 50, "control": 50}), "greeting")
    now = {user for user in users if after.of(user).variant == "warm"}
    assert was < now


def test_a_new_salt_deals_users_anew(tmp_path: Path) -> None:
    users = [f"user-{number}" for number in range(500)]
    first = Assigner(flags(tmp_path, {"warm": 50, "control": 50}), "greeting")
    old = [first.of(user).variant for user in users]
    second = Assigner(flags(tmp_path, {"warm": 50, "control": 50}, salt="two"), "greeting")
    stayed = sum(second.of(user).variant == variant for user, variant in zip(users, old, strict=True))
    assert 200 < stayed < 300


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"flags": {}}', '{"flags": {"greeting": {}}}'])
def test_flags_that_do_not_have_the_experiment_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "flags.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(AssignmentError, match="greeting"):
        Assigner(file, "greeting")


def test_a_flag_that_is_off_assigns_nobody(tmp_path: Path) -> None:
    file = flags(tmp_path, {"warm": 50, "control": 50})
    document = json.loads(file.read_text(encoding="utf-8"))
    document["flags"]["greeting"]["state"] = "DISABLED"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(AssignmentError, match="DISABLED"):
        Assigner(file, "greeting").of("ann")
