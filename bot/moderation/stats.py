"""``/stats``: messages, people and replies, how soon these came, what got none, as text and as a picture."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping

from bot.eventlog.reader import Reader
from bot.moderation.activity import A_DAY, AN_HOUR, Activity, Figures, Wanted, slot_name
from bot.moderation.bars import bars
from bot.moderation.command import Report, ReportFile
from bot.moderation.context import CommandContext
from bot.moderation.display_names import partners_of
from bot.moderation.pictures.activity import drawn
from bot.moderation.pictures.png import MISSING, PictureError, png
from bot.moderation.points import Point, parse_point
from bot.moderation.usage import since_moment
from bot.times import DAY

USUAL = 30 * DAY
"""How far back it looks where nobody says."""
_BY_HOUR = 3 * DAY
"""Up to which length a time is shown by hour."""


async def stats(
    context: CommandContext,
    channels: Mapping[int, str] | None = None,
    since: str | None = None,
    *,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> Report:
    """Show what went on in ``channels``, given with their names ("": none), or in all (None)."""
    now = context.clock()
    point = parse_point(since, now) if since else None
    wanted = await wanted_since(context.reader, channels, point, now)
    found = await context.activity(wanted, progress)
    names = await names_of_channels(context.reader, found, channels or {})
    # Off the loop: a picture takes a tenth of a second, and figures of years a while.
    return await asyncio.to_thread(_report, found, names)


def _report(found: Activity, names: Mapping[str, str]) -> Report:
    wanted, rows, file = found.wanted, summary(found), None
    try:
        file = ReportFile("stats.png", png(drawn(found)))
    except PictureError:
        shown = {slot_name(hour, wanted.step): each for hour, each in found.slots.items()}
        rows += bars("by hour:" if wanted.step == AN_HOUR else "by day:", shown, _messages, by_size=False)
        rows.append(MISSING)
    rows += bars("by channel:", {str(key): each for key, each in found.channels.items()}, _messages, names)
    return Report(heading(found), tuple(rows), found.to_json(names), file)


async def wanted_since(
    reader: Reader, channels: Collection[int] | None, point: Point | None, now: int, step: int | None = None
) -> Wanted:
    """Return what is wanted from a point on (None: the usual time); raise ModerationError for one that is not there."""
    since = now - USUAL if point is None else await since_moment(reader, channels, point)
    chosen = None if channels is None else frozenset(channels)
    return Wanted(chosen, since, now, step or (AN_HOUR if now - since <= _BY_HOUR else A_DAY))


async def names_of_channels(reader: Reader, found: Activity, known: Mapping[int, str]) -> dict[str, str]:
    """Return the names of the channels that have one: ``known``, or that of the person in a private one."""
    names = {**await partners_of(reader, found.channels), **{key: name for key, name in known.items() if name}}
    return {str(channel_id): name for channel_id, name in names.items()}


def heading(found: Activity) -> str:
    """Return the figures in all, and since when."""
    return f"Since {slot_name(found.wanted.hours[0], AN_HOUR)}: {found.total}"


def summary(found: Activity) -> list[str]:
    """Return lines about all of it."""
    total = found.total
    said = (
        ("replies came:", total.speed()),
        ("skipped:", _reasons(total.skipped)),
        ("given up:", _reasons(total.given_up)),
        ("models took:", total.spent()),
        ("messages of bots:", f"{total.bot_messages:,}" if total.bot_messages else ""),
    )
    return [f"{name} {text}" for name, text in said if text]


def _reasons(counted: Counter[str]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counted.most_common())


def _messages(each: Figures) -> int:
    return each.messages
