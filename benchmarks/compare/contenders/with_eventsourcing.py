"""The library eventsourcing with its SQLite module: an aggregate for a channel, as its documentation shows.

Nothing is sealed, chained or deduplicated. Its SQLite module sets WAL and leaves ``synchronous`` to SQLite, whose
default is FULL: the durability is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from bot.core import events as e
from bot.eventlog.snapshots import EVERY

NAME = "eventsourcing"
WINDOW = 64
FILE_NAME = "es.db"
_SPACE = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


class Channel(Aggregate):
    """A channel's newest messages and its unfinished replies."""

    @event("Opened")
    def __init__(self, name: str) -> None:
        """Begin empty."""
        self.name = name
        self.window: list[list[int]] = []
        self.outbox: dict[str, int] = {}

    @staticmethod
    def create_id(name: str) -> UUID:
        """Return the id of a channel."""
        return uuid5(_SPACE, name)

    @event("MessageReceived")
    def receive(self, message_id: int, author_id: int, sent_at: int, name: str, text: str) -> None:  # noqa: ARG002 - stored
        """Take a message."""
        self.window.append([message_id, author_id, 0])
        del self.window[:-WINDOW]

    @event("MessageEdited")
    def edit(self, message_id: int, edited_at: int, text: str) -> None:
        """Take new words."""

    @event("MessageDeleted")
    def remove(self, message_id: int) -> None:
        """Drop a message."""
        self.window = [turn for turn in self.window if turn[0] != message_id]

    @event("ReplyRequested")
    def request(self, message_id: int, responder: str) -> None:  # noqa: ARG002 - stored
        """Open a reply."""
        self.outbox[str(message_id)] = 0

    @event("ReplyComposed")
    def compose(self, message_id: int, text: str) -> None:  # noqa: ARG002 - stored
        """Note what will be sent."""
        self.outbox[str(message_id)] = 1

    @event("ReplySent")
    def send(self, message_id: int, sent_id: int) -> None:
        """Close a reply and keep its turn."""
        self.outbox.pop(str(message_id), None)
        self.window.append([sent_id, 0, 1])
        del self.window[:-WINDOW]

    @event("ReplyAbandoned")
    def abandon(self, message_id: int, reason: str) -> None:  # noqa: ARG002 - stored
        """Close a reply."""
        self.outbox.pop(str(message_id), None)


class Channels(Application):
    """The application; snapshots are taken where a measurement wants them."""

    is_snapshotting_enabled = True


def application(folder: Path) -> Channels:
    """Return the application on a file in a folder."""
    return Channels({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / FILE_NAME)})


@contextmanager
def opened(folder: Path) -> Iterator[Channels]:
    """Open the application on a file in a folder, and close it."""
    opened = application(folder)
    try:
        yield opened
    finally:
        opened.close()


def first(name: str) -> Channel:
    """Return a new channel, to be saved."""
    channel: Channel = Channel(name=name)
    return channel


def stored(stream: str, version: int, fact: e.Event, body: e.Body | None) -> object:
    """Return one of our events as one of theirs."""
    common = {"originator_id": Channel.create_id(stream), "originator_version": version, "timestamp": datetime.now(UTC)}
    name, text = (body.name, body.text) if body else ("", "")
    match fact:
        case e.MessageReceived(message_id=about, author_id=author, sent_at=sent):
            return Channel.MessageReceived(
                **common, message_id=about, author_id=author, sent_at=sent, name=name, text=text
            )
        case e.MessageEdited(message_id=about, edited_at=edited):
            return Channel.MessageEdited(**common, message_id=about, edited_at=edited, text=text)
        case e.MessageDeleted(message_id=about):
            return Channel.MessageDeleted(**common, message_id=about)
        case e.ReplyRequested(message_id=about, responder=responder):
            return Channel.ReplyRequested(**common, message_id=about, responder=responder)
        case e.ReplyComposed(message_id=about):
            return Channel.ReplyComposed(**common, message_id=about, text=text)
        case e.ReplySent(message_id=about, sent_id=sent):
            return Channel.ReplySent(**common, message_id=about, sent_id=sent)
        case e.ReplyAbandoned(message_id=about, reason=reason):
            return Channel.ReplyAbandoned(**common, message_id=about, reason=str(reason))
    raise ValueError(f"There is no {fact.TYPE} in this benchmark.")


def copy(channels: Channels, page: Iterable[tuple[e.Recorded, e.Body | None]], seen: set[str]) -> None:
    """Save a page of our log in one transaction; a channel's first event is theirs, so its versions are one ahead."""
    saved: list[object] = []
    for recorded, body in page:
        if recorded.stream not in seen:
            seen.add(recorded.stream)
            saved.append(first(recorded.stream))
        saved.append(stored(recorded.stream, recorded.version + 1, recorded.event, body))
    channels.save(*saved)


def snapshot(channels: Channels, heads: Sequence[tuple[str, int]]) -> None:
    """Take each channel's newest snapshot of those that are made as often as ours."""
    for stream, version in heads:
        at = version // EVERY * EVERY
        if at:
            channels.take_snapshot(Channel.create_id(stream), at)
