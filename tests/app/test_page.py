"""The chat page: where it asks, and what of a conversation it sends."""

from __future__ import annotations

import re

from app.forms import Ask, Message
from app.service import PAGE

SCRIPT = PAGE[PAGE.index("<script>") + len("<script>") : PAGE.index("</script>")]


def test_it_asks_below_its_own_address_so_that_it_works_behind_a_prefix() -> None:
    assert re.findall(r'fetch\("([^"]*)"', SCRIPT) == ["v1/feedback", "v1/chat/completions"]
    assert re.findall(r'(?:src|href|action)="([^"]*)"', PAGE) == ["data:,"]


def test_what_it_keeps_of_a_conversation_is_what_the_service_takes() -> None:
    kept, longest = (int(found) for found in re.findall(r"const KEPT = (\d+), LONGEST = (\d+);", SCRIPT)[0])
    most = next(each.max_length for each in Ask.model_fields["messages"].metadata if hasattr(each, "max_length"))
    text = next(each.max_length for each in Message.model_fields["content"].metadata if hasattr(each, "max_length"))
    assert kept % 2 == 1 and kept <= most
    assert '{ role: "user", content: question }].slice(-KEPT)' in SCRIPT and ".slice(0, LONGEST)" in SCRIPT
    assert longest == text and f'maxlength="{text}"' in PAGE


def test_only_a_question_that_was_answered_becomes_part_of_the_conversation() -> None:
    changes = re.findall(r"\bmessages (?:=|\+=)[^=].*|\bmessages\.(?:push|pop|splice).*", SCRIPT)
    assert len(changes) == 2 and changes[0] == "messages = [];", changes
    refused, kept = SCRIPT.index("the model said nothing"), SCRIPT.index(changes[1])
    assert refused < kept < SCRIPT.index("} catch (why)")
