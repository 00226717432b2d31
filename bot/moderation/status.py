"""The status of log and bot, from a limited number of the newest events."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot import __version__
from bot.core import events as e
from bot.core.streams import BOT_STREAM, channel_of
from bot.eventlog.database import FILE_NAME
from bot.eventlog.owner import read_owner
from bot.eventlog.query import Query
from bot.eventlog.remote.view import shown
from bot.moderation.command import Report
from bot.moderation.connections import SESSION
from bot.moderation.context import CommandContext
from bot.moderation.text import count_text, size_text
from bot.moderation.unreadable import found, skipped_lines, to_json
from bot.times import MINUTE, SECOND, iso_time, span, utc_time

LOOKED_AT = 5000
"""The newest events of the log that give rate, lag, busy channels and the last catch-up."""

BUSY_SHOWN = 5
LATELY = MINUTE
_MOMENTS = frozenset({"at", "last_event_at", "since"})


async def status(context: CommandContext, *, owner: bool = True) -> Report:
    """Show the status of log and bot; the machine, the process and the session only to an ``owner`` of the bot."""
    now = context.clock()
    streams = await context.reader.streams()
    newest = [recorded async for recorded in context.reader.events(Query(newest_first=True), limit=LOOKED_AT)]
    data: dict[str, Any] = {
        "release": __version__,
        "settings": context.settings,
        "events": sum(stream.version for stream in streams),
        "streams": len(streams),
        "bytes": disk_bytes(context.folder),
        "unreadable": to_json(await found(context.reader)),
        **_lately(newest, now),
        **await _gateway(context),
        **_process(context),
        "engine": await _engine(context),
    }
    if not owner:
        data = _of_nobody(data)
    rows = (*_lines(data, now), *skipped_lines(context.reader.quarantine))
    return Report(f"Echoless {__version__}: {_health(context)}", rows, _with_times(data))


def _of_nobody(data: dict[str, Any]) -> dict[str, Any]:
    """Return the status without what tells of the machine, and without the id with which a session is taken over."""
    holder, gateway = data["owner"], data["gateway"]
    engine = data["engine"]
    return data | {
        "owner": holder and {"since": holder["since"]},
        "engine": engine and {"role": engine["role"]},
        "gateway": gateway and {name: value for name, value in gateway.items() if name != "session"},
    }


def disk_bytes(folder: Path) -> int:
    """Return the bytes of the database and of SQLite's files beside it, which may vanish at any moment."""
    total = 0
    for suffix in ("", "-wal", "-shm"):
        try:
            total += (folder / f"{FILE_NAME}{suffix}").stat().st_size
        except FileNotFoundError:
            continue
    return total


def _lately(newest: list[e.Recorded], now: int) -> dict[str, Any]:
    recent = [recorded for recorded in newest if recorded.recorded_at > now - LATELY]
    # A busy log may have more events in a minute than are read; then the time that they span counts.
    seconds = min(LATELY, now - recent[-1].recorded_at) if len(recent) == LOOKED_AT else LATELY
    busy = Counter(channel for recorded in recent if (channel := channel_of(recorded.stream)) is not None)
    lags = sorted(
        recorded.recorded_at - recorded.event.sent_at
        for recorded in recent
        if isinstance(recorded.event, e.MessageReceived) and recorded.event.via is e.Via.LIVE
    )
    catchup = next((recorded for recorded in newest if isinstance(recorded.event, e.CatchupCompleted)), None)
    return {
        "last_event_at": newest[0].recorded_at if newest else None,
        "per_second": round(len(recent) / max(seconds / SECOND, 1), 2),
        "busy_channels": [
            {"channel_id": str(channel), "events": count} for channel, count in busy.most_common(BUSY_SHOWN)
        ],
        "lag_us": lags[len(lags) // 2] if lags else None,
        "last_catchup": None
        if catchup is None or not isinstance(catchup.event, e.CatchupCompleted)
        else {
            "channel_id": str(channel_of(catchup.stream)),
            "at": catchup.recorded_at,
            "count": catchup.event.count,
        },
    }


async def _gateway(context: CommandContext) -> dict[str, Any]:
    query = Query(stream=BOT_STREAM, types=SESSION, newest_first=True)
    found = [recorded async for recorded in context.reader.events(query, limit=1)]
    if not found:
        return {"gateway": None}
    event = found[0].event
    session = event.session if isinstance(event, e.GatewayReady | e.GatewayResumed) else None
    return {"gateway": {"type": event.form.type, "at": found[0].recorded_at, "session": session}}


async def _engine(context: CommandContext) -> dict[str, Any] | None:
    """Return how the folder stands to the engine that keeps its log; None where none does."""
    found = await context.reader.connection.run(shown)
    if found is None:
        return None
    by = {"pid": found.pid, "host": found.host, "release": found.release} if found.host else None
    return {"role": "owner" if found.is_owner else "standby", "record": found.record, "claimed_by": by}


def _process(context: CommandContext) -> dict[str, Any]:
    owner, live = read_owner(context.folder), context.live()
    return {
        "owner": {"pid": owner.pid, "host": owner.host, "since": owner.since} if owner else None,
        "bot": None
        if live is None
        else {
            "connected": live.connected,
            "hot_channels": live.hot_channels,
            "waiting": live.waiting,
            "working": live.working,
            "trouble": list(live.trouble),
            "models": [
                {
                    "model": each.name,
                    "trouble": each.trouble,
                    "seconds": round(each.seconds, 1),
                    "tries": each.tries,
                    "prompt_tokens": each.tokens or None,
                }
                for each in live.models
            ],
            "retention": live.retention and asdict(live.retention),
        },
    }


def _health(context: CommandContext) -> str:
    live = context.live()
    if live is None:
        return "no bot runs on this log"
    if live.trouble:
        return "; ".join(live.trouble)
    away = [f"{each.name}: {each.trouble}" for each in live.models if each.trouble]
    return "; ".join(("connected" if live.connected else "not connected", *away))


def _lines(data: dict[str, Any], now: int) -> tuple[str, ...]:
    size = f"{count_text(data['events'], 'event')} in {count_text(data['streams'], 'stream')}"
    facts = {
        "log": f"{size}, {size_text(data['bytes'])}",
        "last event": _ago(data["last_event_at"], now),
        "rate": f"{data['per_second']:,} events a second in the last minute",
        "lag": "nothing came live in the last minute" if data["lag_us"] is None else span(data["lag_us"]),
        "busy": ", ".join(f"{each['channel_id']} ({each['events']:,})" for each in data["busy_channels"])
        or "no channel",
        "last catch-up": _catchup(data["last_catchup"], now),
        **_process_facts(data, now),
        **_engine_facts(data["engine"]),
        "settings": data["settings"] or "-",
    }
    if gateway := data["gateway"]:
        facts["gateway"] = f"{gateway['type']}, {_ago(gateway['at'], now)}"
        if "session" in gateway:
            facts["session"] = gateway["session"] or "none"
    return tuple(f"{name}: {fact}" for name, fact in facts.items())


def _catchup(found: dict[str, Any] | None, now: int) -> str:
    if found is None:
        return "not among the newest events"
    return f"channel {found['channel_id']}, {count_text(found['count'], 'message')}, {_ago(found['at'], now)}"


def _process_facts(data: dict[str, Any], now: int) -> dict[str, str]:
    owner, bot = data["owner"], data["bot"]
    facts = {"owner": f"{_holder(owner)} since {utc_time(owner['since'])}" if owner else "nobody"}
    if bot:
        facts["memory"] = (
            f"{count_text(bot['hot_channels'], 'channel')}; {bot['waiting']} waiting for the log; "
            f"replies at work in {count_text(bot['working'], 'channel')}"
        )
        if bot["models"]:
            facts["models"] = "; ".join(map(_model, bot["models"]))
        if bot["retention"]:
            facts["retention"] = _retention(bot["retention"], now)
    return facts


def _engine_facts(engine: dict[str, Any] | None) -> dict[str, str]:
    if engine is None:
        return {}
    facts = {"role": engine["role"]}
    if "record" in engine:
        by = engine["claimed_by"]
        claimed = f", last claimed by {_holder(by)}" if by else ""
        facts["engine"] = f"record {engine['record']:,} of the log in the engine{claimed}"
    return facts


def _retention(found: dict[str, Any], now: int) -> str:
    """Return in words how the erasing of old words goes."""
    trouble = f"; failing: {found['trouble']}" if found["trouble"] else ""
    return (
        f"old words erased {_ago(found['at'], now)}, of {count_text(found['erased'], 'event')} since the start{trouble}"
    )


def _holder(owner: dict[str, Any]) -> str:
    return f"process {owner['pid']} on {owner['host']}" if "pid" in owner else "a process"


def _model(model: dict[str, Any]) -> str:
    """Return the condition of a language model in words."""
    room = f", prompts of at most {model['prompt_tokens']:,} tokens" if model["prompt_tokens"] else ""
    if not model["trouble"]:
        return f"{model['model']} no trouble{room}"
    since = span(round(model["seconds"] * SECOND))
    return f"{model['model']} {model['trouble']} for {since}, {count_text(model['tries'], 'attempt')}{room}"


def _ago(moment: int | None, now: int) -> str:
    return "none" if moment is None else f"{utc_time(moment)}, {span(now - moment)} ago"


def _with_times(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON with its moments as ISO times."""
    if isinstance(value, list):
        return [_with_times(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: iso_time(item) if name in _MOMENTS and isinstance(item, int) else _with_times(item)
        for name, item in value.items()
    }
