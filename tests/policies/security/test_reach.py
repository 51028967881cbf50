"""Patterns of policies: what they match, what they name, and where they stop being literal."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.security.access.reach import everywhere, is_open, matches, names_something


@given(st.text("ab*?", max_size=6), st.text("ab", max_size=6))
def test_a_pattern_matches_as_a_file_pattern_does(pattern: str, text: str) -> None:
    assert matches(pattern, text) == (re.fullmatch(fnmatch.translate(pattern), text) is not None)


@pytest.mark.parametrize("text", ["a*", "?", "${aws:username}", "arn:aws:s3:::a/${aws:PrincipalTag/x}"])
def test_a_wildcard_or_a_variable_makes_a_text_open(text: str) -> None:
    assert is_open(text)


@pytest.mark.parametrize("text", ["a", "", "arn:aws:s3:::a/b", "${$}"])
def test_a_text_without_them_is_not(text: str) -> None:
    assert not is_open(text)


@pytest.mark.parametrize(
    "text",
    ["*", "arn:*", "arn:aws:s3:*", "arn:*:s3:::a", "arn:aws:*:::a*", "arn:aws:s3:::*", "arn:aws:s3:::?*"],
)
def test_a_pattern_that_takes_in_everything(text: str) -> None:
    assert everywhere(text) and not names_something(text)


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:s3:::mod*",
        "arn:aws:s3:::models/*",
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:app/*",
        "arn:aws:ssm:us-east-1::parameter/aws/service/*",
        "arn:aws:iam::000000000000:role/app",
    ],
)
def test_a_pattern_that_names_something(text: str) -> None:
    assert names_something(text) and not everywhere(text)


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:s3:::mo*",
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:*",
        "arn:aws:kms:us-east-1:000000000000:key/*",
        "arn:aws:iam::000000000000:role/??*",
    ],
)
def test_a_pattern_of_one_type_names_nothing_by_its_type_alone(text: str) -> None:
    assert not names_something(text)
