"""Pages for a browser: each one HTML file that loads nothing, filled into a template that escapes whatever it is given."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.inert import visible

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent


def render(template: str, *, beside: Path = FOLDER, **values: Any) -> str:
    """The page of a template in this folder, or in `beside`, which may extend `base.html` too.

    Raises jinja2.UndefinedError for a value that the template asks for and nobody gives.
    """
    return _environment(beside).get_template(template).render(values)


def usd(amount: Decimal | None) -> str:
    """An amount in dollars and cents, `-` for none."""
    return "-" if amount is None else f"{amount:,.2f}"


def signed(amount: Decimal) -> str:
    """A change of an amount, with its sign."""
    return f"{amount:+,.2f}"


@cache
def _environment(beside: Path) -> Environment:
    # Most commands write no page.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: Any) -> Any:
        """What a template writes: a text of others with its unseen characters shown."""
        if isinstance(value, Markup):
            return Markup(visible(value))  # noqa: S704 it is escaped already, and a code has no markup
        return visible(value) if isinstance(value, str) else value

    made = Environment(
        loader=FileSystemLoader([beside, FOLDER]),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"usd": usd, "signed": signed}
    return made
