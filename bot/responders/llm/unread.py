"""The error of a file that can't be read."""

from __future__ import annotations


class Unread(Exception):
    """A file can't be read; the message says why, in words that a model can pass on."""
