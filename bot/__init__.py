"""Echoless: a Discord chat bot with event sourcing built in."""

__version__ = "0.1.0"
