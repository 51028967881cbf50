"""A checkout in another folder, so that a test can break what it likes: links to what a run reads, a sandbox of its own."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
READ = ("Pulumi.yaml", "infra", "policies", "prompts", "mlflow_provider", ".venv")
SHARED = ("toolchain", "cache")


def lay(folder: Path) -> None:
    """Makes `folder` a checkout without stack files; the built toolchain and its cache are shared."""
    for name in READ:
        (folder / name).symlink_to(ROOT / name)
    (folder / ".sandbox").mkdir()
    for name in SHARED:
        (ROOT / ".sandbox" / name).mkdir(parents=True, exist_ok=True)
        (folder / ".sandbox" / name).symlink_to(ROOT / ".sandbox" / name)
