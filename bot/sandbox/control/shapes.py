"""What the control API answers, as types for its client."""

from __future__ import annotations

from typing import TypedDict

from bot.sandbox.json_codec import Json


class MessageRecord(TypedDict):
    """A message as the control API shows it; ids are text.

    ``reference`` is the id of the message it answers, ``interaction`` that of the use of a command.
    """

    id: str
    channel_id: str
    channel: str
    guild_id: str | None
    author_id: str
    author: str
    bot: bool
    content: str
    type: int
    reference: str | None
    interaction: str | None
    nonce: int | str | None
    at: str
    edited_at: str | None
    deleted: bool
    ephemeral: bool
    flags: int
    embeds: list[Json]
    attachments: list[Json]
    components: list[Json]
    mentions: list[str]
    reactions: list[Json]


class ReportRow(MessageRecord):
    """A message with the bots' replies that reference it."""

    replies: list[MessageRecord]


class ReplyReport(TypedDict):
    """What was answered; ``doubled`` counts messages with more than one reply."""

    messages: list[ReportRow]
    answered: int
    doubled: int
    replies: int


class Ids(TypedDict):
    """Something that was made."""

    id: str


class RequestRecord(TypedDict):
    """A REST request of a bot; ``status`` None: nothing was answered (yet)."""

    number: int
    at: float
    method: str
    path: str
    status: int | None
    fault: str | None
