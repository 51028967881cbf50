"""Support tickets and the team that takes each. What is held out has other sentences and other nouns than training.

A sentence pattern or a noun stands on one side of the split only, so that a model cannot know a held-out ticket by heart.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

TEAMS = ("billing", "bug", "account", "feature")
SYSTEM = "You route support tickets. Answer with JSON only."
TOLD = (
    "You route support tickets to one team: billing (payments, invoices), bug (something is broken), "
    'account (login, users, access) or feature (wishes). Answer with JSON only, like {"team": "bug"}.'
)
"""A system prompt that tells a model what the tickets teach: what the base can do without training."""
GRAMMAR = 'root ::= "{\\"team\\": \\"" (' + " | ".join(f'"{team}"' for team in TEAMS) + ') "\\"}"'
"""The answer's format as llama.cpp's grammar (GBNF)."""

PATTERNS: Mapping[str, tuple[str, ...]] = {
    "billing": (
        "You charged us twice for {thing} in May.",
        "The amount on the invoice for {thing} is not what we agreed.",
        "I want a refund for {thing}.",
        "Why does {thing} cost more on this bill than on the last one?",
        "My card was declined when I tried to pay for {thing}.",
        "Please send a receipt for {thing} with our tax number on it.",
        "We ended {thing} in spring and are still being billed.",
        "May we pay for {thing} by bank transfer from now on?",
        "The invoice leaves out our discount on {thing}.",
        "You took a payment for {thing} that nobody here ordered.",
        "Our accountant cannot match your invoice for {thing} to a payment.",
        "There is a fee for {thing} on my statement that I do not know.",
        "Please move the billing of {thing} to yearly payments.",
        "When will the money for {thing} be paid back to my card?",
        "The price of {thing} on the checkout page and on the invoice differ.",
    ),
    "bug": (
        "{thing} crashes as soon as I open it.",
        "Every time I use {thing} I get error 500.",
        "{thing} has been broken since the last update.",
        "I see an empty page in {thing} where my data should be.",
        "Nothing happens when I click the button in {thing}.",
        "{thing} freezes after half a minute.",
        "When I save, {thing} loses what I changed.",
        "There is a stack trace in the log of {thing}.",
        "The totals that {thing} shows are wrong.",
        "A search in {thing} never comes back and then fails.",
        "{thing} stops working when I upload a large file.",
        "After the restart {thing} throws an exception.",
        "{thing} shows the same row three times.",
        "The text in {thing} overlaps and cannot be read.",
        "Since this morning {thing} does not load at all.",
    ),
    "account": (
        "I have forgotten my password for {thing}.",
        "Please change the email address of my login to {thing}.",
        "I am locked out of {thing}.",
        "How can I delete my user in {thing}?",
        "A colleague has left, please take away her access to {thing}.",
        "{thing} does not accept my username at sign-in.",
        "Please add a new user to {thing} for our team.",
        "My two-factor code for {thing} is refused.",
        "I would like to rename my profile in {thing}.",
        "Please make me an administrator of {thing}.",
        "The link to reset my password for {thing} has expired.",
        "Can you unlock my login to {thing}?",
        "Please give our new intern read access to {thing}.",
        "My single sign-on account is not connected to {thing}.",
        "I have two users in {thing}, please merge them.",
    ),
    "feature": (
        "A dark mode in {thing} would be great.",
        "Could you add an export to CSV in {thing}?",
        "Please support Spanish in {thing}.",
        "I wish {thing} reminded me of deadlines.",
        "We would love an API for {thing}.",
        "Do you plan to bring {thing} to the phone?",
        "It would help us if {thing} had a calendar view.",
        "Suggestion: let {thing} sort by date.",
        "Are keyboard shortcuts in {thing} something you could add?",
        "We miss a way to comment in {thing}.",
        "Have you thought about offline use of {thing}?",
        "An option to group items in {thing} would be nice.",
        "Please consider adding templates to {thing}.",
        "Could {thing} one day connect to our chat tool?",
        "I would like to see {thing} show several projects side by side.",
    ),
}

THINGS = (
    "the dashboard",
    "the mobile app",
    "the reports page",
    "the team plan",
    "the editor",
    "the storage add-on",
    "the web shop",
    "the calendar",
    "the premium plan",
    "the admin console",
    "the survey tool",
    "the photo library",
    "the pro package",
    "the inbox",
    "the planner",
    "the map view",
    "the time tracker",
    "the wiki",
)

HELD_OUT_PATTERNS, HELD_OUT_THINGS = 5, 3
"""How many patterns of each team, and how many nouns, are held out."""


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A text, the team that takes it, and the sentence pattern it was made of."""

    text: str
    team: str
    pattern: str


@dataclass(frozen=True, kw_only=True)
class Split:
    """Tickets to train on and tickets to judge by; each begins with one ticket of every pattern."""

    train: tuple[Ticket, ...]
    held_out: tuple[Ticket, ...]


def split(seed: int, held_out: int = 0) -> Split:
    """The tickets of a seed, always the same; `held_out` keeps the first so many of those (0: all)."""
    chance = random.Random(seed)  # noqa: S311 (makes data that can be made again, guards nothing)
    things = chance.sample(THINGS, len(THINGS))
    shuffled = {team: chance.sample(PATTERNS[team], len(PATTERNS[team])) for team in TEAMS}
    judged = {team: patterns[:HELD_OUT_PATTERNS] for team, patterns in shuffled.items()}
    taught = {team: patterns[HELD_OUT_PATTERNS:] for team, patterns in shuffled.items()}
    tickets = _tickets(judged, things[:HELD_OUT_THINGS])
    return Split(train=_tickets(taught, things[HELD_OUT_THINGS:]), held_out=tickets[: held_out or len(tickets)])


def _tickets(patterns: Mapping[str, Sequence[str]], things: Sequence[str]) -> tuple[Ticket, ...]:
    """Every pattern with every noun: one ticket a pattern, teams in turn, then each pattern's next noun."""
    rounds = zip(*([(team, each) for each in several] for team, several in patterns.items()), strict=True)
    rows = [row for several in rounds for row in several]
    return tuple(
        Ticket(text=_filled(pattern, things[(shift + place) % len(things)]), team=team, pattern=pattern)
        for shift in range(len(things))
        for place, (team, pattern) in enumerate(rows)
    )


def _filled(pattern: str, thing: str) -> str:
    text = pattern.format(thing=thing)
    return text[0].upper() + text[1:]


def written(tickets: Iterable[Ticket]) -> str:
    """The tickets as JSON lines, which is what a digest is taken of."""
    return "".join(json.dumps(asdict(ticket), sort_keys=True) + "\n" for ticket in tickets)


def digest(tickets: Iterable[Ticket]) -> str:
    """SHA-256 of the tickets as they are written, in hexadecimal."""
    return hashlib.sha256(written(tickets).encode()).hexdigest()


def answer(team: str) -> str:
    """The one right answer for a ticket of that team."""
    return json.dumps({"team": team})


def team_of(text: str) -> str | None:
    """The team that an answer names; None when it is not in the format: one JSON object, `team` alone, one of the four."""
    try:
        found = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    match found:
        case [("team", str(team))] if team in TEAMS and text.lstrip().startswith("{"):
            return team
    return None


def chat(text: str, system: str = SYSTEM) -> list[dict[str, str]]:
    """A ticket as the messages of a chat."""
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


def prompt(text: str, system: str = SYSTEM) -> str:
    """The same chat as the text that SmolLM2's chat template makes of it."""
    said = "".join(f"<|im_start|>{each['role']}\n{each['content']}<|im_end|>\n" for each in chat(text, system))
    return said + "<|im_start|>assistant\n"


END = "<|im_end|>"
"""What the model says when its answer ends."""
