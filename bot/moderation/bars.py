"""Bars of text: a row for each day, person or channel, the longest bar for the largest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from bot.moderation.display_names import beside

MOST = 10
"""Rows that are shown: the newest days, and of anything else the largest."""
WIDTH = 20
"""Characters of the longest bar."""

T = TypeVar("T")


def bars(
    title: str,
    group: Mapping[str, T],
    size: Callable[[T], int],
    names: Mapping[str, str] = MappingProxyType({}),
    *,
    by_size: bool = True,
) -> list[str]:
    """Return a title and rows, the largest first, or by key; ``names`` are shown beside the keys that have one."""
    if not group:
        return []
    ordered = sorted(group.items(), key=lambda item: -size(item[1])) if by_size else sorted(group.items())[-MOST:]
    shown = ordered[:MOST]
    largest = max(size(each) for _, each in shown) or 1
    rows = [
        f"  {key:<20} {'█' * max(1, round(WIDTH * size(each) / largest)):<{WIDTH}} {each}"
        f"  {beside(names.get(key))}".rstrip()
        for key, each in shown
    ]
    more = [f"  and {len(group) - len(shown)} more"] if len(group) > len(shown) else []
    return [title, *rows, *more]
