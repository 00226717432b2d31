"""Moments on the command line: an ISO time, or how long ago."""

from __future__ import annotations

import time
from datetime import datetime

import click

from bot.config.values import parse_duration
from bot.moderation.text import MICROSECONDS


class Moment(click.ParamType[int]):
    """Read ``2026-08-06T12:00``, ``10m`` or ``3d ago`` as microseconds since the epoch; without a zone, local time."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the moment that ``value`` names."""
        if isinstance(value, int):
            return value
        moment = parse_moment(str(value), time.time_ns() // 1000)
        if moment is None:
            self.fail(
                f"{value!r} is not a time: write it like 2026-08-06T12:00 or 2026-08-06T12:00:00Z, "
                "or how long ago, like 10m, 2h or 3d.",
                param,
                ctx,
            )
        return moment


class VersionOrMoment(click.ParamType["tuple[int | None, int | None]"]):
    """Read a plain number as a version, anything else as a :class:`Moment`; give both, one of them None."""

    name = "version|time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None, int | None]:
        """Return (version, None) or (None, moment)."""
        if isinstance(value, tuple):
            return value
        text = str(value)
        if text.isascii() and text.isdecimal() and len(text) <= len(str(2**63)):
            return int(text), None
        return None, Moment().convert(text, param, ctx)


def parse_moment(text: str, now: int) -> int | None:
    """Return the microseconds since the epoch that ``text`` names, None when it names no moment."""
    text = text.strip()
    try:
        ago = parse_duration(text.removesuffix("ago").strip())
    except (ValueError, OverflowError):
        return _iso(text)
    return now - round(ago.total_seconds() * MICROSECONDS)


def _iso(text: str) -> int | None:
    try:
        return round(datetime.fromisoformat(text).timestamp() * MICROSECONDS)
    except (ValueError, OverflowError, OSError):
        return None
