"""Event types and folds of a program's own: what it writes to use them."""

from bot.core.own.event import Event
from bot.core.own.fold import Fold

__all__ = ["Event", "Fold"]
