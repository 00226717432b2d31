"""Sending through discord.py. Every result is sorted into an outcome: sent, refused, not yet, unknown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import discord
import structlog
from discord.http import handle_message_parameters
from discord.utils import MISSING

from bot.core.buttons import Row
from bot.core.events import AbandonReason, Proof
from bot.core.fate import Look, NotYet, Outcome, Overtaken, Refused, Sent, Unknown, Unreferenced
from bot.core.threads import Opened
from bot.gateway import looks
from bot.gateway.button_rows import row_of, view_of
from bot.gateway.current import CurrentClient
from bot.gateway.origin import Intercepted
from bot.gateway.places import lacks, may_read_history, no_thread, standing_for
from bot.gateway.requests import NoLongerNext, ServerFault, timed, unless_overtaken
from bot.gateway.snowflakes import snowflake, snowflake_time
from bot.gateway.starting_threads import is_thread, start_thread
from bot.replies.sender import LookFailed, StillNext
from bot.replies.words import WORDS, Word
from bot.times import MINUTE

OLD_MICROSECONDS = 50 * MINUTE
"""Of a message older than an hour Discord takes few edits (error 30046; docs: JSON error codes)."""
NO_REFERENCE, INVALID_FORM = (160002, 50021), 50035
"""Discord's codes for a refused reference (no permission to read the history; a system message) and for a form with
errors in its fields (docs: JSON error codes)."""
GONE = (10003, 10008)
"""Discord's codes for an unknown channel and an unknown message (docs: JSON error codes)."""

_log = structlog.get_logger()


class DiscordSender:
    """Sends by the client that is connected now, while ``is_owner``: while the log is this process's for certain.

    ``words`` are those on buttons.
    """

    def __init__(
        self,
        current: CurrentClient,
        is_owner: Callable[[], bool] = lambda: True,
        words: Mapping[Word, str] = WORDS,
    ) -> None:
        self._current = current
        self._is_owner = is_owner
        self._words = words

    @property
    def own_id(self) -> int:
        """Return the id of the bot's account; 0 before the first connection."""
        return self._current.own_id

    async def ready(self) -> None:
        """Wait until a client is connected."""
        await self._current.connected.wait()

    def lacks(self, channel_id: int) -> str:
        """Return the permission that the bot lacks to post in a channel; "" if none, as far as is known."""
        client = self._current.client
        return lacks(client, channel_id) if client is not None else ""

    def sees(self, channel_id: int) -> bool:
        """Tell whether the bot may read a channel's history, as far as is known."""
        client = self._current.client
        return client is not None and may_read_history(client, channel_id)

    async def stands(self, channel_id: int, message_id: int) -> bool:
        """Tell whether a message is in a channel; one that can't be looked for counts as there."""
        client = self._current.client
        return client is None or await looks.stands(client, channel_id, message_id)

    async def send(
        self,
        channel_id: int,
        text: str,
        still_next: StillNext,
        *,
        nonce: str,
        reply_to: int,
        plain: bool = False,
        row: Row = (),
    ) -> Outcome:
        """Send one part and return the outcome; ``plain`` sends it without a reference to the question.

        Discord takes a reference only from who may read the history; where the bot may not, it is not tried.
        A look finds a message with a reference by that reference, at any age. The nonce of a plain message shows in the
        response and in the echo; a look finds it by its text, among the bot's messages after the question, or by its
        button if it was sent while the answer was written. If the history can't be read, only the nonce helps after a
        crash: within a minute of the question the part is sent again with it, and later it is given up with its fate
        unknown.
        """
        client = self._current.client
        if client is None:
            return NotYet("not connected")
        if not self._is_owner():
            return NotYet("another process may own the log by now")
        if not (plain or lacks(client, channel_id) or may_read_history(client, channel_id)):
            return Unreferenced("no reference: no permission Read Message History")

        async def still_ours() -> bool:
            return self._is_owner() and await still_next()

        try:
            with unless_overtaken(still_ours):
                async with timed():
                    view = view_of(row, self._words) if row else MISSING
                    message = await _post(client, channel_id, text, nonce, None if plain else reply_to, view)
            return Sent(snowflake(message["id"]), str(message["content"]), row_of(message))
        except discord.HTTPException as error:
            refused = not plain and _refuses_reference(error)
            return Unreferenced(f"no reference: code {error.code}") if refused else sort(error)
        except Exception as error:  # noqa: BLE001 - whatever a send raises, the part may be in Discord
            return sort(error)

    async def open_thread(self, channel_id: int, starter_id: int, title: str) -> Opened | Refused | NotYet | Unknown:
        """Start a thread from a message, unless there is one: it has the message's id (docs/discord-facts.md, 1.5).

        If Discord refuses, an earlier attempt may have opened it nevertheless, and a look tells.
        """
        client = self._current.client
        if client is None:
            return NotYet("not connected")
        if lacking := no_thread(client, channel_id):
            refused: Outcome = Refused(AbandonReason.FORBIDDEN, lacking)
        else:
            try:
                async with timed():
                    thread_id = await start_thread(client, channel_id, starter_id, title)
                return self._opened(channel_id, thread_id, Proof.RESPONSE)
            except Exception as error:  # noqa: BLE001 - whatever it raises, the thread may be there
                refused = sort(error)
        if isinstance(refused, Refused | NotYet) and await is_thread(client, starter_id):
            return self._opened(channel_id, starter_id, Proof.HISTORY)
        return refused if isinstance(refused, Refused | NotYet | Unknown) else Unknown(type(refused).__name__)

    def _opened(self, channel_id: int, thread_id: int, proof: Proof) -> Opened:
        self._current.opened[thread_id] = channel_id
        return Opened(thread_id, proof)

    async def edit(self, channel_id: int, message_id: int, text: str, row: Row = ()) -> Outcome:
        """Change the text and the buttons of a message of the bot."""
        client = self._current.client
        if client is None:
            return NotYet("not connected")
        view, none = view_of(row, self._words) if row else None, discord.AllowedMentions.none()
        try:
            with handle_message_parameters(content=text, view=view, allowed_mentions=none) as params:
                async with timed():
                    await client.http.edit_message(channel_id, message_id, params=params)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the edit may have been made, and may be again
            return sort(error)
        return Sent(message_id, text)

    def seldom_edited(self, message_id: int, now: int) -> bool:
        """Tell whether Discord takes few edits of a message, by its age; ``now`` is in microseconds since the epoch."""
        return now - snowflake_time(message_id) > OLD_MICROSECONDS

    async def remove(self, channel_id: int, message_id: int) -> Outcome:
        """Delete a message of the bot; one that is gone already counts as deleted."""
        client = self._current.client
        if client is None:
            return NotYet("not connected")
        try:
            async with timed():
                await bodiless(client.http.delete_message(channel_id, message_id))
        except discord.NotFound as error:
            return Sent(message_id, "") if error.code in GONE else sort(error)
        except Exception as error:  # noqa: BLE001 - whatever it raises, it may be gone, and may be deleted again
            return sort(error)
        return Sent(message_id, "")

    async def typing(self, channel_id: int) -> None:
        """Show for ten seconds that the bot is writing."""
        await self._hint("typing", channel_id, lambda client: client.http.send_typing(channel_id))

    async def react(self, channel_id: int, message_id: int, emoji: str) -> None:
        """Add a reaction to a question."""
        await self._hint(
            "reaction",
            channel_id,
            lambda client: client.http.add_reaction(*standing_for(client, channel_id, message_id), coded(emoji)),
        )

    async def unreact(self, channel_id: int, message_id: int, emoji: str) -> None:
        """Remove the bot's reaction to a message."""
        await self._hint(
            "reaction",
            channel_id,
            lambda client: client.http.remove_own_reaction(*standing_for(client, channel_id, message_id), coded(emoji)),
        )

    async def say(self, channel_id: int, text: str, *, nonce: str) -> None:
        """Post a message that is not a reply."""
        await self._hint("notice", channel_id, lambda client: _post(client, channel_id, text, nonce))

    async def _hint(self, what: str, channel_id: int, show: Callable[[discord.Client], Awaitable[object]]) -> None:
        """Show something unimportant; a failure is only logged."""
        client = self._current.client
        if client is None:
            return
        try:
            async with timed():
                await show(client)
        except Exception as error:  # noqa: BLE001 - a hint that nobody misses
            _log.debug(f"{what}.failed", channel=channel_id, error=type(error).__name__)

    async def look(self, channel_id: int, since_id: int, questions: Collection[int] = ()) -> Look:
        """Return the bot's own messages from message ``since_id`` on, and which of ``questions`` are there."""
        client = self._current.client
        if client is None:
            raise LookFailed("not connected")
        return await looks.look(client, self.own_id, channel_id, since_id, questions)


def sort(error: Exception) -> Outcome:  # noqa: PLR0911 - one row of the table per case
    """Return what an exception from a send says about the part (docs/discord-facts.md, 1.3)."""
    match error:
        case discord.NotFound(code=10008):
            return Refused(AbandonReason.GONE_AFTER_SEND, "unknown message")
        case discord.NotFound(code=10003):
            return Refused(AbandonReason.CHANNEL_DELETED, "unknown channel")
        case discord.Forbidden():
            return Refused(AbandonReason.FORBIDDEN, f"code {error.code}")
        case discord.RateLimited():
            return NotYet("rate limit", error.retry_after)
        case NoLongerNext():
            return Overtaken()
        case discord.HTTPException(status=401):
            return NotYet("unauthorized")
        case discord.HTTPException(status=408):
            return Unknown("status 408")
        case discord.HTTPException() if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Refused(AbandonReason.REFUSED, f"status {error.status}, code {error.code}")
        case discord.HTTPException() | ServerFault():
            return Unknown(f"status {error.status}")
        case Intercepted():
            return Unknown(str(error), error.after_seconds)
        case aiohttp.ClientConnectorError():
            return NotYet("no connection")
        case _:
            return Unknown(type(error).__name__)


def coded(emoji: str) -> str:
    """Return an emoji in the form that a request for a reaction needs."""
    return ":".join(emoji.strip("<>").split(":")[-2:])


def _refuses_reference(error: discord.HTTPException) -> bool:
    """Tell whether Discord refuses a message only because of its reference."""
    if error.code == INVALID_FORM:
        faults = error.text.splitlines()[1:]
        return bool(faults) and all(fault.startswith("In message_reference") for fault in faults)
    return error.code in NO_REFERENCE


async def _post(
    client: discord.Client,
    channel_id: int,
    text: str,
    nonce: str,
    reply_to: int | None = None,
    view: discord.ui.View = MISSING,
) -> Any:  # noqa: ANN401 - Discord's JSON
    """Post a message and return it as Discord shows it. discord.py's own object of it would cost time and help nobody.

    Discord still takes a reply to a message that is gone (docs: message reference structure, ``fail_if_not_exists``).
    """
    reference: Any = {"message_id": reply_to, "channel_id": channel_id, "fail_if_not_exists": False}
    with handle_message_parameters(
        content=text,
        nonce=nonce,
        allowed_mentions=discord.AllowedMentions.none(),
        message_reference=MISSING if reply_to is None else reference,
        view=view,
    ) as params:
        return await client.http.send_message(channel_id, params=params)


async def bodiless(answering: Awaitable[object]) -> None:
    """Wait for an answer; raise Intercepted when it has a body where Discord's has none."""
    if await answering != "":
        raise Intercepted(HTTPStatus.OK)
