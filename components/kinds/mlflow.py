"""Names in the registry, each with MLflow's own rule, so that a preview refuses what the server would.

Source: mlflow 3.17.2, `mlflow/utils/validation.py`, `mlflow/prompt/constants.py`, and the widths of the columns in
`mlflow/store/*/dbmodels/models.py`, which PostgreSQL keeps to and sqlite does not. A test asks MLflow's own validators.
"""

from __future__ import annotations

import posixpath
import re
from typing import Annotated

from components.kinds.kind import Kind
from components.kinds.words import Words as Words
from components.kinds.words import unseen

LONGEST = 250
_OWN = ("mlflow.", "_mlflow")
"""How the names of tags start that MLflow keeps for itself."""


def _no_path(name: str) -> str:
    """MLflow takes no name that is another one once it is read as a path."""
    bent = posixpath.normpath(name) != name or name == "." or name.startswith(("..", "/"))
    return "MLflow reads the name as a path, and it is not a plain one" if bent else ""


def _model(name: str) -> str:
    if why := unseen(name):
        return why
    return "the name has one of / : @, which stand between names" if re.search("[/:@]", name) else _no_path(name)


def _user(name: str) -> str:
    return unseen(name) or ("the name has a colon, which ends it when the user signs in" if ":" in name else "")


def _experiment(name: str) -> str:
    if name == "Default" or "::" in name:
        return "this experiment cannot be declared"
    return unseen(name)


def _tag(name: str) -> str:
    if name.startswith(_OWN):
        return "MLflow keeps this tag for itself"
    return unseen(name) or _no_path(name)


def _alias(name: str) -> str:
    reserved = name.lower() == "latest" or re.fullmatch("[vV][0-9]+", name)
    return "MLflow reserves this alias" if reserved else ""


ExperimentName = Annotated[
    str,
    Kind(
        what="the name of an experiment", allowed="up to 250 characters, not Default", why=_experiment, longest=LONGEST
    ),
]
ModelName = Annotated[
    str, Kind(what="the name of a model", allowed="up to 250 characters without / : @", why=_model, longest=LONGEST)
]
PromptName = Annotated[
    str,
    Kind(
        what="the name of a prompt",
        allowed="up to 250 letters, digits and _.-",
        pattern=r"[A-Za-z0-9_.-]+",
        why=_no_path,
        longest=LONGEST,
    ),
]
AliasName = Annotated[
    str,
    Kind(
        what="an alias",
        allowed="up to 250 letters, digits, _ and -; not latest, v1, v2 ...",
        pattern=r"[A-Za-z0-9_-]+",
        why=_alias,
        longest=LONGEST,
    ),
]
WebhookName = Annotated[
    str,
    Kind(
        what="the name of a webhook",
        allowed="up to 62 letters, digits and ._-, a letter or digit at both ends",
        pattern=r"[A-Za-z0-9]([A-Za-z0-9._-]{0,60}[A-Za-z0-9])?",
    ),
]
UserName = Annotated[
    str, Kind(what="the name of a user", allowed="up to 250 characters without a colon", why=_user, longest=LONGEST)
]
GatewayName = Annotated[
    str, Kind(what="a name in the gateway", allowed="up to 250 characters, not blank", why=unseen, longest=LONGEST)
]
Provider = Annotated[
    str, Kind(what="the name of a provider", allowed="up to 64 characters, not blank", why=unseen, longest=64)
]
TagName = Annotated[
    str,
    Kind(
        what="the name of a tag",
        allowed="up to 250 letters, digits, spaces and _./:-",
        pattern=r"[A-Za-z0-9_./: -]+",
        why=_tag,
        longest=LONGEST,
    ),
]
WebhookUrl = Annotated[
    str,
    Kind(what="a web address", allowed="https://... of up to 500 characters", pattern=r"https?://[!-~]+", longest=500),
]
WebhookWords = Annotated[str, Kind(what="a text", allowed="up to 1,000 characters", longest=1000)]
