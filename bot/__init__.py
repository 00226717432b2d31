"""Echoless: a Discord chat bot with event sourcing built in."""

__version__ = "0.2.0.dev0"
