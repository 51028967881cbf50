"""Judges answers: how many tickets reach their team, and whether that is more than the base's by more than chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from labs.registry.tickets import Ticket, team_of

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a model said to each held-out ticket, in the tickets' order."""

    tickets: tuple[Ticket, ...]
    said: tuple[str, ...]

    @property
    def right(self) -> list[bool]:
        return [team_of(said) == ticket.team for ticket, said in zip(self.tickets, self.said, strict=True)]

    @property
    def accuracy(self) -> float:
        return sum(self.right) / len(self.right)

    @property
    def in_format(self) -> float:
        """The share of answers that name any team in the right format."""
        return sum(team_of(said) is not None for said in self.said) / len(self.said)


def asked(ask: Callable[[str], str], tickets: Sequence[Ticket], tell: Callable[[int], None]) -> Answers:
    """Asks for each ticket's text; `tell` is told how many have been answered, every ten."""
    said = []
    for count, ticket in enumerate(tickets, 1):
        said.append(ask(ticket.text))
        if count % 10 == 0:
            tell(count)
    return Answers(tickets=tuple(tickets), said=tuple(said))


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two models' answers to the same tickets.

    `won` are tickets that only the first has right, `lost` those that only the second has; `p` is that of the exact McNemar
    test, one-sided: how likely so many won are when neither is better. Tickets of one sentence pattern resemble each other and
    count as too many, so `p_patterns` asks the same of whole patterns: those where the first has more right against those
    where it has fewer. `low` and `high` bound the first's accuracy (exact, Clopper and Pearson).
    """

    won: int
    lost: int
    p: float
    patterns_won: int
    patterns_lost: int
    p_patterns: float
    low: float
    high: float

    def better(self, tries: int) -> bool:
        """Whether the first is better at 5 %, when it is the best of so many `tries` (Bonferroni), by tickets and by patterns."""
        return max(self.p, self.p_patterns) * tries < 1 - CONFIDENCE


def compared(first: Answers, second: Answers) -> Compared:
    """Compares two models over the same tickets, which it checks."""
    if first.tickets != second.tickets:
        raise ValueError("the two have not answered the same tickets")
    pairs = list(zip(first.right, second.right, strict=True))
    won, lost = sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)
    ahead: dict[str, int] = {}
    for ticket, (a, b) in zip(first.tickets, pairs, strict=True):
        ahead[ticket.pattern] = ahead.get(ticket.pattern, 0) + a - b
    up, down = sum(each > 0 for each in ahead.values()), sum(each < 0 for each in ahead.values())
    bounds = binomtest(sum(first.right), len(pairs)).proportion_ci(CONFIDENCE, method="exact")
    return Compared(
        won=won,
        lost=lost,
        p=_sign(won, lost),
        patterns_won=up,
        patterns_lost=down,
        p_patterns=_sign(up, down),
        low=float(bounds.low),
        high=float(bounds.high),
    )


def _sign(won: int, lost: int) -> float:
    """The exact sign test, one-sided; without a difference nothing is shown."""
    return float(binomtest(won, won + lost, alternative="greater").pvalue) if won + lost else 1.0


def best(answers: Mapping[str, Answers]) -> str:
    """The name with the most tickets right; of equals the first."""
    return max(answers, key=lambda name: sum(answers[name].right))
