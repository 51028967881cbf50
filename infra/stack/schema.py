"""The JSON Schemas of stack files, release files and outputs, written to docs/schema so that editors complete and check both.

python -m infra.stack.schema            writes them
python -m infra.stack.schema --check    exits 1 when a committed one is not current
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from modelyard_contract import PlatformOutputs

from components.serving.spec import ReleaseSpec
from infra.stack.file import PLATFORM_KEY, REGION_KEY
from infra.stack.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "schema"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def stack_schema() -> dict[str, Any]:
    """The schema of a whole stack file: the region, the platform, and whatever else Pulumi keeps there."""
    platform = Settings.model_json_schema(by_alias=True, mode="validation")
    definitions = platform.pop("$defs")
    region = "AWS region; left out only where the platform is outside AWS"
    return {
        "$schema": DIALECT,
        "title": "Modelyard stack file",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "required": [PLATFORM_KEY],
                "properties": {REGION_KEY: {"type": "string", "description": region}, PLATFORM_KEY: platform},
            }
        },
        "$defs": definitions,
    }


def release_schema() -> dict[str, Any]:
    """The schema of a release file."""
    release = ReleaseSpec.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": DIALECT, **release, "title": "Modelyard release file"}


def outputs_schema() -> dict[str, Any]:
    """The schema of the outputs document."""
    return {"$schema": DIALECT, **PlatformOutputs.model_json_schema(by_alias=True, mode="serialization")}


def files() -> dict[Path, str]:
    """Every schema file and its text."""
    schemas = {"stack.json": stack_schema(), "release.json": release_schema(), "outputs.json": outputs_schema()}
    return {FOLDER / name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas.items()}


def main() -> int:
    """Writes the schemas, or with `--check` only compares."""
    stale = [path for path, text in files().items() if not path.is_file() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        if stale:
            sys.stderr.write(
                f"not current: {', '.join(path.name for path in stale)}; run python -m infra.stack.schema\n"
            )
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in files().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
