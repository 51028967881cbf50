"""Which AWS accounts a provider may work in."""

from __future__ import annotations

from core import plain_json
from policies.graph import Node, items


def of_provider(provider: Node | None) -> tuple[str, ...] | None:
    """The accounts that a provider lists, none when it lists none; None for a list that cannot be read.

    A provider's nested properties come as JSON text.
    """
    listed: object = provider.read("allowedAccountIds") if provider else None
    if isinstance(listed, str):
        try:
            listed = plain_json.loads(listed)
        except ValueError:
            return None
    if listed is not None and not isinstance(listed, list | tuple):
        return None
    return tuple(str(each) for each in items(tuple(listed or ())))
