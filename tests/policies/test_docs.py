"""The page of policies is current."""

from policies.docs import PAGE, page


def test_the_page_is_what_the_rules_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m policies.docs`"
