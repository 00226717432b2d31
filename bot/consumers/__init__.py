"""Consumers, which follow the log: what they inherit from, and what they are given."""

from bot.consumers.consumer import Away, Batch, Consumer, Refused, Stop

__all__ = ["Away", "Batch", "Consumer", "Refused", "Stop"]
