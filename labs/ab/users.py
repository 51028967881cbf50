"""Simulated users: what they ask, and what they call helpful. No user, and no verdict, knows of an experiment.

They judge the form of an answer and not its truth: a program that could judge the truth would not need the small model.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

QUESTIONS = (
    "Where is my order?",
    "My parcel arrived damaged.",
    "Can I get a refund for my last invoice?",
    "How do I reset my password?",
    "Can I change the address of my order?",
    "The size does not fit, what now?",
    "Do you ship to Norway?",
    "How long does delivery take?",
    "I was charged twice.",
    "Is the blue jacket in stock again?",
    "How do I cancel my order?",
    "The discount code does not work.",
    "I never got a confirmation by email.",
    "Can I pay on invoice?",
    "How do I close my account?",
    "One item is missing from my parcel.",
    "What does express delivery cost?",
    "Do you wrap gifts?",
    "How do I send something back?",
    "Is there a warranty on headphones?",
)

FEWEST_WORDS, MOST_WORDS = 3, 25
"""A helpful answer's length."""
_TO_SOMEBODY = {"i", "i'm", "i'll", "we", "we'll", "our", "you", "you'll", "you're", "your"}
_WORD = re.compile(r"[a-z']+")


def helpful(text: str) -> bool:
    """Whether a user says that an answer helped: it ends like a sentence, is 3 to 25 words long, and speaks to somebody.

    To somebody: it has a word like "you", "your", "I" or "we". A function of the text and of nothing else.
    """
    whole = text.rstrip().endswith((".", "!", "?"))
    fits = FEWEST_WORDS <= len(text.split()) <= MOST_WORDS
    return whole and fits and not _TO_SOMEBODY.isdisjoint(_WORD.findall(text.lower().replace("\u2019", "'")))


@dataclass(frozen=True)
class Ask:
    """One question of one user; `seed` is what the model samples its answer with."""

    user: str
    question: str
    seed: int


def asks(users: int, requests: int, seed: int) -> Iterator[Ask]:
    """Everything that `users` users ask: each as often as the others, give or take one, in rounds of another order.

    The same numbers give the same asks.
    """
    chance = random.Random(seed)  # noqa: S311
    names = [f"user-{seed}-{number:04d}" for number in range(users)]
    left = requests
    while left > 0:
        chance.shuffle(names)
        for user in names[:left]:
            yield Ask(user, chance.choice(QUESTIONS), chance.randrange(2**31))
        left -= users
