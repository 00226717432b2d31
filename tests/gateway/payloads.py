"""A server, and its messages as the gateway writes them: in the forms that Discord documents, and in odd ones."""

from __future__ import annotations

from typing import Any, TypeAlias

from hypothesis import strategies as st

Json: TypeAlias = dict[str, Any]

OWN, EVE, BOB, PLURALKIT = 9, 77, 78, 466378653216014359
GUILD, GENERAL, VOICE, STAGE, FORUM, THREAD, UNKNOWN = (number << 22 for number in range(100, 107))
ABSENT = ...
"""Stands for a field that a message does not have."""

FIRST = 1 << 50
"""The id of the first message."""


def user(number: int, name: str = "eve", **more: object) -> Json:
    """Return a person."""
    return {"id": str(number), "username": name, "discriminator": "0", "avatar": None, "global_name": None, **more}


def member(**more: object) -> Json:
    """Return what a server knows of a person."""
    joined = "2026-01-01T00:00:00.000000+00:00"
    return {"roles": [], "flags": 0, "joined_at": joined, "nick": None, "deaf": False, "mute": False, **more}


def guild() -> Json:
    """Return a server with a channel of each kind and a thread."""
    kinds = {GENERAL: 0, VOICE: 2, STAGE: 13, FORUM: 15}
    channels = [{"id": str(each), "type": kind, "name": f"c{kind}", "position": 0} for each, kind in kinds.items()]
    return {
        "id": str(GUILD),
        "name": "home",
        "roles": [role(GUILD, "@everyone"), role(5, "helper")],
        "members": [{**member(), "user": user(OWN, "echo", bot=True)}],
        "channels": [{**each, "permission_overwrites": [], "bitrate": 64000, "user_limit": 0} for each in channels],
        "threads": [thread()],
    }


def role(number: int, name: str) -> Json:
    """Return a role of a server."""
    colours = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
    return {"id": str(number), "name": name, "permissions": "0", "position": 0, "color": 0, "colors": colours}


def thread(**more: object) -> Json:
    """Return a thread of the first channel."""
    metadata = {"archived": False, "auto_archive_duration": 60, "archive_timestamp": "2026-01-01T00:00:00+00:00"}
    named = {"id": str(THREAD), "parent_id": str(GENERAL), "owner_id": str(EVE), "name": "aside", "type": 11}
    counts = {"message_count": 0, "member_count": 1}
    return {**named, **counts, "guild_id": str(GUILD), "thread_metadata": metadata, **more}


def message(number: int = 0, **more: object) -> Json:
    """Return a message of a server's channel, as Discord writes each one."""
    whole = {
        "id": str(FIRST + number),
        "channel_id": str(GENERAL),
        "guild_id": str(GUILD),
        "type": 0,
        "content": "hello",
        "author": user(EVE),
        "member": member(),
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "timestamp": "2026-11-28T12:00:00.000000+00:00",
        "edited_timestamp": None,
        "flags": 0,
        "pinned": False,
        "tts": False,
        "mention_everyone": False,
        **more,
    }
    return {key: value for key, value in whole.items() if value is not ABSENT}


def attachment(**more: object) -> Json:
    """Return a file of a message."""
    return {"id": "8", "filename": "cat.png", "size": 1234, "url": "https://x", "proxy_url": "https://x", **more}


def reply(to: int, **more: object) -> Json:
    """Return what a message has besides when it replies to one that ``to`` wrote."""
    replied = message(0, **{"author": user(to), "member": ABSENT, "guild_id": ABSENT, **more})
    reference = {"type": 0, "message_id": replied["id"], "channel_id": str(GENERAL), "guild_id": str(GUILD)}
    return {"type": 19, "message_reference": reference, "referenced_message": replied}


_REFERENCE = {"message_id": str(FIRST), "channel_id": str(GENERAL), "guild_id": str(GUILD)}
_SNAPSHOT = {"message": {key: message()[key] for key in ("type", "content", "attachments", "embeds", "flags",
                                                         "mentions", "timestamp", "edited_timestamp")}}  # fmt: skip
_ANSWERS = [{"answer_id": 1, "poll_media": {"text": "yes"}}, {"answer_id": 2, "poll_media": {"text": "no"}}]
_POLL = {"question": {"text": "?"}, "answers": _ANSWERS, "expiry": "2026-12-28T12:00:00+00:00", "layout_type": 1,
         "allow_multiselect": False}  # fmt: skip

FORMS: dict[str, Json] = {
    "plain": {},
    "of a voice channel": {"channel_id": str(VOICE)},
    "of a stage": {"channel_id": str(STAGE)},
    "of a forum itself": {"channel_id": str(FORUM)},
    "of a thread": {"channel_id": str(THREAD)},
    "of an unknown channel": {"channel_id": str(UNKNOWN)},
    "of an unknown server": {"guild_id": str(UNKNOWN)},
    "a rule's": {"content": "ask this"},
    "nothing but blanks": {"content": "  "},
    "with a nickname": {"member": member(nick="Evie")},
    "with a name of its own": {"author": user(EVE, global_name="Eve")},
    "with both": {"author": user(EVE, global_name="Eve"), "member": member(nick="Evie")},
    "of one who left": {"member": ABSENT},
    "of a bot": {"author": user(EVE, bot=True)},
    "of a webhook": {"author": user(EVE), "webhook_id": str(EVE), "application_id": str(EVE)},
    "of a proxy bot's webhook": {"author": user(EVE), "webhook_id": str(EVE), "application_id": str(PLURALKIT)},
    "of the bot's own webhook": {"author": user(OWN), "webhook_id": str(OWN)},
    "the bot's own": {"author": user(OWN), "member": member(nick="Echo", roles=["5"]), "nonce": "5.0"},
    "the bot's own, sent elsewhere": {"author": user(OWN), "member": member(nick="Else")},
    "mentions the bot": {"content": f"<@{OWN}> hi", "mentions": [user(OWN, member=member())]},
    "mentions somebody": {"content": f"<@!{BOB}> hi", "mentions": [user(BOB, member=member())]},
    "mentions nobody": {"mentions": [None]},
    "mentions roles": {"content": "<@&5>", "mention_roles": ["5"], "mention_everyone": True},
    "replies to the bot": reply(OWN),
    "replies to the bot, and pings it": {**reply(OWN), "mentions": [user(OWN)]},
    "replies to the bot, as its server knows it": reply(OWN, member=member(nick="Echo")),
    "replies to a reply": reply(EVE, **reply(OWN)),
    "replies to where a thread began": reply(EVE, thread=thread(name="renamed")),
    "replies to somebody": reply(BOB),
    "replies to what is gone": {**reply(BOB), "referenced_message": None},
    "replies to what is not shown": {"type": 19, "message_reference": _REFERENCE},
    "shows a message that it does not reply to": {"referenced_message": reply(OWN)["referenced_message"]},
    "forwards": {"message_reference": {**_REFERENCE, "type": 1}, "message_snapshots": [_SNAPSHOT]},
    "tells of a thread": {"type": 18, "message_reference": {"channel_id": str(THREAD), "guild_id": str(GUILD)}},
    "begins a thread": {"thread": thread(name="renamed")},
    "begins a thread's messages": {**reply(EVE), "type": 21, "channel_id": str(THREAD)},
    "tells of a pin": {"type": 6, "message_reference": _REFERENCE},
    "tells who came": {"type": 7, "content": ""},
    "of a type to come": {"type": 999},
    "with files": {"attachments": [attachment(content_type="image/png", width=1, height=1), attachment(id="9")]},
    "with a voice message": {"attachments": [attachment(waveform="AA==", duration_secs=1.5)], "flags": 8192},
    "with embeds": {"embeds": [{"type": "rich", "title": "t", "fields": [{"name": "n", "value": "v"}]}]},
    "with a sticker": {"sticker_items": [{"id": "3", "name": "wave", "format_type": 1}], "content": ""},
    "with components": {"components": [{"type": 1, "components": [{"type": 2, "style": 5, "url": "https://x"}]}]},
    "with reactions": {"reactions": [{"emoji": {"id": None, "name": "x"}, "count": 1, "me": False}]},
    "with a poll": {"poll": _POLL},
    "with a poll's result": {**reply(EVE, poll=_POLL), "type": 46,
                             "embeds": [{"type": "poll_result", "fields": [{"name": "total_votes", "value": "3"}]}]},
    "responds to a command": {"type": 20, "author": user(BOB, bot=True), "application_id": str(BOB),
                              "interaction_metadata": {"id": "4", "type": 2, "user": user(EVE),
                                                       "authorizing_integration_owners": {"0": str(GUILD)}},
                              "interaction": {"id": "4", "type": 2, "name": "do", "user": user(EVE)}},
    "with a nonce": {"nonce": 12345},
    "with a place in its thread": {"position": 3, "channel_id": str(THREAD)},
    "edited meanwhile": {"edited_timestamp": "2026-11-28T12:00:01.5+00:00"},
    "repeated": {"id": str(FIRST)},
}  # fmt: skip
"""What a message has that differs from the plain one."""

odd_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**64) | st.floats() | st.text(max_size=3)
    | st.sampled_from([str(OWN), str(EVE), str(GENERAL), str(GUILD), str(2**70), "1", "-1", "2026-11-28T12:00:00Z"]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["id", "author", "username", "message_id", "member", "nick"]), inner),
    max_leaves=4,
)  # fmt: skip


@st.composite
def payloads(draw: st.DrawFn) -> Json:
    """Return a message of some of the forms at once, of which a few fields are odd or missing."""
    whole = {"content": draw(st.sampled_from(["hello", "ask this", f"<@{OWN}> so", f"<@{BOB}>"]) | st.text())}
    for form in draw(st.lists(st.sampled_from(sorted(FORMS)), max_size=3)):
        whole |= FORMS[form]
    whole = message(1, **whole)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        _spoil(draw, whole)
    return whole


def _spoil(draw: st.DrawFn, data: Json) -> None:
    """Remove a field somewhere within a message, or give it an odd value."""
    holder: Any = data
    while True:
        key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
            break
        # The forms are shared; what is spoiled must not be.
        holder[key] = holder = inner.copy()
    if draw(st.booleans()) or isinstance(holder, list):
        holder[key] = draw(odd_values)
    else:
        del holder[key]
