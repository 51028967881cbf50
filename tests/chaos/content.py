"""What the stack's registry holds, read from the real MLflow server's own database: no world keeps that."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

MODULE = "modelyard:registry:"
_PROMPT = "SELECT 1 FROM registered_model_tags t WHERE t.name = m.name AND t.key = 'mlflow.prompt.is_prompt'"
QUERIES = {
    "Experiment": "SELECT experiment_id FROM experiments WHERE lifecycle_stage = 'active' AND experiment_id <> 0",
    "RegisteredModel": f"SELECT name FROM registered_models m WHERE NOT EXISTS ({_PROMPT})",  # noqa: S608
    "Prompt": f"SELECT name FROM registered_models m WHERE EXISTS ({_PROMPT})",  # noqa: S608
    "PromptAlias": "SELECT name || '@' || alias FROM registered_model_aliases",
}
"""The kinds that dev declares -> the ids that the provider gives them (MLflow 3.17's tables)."""


def held(folder: Path) -> Counter[tuple[str, str]]:
    """Type and id of everything in the registry whose data is in `folder`; nothing when no server has ever begun there."""
    file = folder / "mlflow.db"
    if not file.exists():
        return Counter()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return Counter(
            (MODULE + kind, str(row[0])) for kind, query in QUERIES.items() for row in database.execute(query)
        )
