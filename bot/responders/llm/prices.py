"""The cost of an answer, by the price table of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens read, and for a million written.

    ``cached`` is the price of those read that the provider had in its cache, ``reasoning`` that of those written that
    are hidden thoughts. None: the same as all others.
    """

    read: float
    written: float
    cached: float | None = None
    reasoning: float | None = None


class Tokens(NamedTuple):
    """Tokens of a request: ``cached`` are among those read, ``reasoning`` among those written."""

    read: int
    written: int
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost in millionths of a dollar; without a price in the table it is 0 and ``known`` is False."""

    micros: int
    known: bool


def price_of(prices: Mapping[str, Price], model: str) -> Price | None:
    """Return the price of a model, named as in the settings, or None.

    A name without a provider in the table applies to all providers: ``gpt-5`` also to ``openai:gpt-5``.
    """
    return prices.get(model) or prices.get(model.partition(":")[2])


def cost(prices: Mapping[str, Price], model: str, tokens: Tokens) -> Cost:
    """Return the cost of a model's tokens, rounded up."""
    price = price_of(prices, model)
    if price is None:
        return Cost(0, known=False)
    # A dollar for a million tokens is a millionth of a dollar for one. Errors of floats must not be rounded up.
    exact = round(
        _sum(tokens.read, price.read, tokens.cached, price.cached)
        + _sum(tokens.written, price.written, tokens.reasoning, price.reasoning),
        6,
    )
    return Cost(int(-(-exact // 1)), known=True)


def _sum(tokens: int, price: float, special: int, special_price: float | None) -> float:
    """Return what tokens cost, of which ``special`` may have a price of their own."""
    if special_price is None:
        return tokens * price
    special = min(special, tokens)
    return (tokens - special) * price + special * special_price
