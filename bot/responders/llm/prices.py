"""What an answer costs, by the price table of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens that are read, and for a million that are written."""

    read: float
    written: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Millionths of a dollar; ``known`` is False where the table has no price, and then they are 0."""

    micros: int
    known: bool


def price_of(prices: Mapping[str, Price], model: str) -> Price | None:
    """Return the price of a model, named as in the settings, or None.

    A name without its provider in the table counts for every provider: ``gpt-5`` for ``openai:gpt-5``, too.
    """
    return prices.get(model) or prices.get(model.partition(":")[2])


def cost(prices: Mapping[str, Price], model: str, tokens_in: int, tokens_out: int) -> Cost:
    """Return what a model takes for its tokens, rounded up."""
    price = price_of(prices, model)
    if price is None:
        return Cost(0, known=False)
    # A dollar a million tokens is a millionth of a dollar a token. Rounded first: 0.1 + 0.2 is no reason for a micro.
    exact = round(tokens_in * price.read + tokens_out * price.written, 6)
    return Cost(int(-(-exact // 1)), known=True)
