"""Money in whole millionths of a dollar, as the log has it."""

from __future__ import annotations

_DOLLAR = 1_000_000


def micros_of(dollars: float) -> int:
    """Return dollars, as the settings give them, in millionths."""
    return round(dollars * _DOLLAR)


def dollar_text(micros: int, places: str = ".4f") -> str:
    """Return millionths as dollars for people, such as ``$0.1234``; ``places`` is Python's format."""
    return f"${micros / _DOLLAR:{places}}"
