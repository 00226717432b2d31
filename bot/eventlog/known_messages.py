"""Which messages the log knows, in whatever way: posted, deleted, or the bot's own."""

from __future__ import annotations

import json
from collections.abc import Collection

from bot.core.events import KeyKind
from bot.eventlog.query import LISTED
from bot.eventlog.reader import Reader

_KNOWN = f"""
SELECT key_kind, key_id FROM events WHERE key_kind IN ({LISTED}) AND key_id IN ({LISTED})
AND +stream_id = (SELECT id FROM streams WHERE name = ?)
"""  # noqa: S608 - constants
_POSTED = (KeyKind.RECEIVED, KeyKind.FOREIGN)


async def known_messages(reader: Reader, stream: str, message_ids: Collection[int]) -> tuple[set[int], set[int]]:
    """Return which of these messages are recorded in ``stream``, and which are recorded as deleted there."""
    values = (json.dumps([*_POSTED, KeyKind.DELETED]), json.dumps(tuple(message_ids)), stream)
    rows = await reader.connection.run(lambda connection: connection.execute(_KNOWN, values).fetchall())
    deleted = {message_id for kind, message_id in rows if kind == KeyKind.DELETED}
    return {message_id for kind, message_id in rows if kind in _POSTED}, deleted
