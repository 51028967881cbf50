"""Writes the table of all policies: `python -m policies.docs` renews docs/policies.md, and a test holds it current."""

from __future__ import annotations

import re
from pathlib import Path

from policies.packs import PACKS
from policies.rule import Rule
from policies.security.pods import ABOVE_RESTRICTED

PAGE = Path(__file__).parent.parent / "docs" / "policies.md"

_INTRODUCTION = """\
# Policies

This page is written by `python -m policies.docs`; change the rules, not the page.

`pulumi preview --policy-pack policies/run` runs every pack in one process. `--policy-pack policies/<pack>` runs one pack with
the official CLI. The engine asks a rule about a *resource* before the resource is created, with `--skip-preview` too; a rule
about the
*stack* is asked when everything is planned or made.

A value that a preview does not know yet is not refused: the preview ends with a note that names it, and the rule judges it
during the update, before the resource is made. GPU nodes and costs are the exception: what may be a GPU node, and what has no
price because a value is not known, is refused.

Every resource that the plan has not counted is refused: a resource outside a component, or one that can cost more than its
line in the bill. Whoever edits the program passes the program's own gate; the engine asks these rules, from a checkout that CI
chooses. With `--target`, target the platform too: without its plan everything is refused.

The packs take no configuration. A resource is let pass only by an entry under `exemptions` in `guard.yaml`, with an
owner, a reason and a last day; the finding is then reported and does not block. A ceiling is lifted only by an entry under
`budgetExemptions`, up to its amount and until its last day.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [_INTRODUCTION]
    for pack, rules in PACKS.items():
        parts.append(f"## Pack `{pack}`\n")
        parts.append("| Rule | What it holds | Asked about | Level | Severity | To fix | References |")
        parts.append("|---|---|---|---|---|---|---|")
        parts.extend(_row(rule) for rule in rules)
        parts.append("")
    parts.append("## Namespaces above Pod Security `restricted`\n")
    parts.extend(f"- `{name}`: {reason}." for name, reason in ABOVE_RESTRICTED.items())
    return "\n".join(parts) + "\n"


def _row(rule: Rule) -> str:
    about = ", ".join(dict.fromkeys(_kind(each) for each in rule.applies_to)) or "the stack"
    references = ", ".join(map(str, rule.references)) or "-"
    cells = (f"`{rule.name}`", rule.description, about, rule.level.value, rule.severity.value, rule.fix, references)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _kind(prefix: str) -> str:
    if not prefix:
        return "every resource"
    if prefix.endswith(":"):
        return f"every `{prefix}` resource"
    return re.sub(r"^([^:]+):([^/:]+).*:(\w+)$", r"`\1:\2:\3`", prefix)


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
