"""The members that a client asks for over the gateway (gateway-events.mdx, "Request Guild Members")."""

from __future__ import annotations

from collections.abc import Iterator

from bot.sandbox import intents
from bot.sandbox.gateway.session import GatewaySession
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Guild, Member
from bot.sandbox.payloads import member_payload

_CHUNK = 1000
_MOST_FOUND = 100
_MOST_NONCE = 32


def member_chunks(session: GatewaySession, guilds: dict[int, Guild], body: Json) -> Iterator[Json]:
    """Yield the GUILD_MEMBERS_CHUNKs that answer a request: by ids, by the beginning of a name, or all members.

    What the documents do not allow gets no answer: a guild that the session does not see, or all members without the
    intent for members.
    """
    guild = guilds.get(_snowflake(body.get("guild_id")))
    if guild is None or not session.sees_guild(guild):
        return
    wanted = body.get("user_ids")
    query, limit = str(body.get("query") or ""), body.get("limit")
    everybody = wanted is None and not query and not limit
    if everybody and not session.intents & intents.GUILD_MEMBERS:
        return
    if wanted is not None:
        ids = [_snowflake(each) for each in (wanted if isinstance(wanted, list) else [wanted])][:_MOST_FOUND]
        found = [guild.members[each] for each in ids if each in guild.members]
        missing = [str(each) for each in ids if each not in guild.members]
    else:
        found, missing = [member for member in guild.members.values() if _called(member, query)], []
        found = found if everybody else found[: min(int(limit or _MOST_FOUND), _MOST_FOUND)]
    for chunk in _chunks(guild, found, body.get("nonce")):
        yield chunk | ({"not_found": missing} if missing else {})


def _chunks(guild: Guild, found: list[Member], nonce: object) -> Iterator[Json]:
    parts = [found[start : start + _CHUNK] for start in range(0, len(found), _CHUNK)] or [[]]
    for index, part in enumerate(parts):
        yield {
            "guild_id": str(guild.id),
            "members": [member_payload(member, with_user=True) for member in part],
            "chunk_index": index,
            "chunk_count": len(parts),
            # One that is too long is ignored.
            **({"nonce": nonce} if isinstance(nonce, str) and len(nonce) <= _MOST_NONCE else {}),
        }


def _called(member: Member, beginning: str) -> bool:
    names = (member.user.name, member.nick or "")
    return any(name.casefold().startswith(beginning.casefold()) for name in names)


def _snowflake(value: object) -> int:
    """Read an id; 0, which nobody has, for what is none."""
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0
