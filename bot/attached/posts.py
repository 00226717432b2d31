"""Posts of a client's own code: recorded, sent by the outbox, looked for where nobody knows, and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.conversations import Conversations
from bot.conversations.hot_channels import refuse
from bot.core.commands import Compose, Post
from bot.core.conversation import Conversation
from bot.core.events import Body, KeyKind, PostRequested, Recorded, ReplyAbandoned, ReplyComposed, ReplySent
from bot.core.named_keys import Digest, digest_of, numbers_of
from bot.core.parts import split
from bot.core.sharding import TIME_SHIFT
from bot.core.streams import stream_of
from bot.errors import LogClosed, PostAbandoned
from bot.eventlog.reader import Reader
from bot.gateway.snowflakes import snowflake_at
from bot.replies.repair import record_of

_ENDS = frozenset((ReplySent, ReplyAbandoned))
_LOW = (1 << TIME_SHIFT) - 1


class Posts:
    """Has messages posted, each key once in a channel; ``clock`` returns microseconds since the epoch."""

    def __init__(self, conversations: Conversations, reader: Reader, clock: Callable[[], int]) -> None:
        self._conversations = conversations
        self._reader = reader
        self._clock = clock
        self._newest = 0
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._is_closed = False

    async def post(self, channel_id: int, text: str, key: str, *, reply_to: int = 0, author_id: int = 0) -> list[int]:
        """Post a text, unless its key was used before in the channel; return the ids of its messages.

        Raises ValueError for an empty text or key, PostAbandoned where it was given up, and LogError.
        """
        digest, parts = digest_of(key), split(text)
        if not parts:
            raise ValueError("a message without any text can't be posted")
        post_id = self._id(digest)
        event = PostRequested(message_id=post_id, author_id=author_id, reply_to=reply_to, key_digest=digest)
        composed = ReplyComposed(message_id=post_id, parts=len(parts), responder="")
        recorded = await self._conversations.handle(channel_id, Post(event, Compose(composed, Body(parts=parts))))
        post_id = recorded[0].event.about() or 0 if recorded else await self._known(channel_id, digest)
        await self._ended(channel_id, post_id)
        return await self._outcome(channel_id, post_id)

    def observe(self, _channel_id: int, state: Conversation, new: tuple[Recorded, ...]) -> None:
        """Take new events of a channel: a post that somebody waits for may be sent, or given up."""
        for recorded in new if self._waiting else ():
            post_id = recorded.event.about() or 0
            if type(recorded.event) in _ENDS and post_id in self._waiting and state.pending(post_id) is None:
                self._waiting.pop(post_id).set_result(None)

    def close(self) -> None:
        """Let nobody wait any longer: what is not sent is sent after the next start."""
        self._is_closed = True
        for waiting in self._waiting.values():
            refuse(waiting, _closed())
        self._waiting.clear()

    def _id(self, digest: Digest) -> int:
        """Return an id of this moment for a post; no two of this process have the same millisecond."""
        self._newest = max(snowflake_at(self._clock()), self._newest + _LOW + 1)
        return self._newest | int(digest, 16) & _LOW

    async def _known(self, channel_id: int, digest: Digest) -> int:
        """Return the id of the post that has a key."""
        high, low = numbers_of(digest)
        found = await self._reader.find(stream_of(channel_id), KeyKind.POSTED, high)
        events = (each.event for each in found)
        return next(
            each.message_id
            for each in events
            if isinstance(each, PostRequested) and numbers_of(each.key_digest) == (high, low)
        )

    async def _ended(self, channel_id: int, post_id: int) -> None:
        state = await self._conversations.state(channel_id)
        if state.pending(post_id) is None:
            return
        if self._is_closed:
            raise _closed()
        waiting = self._waiting.get(post_id)
        if waiting is None:
            waiting = self._waiting[post_id] = asyncio.get_running_loop().create_future()
        # Whoever waits may be cancelled; another may wait for the same post.
        await asyncio.shield(waiting)

    async def _outcome(self, channel_id: int, post_id: int) -> list[int]:
        record = await record_of(self._reader, channel_id, post_id)
        messages = record.messages
        sent_ids = [messages[part] for part in sorted(messages)]
        if record.whole:
            return sent_ids
        left = record.abandoned
        raise PostAbandoned(left.reason.value if left else "unknown", left.detail if left else "", sent_ids)


def _closed() -> LogClosed:
    return LogClosed("The log is closed. What is recorded and not sent yet is sent after the next start.")
