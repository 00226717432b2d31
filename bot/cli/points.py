"""Points, messages, channels and people on the command line: one reading of each, for every command."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

import click

from bot.moderation.command import ModerationError
from bot.moderation.points import Point, parse_channel, parse_message, parse_person, parse_point

ALL = "all"
"""What stands for every message that a command may be about."""


class LocalZone(tzinfo):
    """The zone of this machine, with the clock changes that it knows."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return the offset of a local time; where clocks show it twice, ``fold`` says which of them is meant.

        Of a time that they skip, it is the offset before the change, or with ``fold`` the one after it (PEP 495), which
        ``astimezone`` has given the other way round since Python 3.12.
        """
        if moment is None:
            return None
        local = moment.replace(tzinfo=None, microsecond=0)
        return local - datetime.fromtimestamp(local.timestamp(), UTC).replace(tzinfo=None)

    def dst(self, _moment: datetime | None) -> timedelta | None:
        """Say nothing of daylight saving: only the whole offset is of use here."""
        return None

    def tzname(self, _moment: datetime | None) -> str:
        """Return what times of this zone are called."""
        return "local time"


class PointType(click.ParamType[Point]):
    """A point in a channel's history; a time without a zone is local time, as everywhere on the command line."""

    name = "version|time|message"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Point:
        """Return the point that ``value`` names."""
        if isinstance(value, Point):
            return value
        try:
            return parse_point(str(value), time.time_ns() // 1000, LocalZone())
        except ModerationError as error:
            self.fail(str(error), param, ctx)


class MessageType(click.ParamType["Point | None"]):
    """A message's id or link; with ``or_all`` also the word ``all``, which is None."""

    name = "message"

    def __init__(self, *, or_all: bool = False) -> None:
        self._or_all = or_all

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Point | None:
        """Return the message that ``value`` names, and its channel where a link told."""
        if self._or_all and str(value).strip().lower() == ALL:
            return None
        point = value if isinstance(value, Point) else parse_message(str(value))
        if point is None:
            self.fail(f"{value!r} is no message: give its id, or its link as Discord copies it.", param, ctx)
        return point


class IdType(click.ParamType[int]):
    """An id, or what else ``parse`` reads as one; ``described`` ends the sentence that refuses anything else."""

    def __init__(self, name: str, parse: Callable[[str], int | None], described: str) -> None:
        self.name = name
        self._parse = parse
        self._described = described

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the id that ``value`` names."""
        found = value if isinstance(value, int) else self._parse(str(value))
        if found is None:
            self.fail(f"{value!r} is no {self.name}: give {self._described}.", param, ctx)
        return found


CHANNEL = IdType("channel", parse_channel, "its id, <#id>, or a link to it or to a message in it")
PERSON = IdType("person", parse_person, "their id, or <@id>")
