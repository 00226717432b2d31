"""The cost of an answer, by the price table of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens read, and for a million written."""

    read: float
    written: float


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


def cost(prices: Mapping[str, Price], model: str, tokens_in: int, tokens_out: int) -> Cost:
    """Return the cost of a model's tokens, rounded up."""
    price = price_of(prices, model)
    if price is None:
        return Cost(0, known=False)
    # A dollar for a million tokens is a millionth of a dollar for one. Errors of floats must not be rounded up.
    exact = round(tokens_in * price.read + tokens_out * price.written, 6)
    return Cost(int(-(-exact // 1)), known=True)
