"""Points in time, messages, channels and people on the command line. Every command reads them by these types."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

import click

from bot.moderation.command import ModerationError
from bot.moderation.points import Point, parse_channel, parse_message, parse_person, parse_point

ALL = "all"
"""The word for every message that a command can be about."""


class LocalZone(tzinfo):
    """The time zone of this machine, with its clock changes."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return the offset of a local time. If clocks show it twice, ``fold`` says which one is meant.

        For a time that clocks skip, this is the offset before the change, or with ``fold`` the offset after it (PEP
        495). Since Python 3.12, ``astimezone`` has returned these two the other way round.
        """
        if moment is None:
            return None
        local = moment.replace(tzinfo=None, microsecond=0)
        return local - datetime.fromtimestamp(local.timestamp(), UTC).replace(tzinfo=None)

    def dst(self, _moment: datetime | None) -> timedelta | None:
        """Return None: only the whole offset is needed here."""
        return None

    def tzname(self, _moment: datetime | None) -> str:
        """Return the name of the zone at a time."""
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
        """Return the message that ``value`` names, with its channel if ``value`` is a link."""
        if self._or_all and str(value).strip().lower() == ALL:
            return None
        point = value if isinstance(value, Point) else parse_message(str(value))
        if point is None:
            self.fail(f"{value!r} is no message: give its id, or its link as Discord copies it.", param, ctx)
        return point


class IdType(click.ParamType[int]):
    """An id, in any form that ``parse`` reads; ``described`` ends the sentence that refuses other values."""

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
