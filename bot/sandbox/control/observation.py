"""Control routes that look at what bots did, and wait for it: messages, sessions, requests, replies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import asdict
from fnmatch import fnmatchcase

from bot.sandbox.control.call import ControlCall, ControlRoute
from bot.sandbox.control.interactions import find_interaction, interaction_record
from bot.sandbox.control.records import ReplyReport, ReportRow, message_record
from bot.sandbox.errors import ControlError
from bot.sandbox.gateway.session import GatewaySession
from bot.sandbox.interactions import Interaction
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Message
from bot.sandbox.request_log import LoggedRequest

MAX_WAIT = 600.0


def routes() -> list[ControlRoute]:
    """List the routes."""
    return [
        ControlRoute("GET", "/messages", messages, "?channel=general&author=alice&after=0"),
        ControlRoute("GET", "/counts", counts, "?bot=true"),
        ControlRoute("GET", "/sessions", sessions),
        ControlRoute("GET", "/requests", requests, "?method=POST&path=/channels/*/messages"),
        ControlRoute("DELETE", "/requests", forget_requests),
        ControlRoute("GET", "/report", report, "?answered=true"),
        ControlRoute("POST", "/wait", wait, {"messages": {"bot": True}, "count": 1, "timeout": 10}),
    ]


def _message_filter(call: ControlCall) -> Callable[[], Iterator[Message]]:
    """Read the filter in a query or body; return the function that lists the messages it chooses, oldest first."""
    named = {name for name, value in call.body.items() if value is not None}
    channel = call.channel() if "channel" in named else None
    author = call.user("author", create=False) if "author" in named else None
    bot, deleted, edited = (call.flag(name) if name in named else None for name in ("bot", "deleted", "edited"))
    reference, contains = call.number("reference", None, whole=True), call.text("contains", None)
    after = call.number("after", 0, whole=True)

    def chooses(message: Message) -> bool:
        return (
            channel in (None, message.channel)
            and author in (None, message.author)
            and bot in (None, message.author.bot or message.author.webhook)
            and reference in (None, message.referenced_id)
            and deleted in (None, message.deleted)
            and edited in (None, message.edited_id is not None)
            and (contains is None or contains in message.content)
        )

    return lambda: filter(chooses, call.world.messages_after(after))


async def messages(call: ControlCall) -> Json:
    """List messages, oldest first, deleted ones included.

    Filters: channel, author, bot, after (id), reference (the id answered), deleted, edited, contains, limit.
    """
    limit = call.number("limit", None, whole=True)
    found = itertools.islice(_message_filter(call)(), limit)
    return {"messages": [message_record(call.world, message) for message in found]}


async def counts(call: ControlCall) -> Json:
    """Count messages by channel; filters as for GET /messages."""
    by_channel: dict[str, int] = {}
    total = deleted = 0
    for message in _message_filter(call)():
        total += 1
        deleted += message.deleted
        name = message.channel.name or str(message.channel.id)
        by_channel[name] = by_channel.get(name, 0) + 1
    return {"total": total, "deleted": deleted, "by_channel": by_channel}


def _session_record(session: GatewaySession) -> Json:
    connection = session.connection
    return {
        "id": session.id,
        "application_id": str(session.application.id),
        "connected": connection is not None,
        "ready": session.ready,
        "intents": session.intents,
        "shard": session.shard,
        "sequence": session.sequence,
        "resumes": session.resumes,
        "created_at": session.created_at,
        "last_heartbeat": session.last_heartbeat,
        "backlog": 0 if connection is None else connection.backlog,
    }


async def sessions(call: ControlCall) -> Json:
    """List the gateway sessions that are connected or can be resumed; count identifies, resumes and upgrades.

    An upgrade is a request to the gateway's address, successful or not.
    """
    return {
        "upgrades": call.services.hub.upgrades,
        "identifies": sum(item.identifies for item in call.world.applications.values()),
        "resumes": call.services.hub.resumes,
        "sessions": [_session_record(session) for session in call.services.hub.sessions.values()],
    }


def _chosen_requests(call: ControlCall) -> list[LoggedRequest]:
    method = str(call.body.get("method") or "*").upper()
    path = str(call.body.get("path") or "*")
    status, after = call.body.get("status"), call.number("after", 0, whole=True)
    return [
        entry
        for entry in call.services.request_log.entries
        if entry.number > after
        and fnmatchcase(entry.method, method)
        and fnmatchcase(entry.path, path)
        and (status is None or str(entry.status) == str(status))
    ]


async def requests(call: ControlCall) -> Json:
    """List REST requests, oldest first; filters: method, path (pattern with *), status, after (number)."""
    entries = _chosen_requests(call)
    records = [asdict(entry) for entry in entries]
    return {"total": call.services.request_log.total, "count": len(records), "requests": records}


async def forget_requests(call: ControlCall) -> Json:
    """Forget the requests so far; the numbers go on."""
    call.services.request_log.entries.clear()
    return {"total": call.services.request_log.total}


async def report(call: ControlCall) -> ReplyReport:
    """List every message with the bots' replies that reference it, deleted replies included.

    Filters as for GET /messages (they choose the messages answered); answered=true leaves out those without replies.
    ``doubled`` counts messages with more than one reply.
    """
    replies: dict[int, list[Message]] = {}
    for message in call.world.messages.values():
        if message.author.bot and message.referenced_id is not None:
            replies.setdefault(message.referenced_id, []).append(message)
    only_answered = call.flag("answered")
    rows: list[ReportRow] = []
    for message in _message_filter(call)():
        own = replies.get(message.id, [])
        if own or not only_answered:
            row = message_record(call.world, message)
            rows.append({**row, "replies": [message_record(call.world, reply) for reply in own]})
    return {
        "messages": rows,
        "answered": sum(1 for row in rows if row["replies"]),
        "doubled": sum(1 for row in rows if len(row["replies"]) > 1),
        "replies": sum(len(row["replies"]) for row in rows),
    }


async def wait(call: ControlCall) -> Json:
    """Wait until a condition holds, at most ``timeout`` seconds (default 10); ``met`` tells whether it did.

    One of: messages (a filter as for GET /messages) with count; ready: true (a session connected and ready, with
    ``shard`` one of that; with ``identifies`` at least that many so far, or ``resumes``); requests ({method, path,
    status, after}) with count; sessions: N (exactly N sessions connected); interaction: its id, with until:
    "acknowledged" or "answered".
    """
    timeout = call.number("timeout", 10.0)
    if not 0 <= timeout <= MAX_WAIT:
        raise ControlError(f"timeout must be between 0 and {MAX_WAIT:.0f} seconds.")
    look = _condition(call)
    found = await call.world.changes.wait_for(look, timeout)
    return {"met": found is not None, **(found or {})}


def _condition(call: ControlCall) -> Callable[[], Json | None]:
    count = call.number("count", 1, whole=True)
    if "messages" in call.body:
        chosen = _message_filter(call.part(call.mapping("messages")))
        return lambda: _messages_met(call, chosen, count)
    if "requests" in call.body:
        chosen_requests = call.part(call.mapping("requests"))
        return lambda: _requests_met(chosen_requests, count)
    if "sessions" in call.body:
        number = call.number("sessions", whole=True)
        return lambda: _sessions_met(call, number)
    if "interaction" in call.body:
        interaction = find_interaction(call)
        until = call.text("until", "answered")
        return lambda: _interaction_met(call, interaction, until)
    if call.flag("ready"):
        identifies, resumes = call.number("identifies", 0, whole=True), call.number("resumes", 0, whole=True)
        shard = call.number("shard", None, whole=True)
        return lambda: _ready_met(call, identifies, resumes, shard)
    raise ControlError("Say what to wait for: messages, requests, sessions, interaction or ready.")


def _messages_met(call: ControlCall, chosen: Callable[[], Iterator[Message]], count: int) -> Json | None:
    found = list(chosen())
    if len(found) < count:
        return None
    return {"count": len(found), "messages": [message_record(call.world, message) for message in found]}


def _requests_met(call: ControlCall, count: int) -> Json | None:
    done = [entry for entry in _chosen_requests(call) if entry.status is not None or entry.fault is not None]
    return {"count": len(done)} if len(done) >= count else None


def _sessions_met(call: ControlCall, number: int) -> Json | None:
    return {"count": number} if len(call.services.hub.ready_sessions()) == number else None


def _interaction_met(call: ControlCall, interaction: Interaction, until: str) -> Json | None:
    done = interaction.acknowledged is not None and (until == "acknowledged" or not interaction.waiting)
    return {"interaction": interaction_record(call, interaction)} if done else None


def _ready_met(call: ControlCall, identifies: int, resumes: int, shard: int | None) -> Json | None:
    # The only session of a bot without shards is that of shard 0.
    ready = call.services.hub.ready_sessions()
    found = [session for session in ready if shard is None or shard == (session.shard or (0, 1))[0]]
    enough = sum(item.identifies for item in call.world.applications.values()) >= identifies
    resumed = call.services.hub.resumes >= resumes
    return {"sessions": [_session_record(session) for session in found]} if found and enough and resumed else None
