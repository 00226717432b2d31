"""Values that are not what a reader expects: numbers of any size, texts of any kind, JSON of any depth."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from hypothesis import strategies as st

Strategy: TypeAlias = st.SearchStrategy[Any]

EDGES = (0, 1, -1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400)
DIGITS = (
    "0",
    "1",
    "-1",
    "9" * 19,
    "9" * 20,
    "9" * 5000,
    str(2**63 - 1),
    str(2**63),
    "\u0661\u0662",
    "\uff11\uff12",
    "1_000",
    "+5",
    "1e999",
)
PIECES = (
    "", " ", "\0", "\n", "\r", "\x85", "\u2028", "\u202e", "\u200b", "\ud800", "\U000e0041", "`" * 7, "⟦", "⟧", "<@1>",
    "1h", "/channels/", "https://", "nan", "inf", "all", "2026-11-20", "T24:00", "Z", "+23:59", "0001-01-01",
    "9999-12-31", "x" * 3000, "(" * 200, "[" * 200, "😀",
)  # fmt: skip
WHOLE: Strategy = st.one_of(st.sampled_from(EDGES), st.integers(-(2**66), 2**66), st.integers(-3, 100))
NUMBERS: Strategy = st.one_of(WHOLE, st.floats())
TEXTS: Strategy = st.one_of(
    st.sampled_from(DIGITS),
    st.text(max_size=20),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=6).map("".join),
)
JSON: Strategy = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)
BOMBS = (
    b"", b"null", b"[", b"[" * 5000, b'{"a":' * 5000, b"1e999", b"-1e999", b"NaN", b"9" * 5000, b'"\\ud800"',
    b"\xff\xfe", b"\xef\xbb\xbf{}",
    b'{"a":1,"a":2}', b"[" * 100_000,
)  # fmt: skip


_ODDLY = 12
"""Of so many values one is anything at all."""


@st.composite
def instead(draw: st.DrawFn, good: Strategy) -> Any:  # noqa: ANN401 - anything
    """Return a good value most of the time, and anything at all otherwise."""
    return draw(JSON if draw(st.integers(1, _ODDLY)) == _ODDLY else good)


def table(required: dict[str, Strategy], optional: dict[str, Strategy] | None = None) -> Strategy:
    """Return objects whose fields may be anything, and may be missing."""
    fields = {name: instead(each) for name, each in (required | (optional or {})).items()}
    whole = st.fixed_dictionaries(
        {name: fields[name] for name in required}, optional={name: fields[name] for name in optional or {}}
    )
    return st.one_of(whole, whole, whole, st.fixed_dictionaries({}, optional=fields))


@st.composite
def damaged(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """Return bytes in which a piece is missing, doubled or something else, or none."""
    data = draw(good)
    if draw(st.booleans()):
        return data
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(len(data), start + 40)))
    put = draw(st.one_of(st.sampled_from(BOMBS), st.binary(max_size=6), st.just(data[start:end] * 2)))
    return data[:start] + put + data[end:]


def written(value: object) -> bytes:
    """Return JSON as a careless program writes it: with NaN, Infinity and halves of characters."""
    return json.dumps(value).encode()
