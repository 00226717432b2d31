"""Costs in millionths of a dollar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.responders.llm.prices import Cost, Price, Tokens, cost

PRICES = {"openai:gpt-5": Price(1.25, 10), "local": Price(0, 0), "mini": Price(0.1, 0.2)}
FINE = {"a:fine": Price(1, 10, cached=0.1, reasoning=5), "a:plain": Price(1, 10), "a:free": Price(1, 10, cached=0)}


@pytest.mark.parametrize(
    ("model", "tokens", "expected"),
    [
        pytest.param("openai:gpt-5", (1_000_000, 0), Cost(1_250_000, known=True), id="a million in"),
        pytest.param("openai:gpt-5", (1000, 500), Cost(6250, known=True), id="in and out"),
        pytest.param("openai:gpt-5", (1, 0), Cost(2, known=True), id="rounded up"),
        pytest.param("other:mini", (1, 1), Cost(1, known=True), id="by the model's name alone"),
        pytest.param("openai:mini", (10, 10), Cost(3, known=True), id="no micro for how numbers are stored"),
        pytest.param("ollama:local", (5, 5), Cost(0, known=True), id="for nothing"),
        pytest.param("openai:gpt-6", (5, 5), Cost(0, known=False), id="not in the table"),
    ],
)
def test_cost(model: str, tokens: tuple[int, int], expected: Cost) -> None:
    """By the table."""
    assert cost(PRICES, model, Tokens(*tokens)) == expected


@pytest.mark.parametrize(
    ("model", "tokens", "micros"),
    [
        pytest.param("a:fine", Tokens(1000, 100, 800, 60), 200 + 80 + 400 + 300, id="each at its price"),
        pytest.param("a:plain", Tokens(1000, 100, 800, 60), 2000, id="as the rest where none is named"),
        pytest.param("a:free", Tokens(1000, 100, 800, 60), 1200, id="for nothing is a price"),
        pytest.param("a:fine", Tokens(10, 0, 800, 60), 1, id="never more of them than there are"),
    ],
)
def test_cached_input_and_thoughts_have_prices(model: str, tokens: Tokens, micros: int) -> None:
    """They are among the tokens read and written, and not counted twice."""
    assert cost(FINE, model, tokens) == Cost(micros, known=True)


@given(read=st.integers(0, 10**7), written=st.integers(0, 10**7), more=st.integers(0, 10**6))
def test_more_tokens_never_cost_less(read: int, written: int, more: int) -> None:
    """And never less than nothing."""
    fewer, all_of_them = (cost(PRICES, "openai:gpt-5", Tokens(each, written)) for each in (read, read + more))
    assert 0 <= fewer.micros <= all_of_them.micros
