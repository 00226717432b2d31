"""A program's own events and folds over an open log: what ``Log.append`` and ``Log.fold`` do."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import structlog
from pydantic import BaseModel

from bot.attached.hot_folds import HotFold, HotFolds
from bot.background import Background
from bot.core.events import Body, Draft, OwnRecorded, Recorded
from bot.core.named_keys import digest_of
from bot.core.own import Event, Fold
from bot.core.own.event import envelope, opened
from bot.core.own.fold import F, encode, folded
from bot.core.streams import OWN_STREAM_RULE, own_stream
from bot.errors import EcholessError, OwnEventError, OwnFoldError, VersionConflict
from bot.eventlog import own_folds
from bot.eventlog.batch import Appended
from bot.eventlog.log import EventLog
from bot.eventlog.own_folds import AnyAt, At

C = TypeVar("C", bound=BaseModel)

_log = structlog.get_logger()


class Placed(NamedTuple):
    """Where own events stand in the log: their ``positions``, and the ``version`` of their stream after them.

    ``new`` is False where they were recorded before, under the same key.
    """

    version: int
    positions: tuple[int, ...]
    new: bool


class Folded(NamedTuple, Generic[F]):
    """The state of a stream, and the version of the stream that it is at (0: nothing is recorded in it)."""

    state: F
    version: int


class OwnStreams:
    """Appends own events and folds them. ``opted_out`` are the people whose words are not to be recorded."""

    def __init__(
        self,
        log: EventLog,
        opted_out: Container[int] = (),
        events: Sequence[type[Event]] = (),
        hot: HotFolds | None = None,
    ) -> None:
        self.hot = HotFolds() if hot is None else hot
        self._log = log
        self._opted_out = opted_out
        self._events: dict[str, type[Event]] = {}
        self._folds: dict[str, type[Fold]] = {}
        self._background = Background()
        self._unkept = set[str]()
        for each in events:
            self._learn_event(each)

    async def append(
        self,
        stream: str,
        *events: Event,
        key: str | None = None,
        expected_version: int | None = None,
        words: str | Sequence[str] = (),
        subject: int | None = None,
    ) -> Placed:
        """Append events to an own stream, together or not at all; under a ``key`` once only.

        With the key of an earlier call to the same stream nothing is appended, and what was recorded then is returned.
        ``expected_version`` is the version that the stream has to be at (0: there is nothing in it). ``words`` are what
        people wrote, beside a single event: sealed, erasable, ``subject`` the id of the person whose they are. They
        are not taken of people who opted out. Raises OwnEventError where something given does not fit, VersionConflict
        where the stream is at another version, LogError when the log can't be written.
        """
        name, drafts = require_stream(stream), self._drafts(events, key, words, subject)
        appending = self._log.append_units(name, (drafts,), expected_version=expected_version)
        # Also when nobody waits for it any more: the states in memory have to know.
        appending.add_done_callback(partial(self._appended, name))
        try:
            (done,) = await asyncio.shield(appending)
        except VersionConflict:
            if key is None or not (known := await self._known(name, drafts)):
                raise
            done = Appended((), known)
        there = done.new or done.known
        return Placed(there[-1].version, tuple(each.position for each in there), bool(done.new))

    async def fold(self, stream: str, fold: type[F]) -> F:
        """Return the state of an own stream now; see :meth:`fold_at`."""
        return (await self.fold_at(stream, fold)).state

    async def fold_at(self, stream: str, fold: type[F]) -> Folded[F]:
        """Return the state of an own stream, and the version at which it is so, for ``expected_version``.

        Raises OwnFoldError where ``apply`` fails, OwnEventError where an event does not fit its class, both with the
        place; LogError when the log can't be read.
        """
        name = require_stream(stream)
        if not hasattr(fold, "NAME") or not issubclass(fold, Fold):
            raise OwnFoldError("A fold is a class below bot.Fold with a NAME of its own: give such a class.")
        known: type[Fold] = fold
        self._learn(self._folds, fold.NAME, known, OwnFoldError)
        for each in fold.EVENTS:
            self._learn_event(each)
        while True:
            hot = self.hot.use(name, fold)
            async with hot.lock:
                if self.hot.holds(hot):
                    at: At[F] = await self._current(hot)
                    return Folded(at.state, at.version)

    async def close(self) -> None:
        """Wait for snapshots that are being saved."""
        await self._background.end()

    def _drafts(
        self, events: Sequence[Event], key: str | None, words: str | Sequence[str], subject: int | None
    ) -> tuple[Draft, ...]:
        parts = (words,) if isinstance(words, str) else tuple(words)
        if not events or (len(events) > 1 and parts) or (subject is not None and not parts):
            raise OwnEventError(
                "Append one event at least; words go with a single event, and a subject with words: say whose they are."
            )
        if key == "":
            raise OwnEventError("A key must not be empty: name what is recorded once, as 'gained:1'.")
        digest = "" if key is None else digest_of(key)
        for event in events:
            self._learn_event(type(event))
        body = None if not parts or subject in self._opted_out else Body(parts=parts)
        return tuple(
            Draft(envelope(event, words=bool(parts), key_digest=digest, nth=nth), body, subject if body else None)
            for nth, event in enumerate(events)
        )

    def read(self, recorded: Recorded) -> Event | None:
        """Return the own event that the log holds, if its class is known; raise OwnEventError where it does not fit."""
        event = recorded.event
        model = self._events.get(event.type) if type(event) is OwnRecorded else None
        return None if model is None else opened(model, recorded)

    def _learn_event(self, model: type[Event]) -> None:
        if not hasattr(model, "TYPE") or Event not in model.__mro__:
            raise OwnEventError(f"{model.__name__} is no class below bot.Event with a TYPE: use such classes.")
        self._learn(self._events, model.TYPE, model, OwnEventError)

    @staticmethod
    def _learn(known: dict[str, type[C]], name: str, model: type[C], error: type[EcholessError]) -> None:
        """Note which class a name is of; a module that was loaded anew brings the same class again."""
        before = known.setdefault(name, model)
        if before is not model:
            if (before.__module__, before.__qualname__) != (model.__module__, model.__qualname__):
                raise error(
                    f"{before.__module__}.{before.__qualname__} and {model.__module__}.{model.__qualname__} are both "
                    f"called {name}: give one of them another name."
                )
            known[name] = model

    def _appended(self, stream: str, appending: asyncio.Future[list[Appended]]) -> None:
        if appending.cancelled():
            return
        error = appending.exception()
        if error is None:
            for done in appending.result():
                self.hot.appended(stream, done.new)
        elif isinstance(error, VersionConflict):
            # Somebody else appended, as an erasure does. Who loads the state again has to see that.
            self.hot.forget(stream)

    async def _known(self, stream: str, drafts: Sequence[Draft]) -> tuple[Recorded, ...]:
        """Return the events of a stream that are recorded under the keys of drafts."""
        keys = [key for draft in drafts if (key := draft.event.key()) is not None]
        found = [each for key in keys for each in await self._log.reader.find(stream, key.kind, key.id)]
        return tuple(each for each in found if each.event.key() in keys)

    async def _current(self, hot: HotFold) -> AnyAt:
        """Bring a fold up to date, from memory where nothing is missing between."""
        try:
            at = None if hot.at is None else _advanced(hot.at, hot)
            size = hot.size
            while at is None:
                loaded = await own_folds.load(self._log.aside, hot.stream, hot.fold)
                size, at = len(encode(loaded.state) or ""), _advanced(loaded, hot)
        except BaseException:
            # Its events are read again by whoever asks next.
            self.hot.drop(hot)
            raise
        if at.version - at.snapshot_version >= hot.fold.EVERY:
            at = at._replace(snapshot_version=at.version)
            self._background.start(self._save(hot, at))
        self.hot.put(hot, at, size)
        return at

    async def _save(self, hot: HotFold, at: AnyAt) -> None:
        try:
            size = await self._log.save_own_snapshot(hot.stream, at)
        except EcholessError:
            # A snapshot is only a cache. Without it the next load folds more events.
            return
        self.hot.measure(hot, size)
        if not size and hot.fold.NAME not in self._unkept:
            self._unkept.add(hot.fold.NAME)
            _log.warning("own_fold.no_snapshot", fold=hot.fold.NAME, reason="its state does not come back from JSON")


def _advanced(at: AnyAt, hot: HotFold) -> AnyAt | None:
    """Return a state after the events that wait beside it; None where one is missing between."""
    new = [each for each in hot.waiting if each.version > at.version]
    hot.waiting.clear()
    if any(each.version != version for version, each in enumerate(new, at.version + 1)):
        return None
    return at._replace(state=folded(at.state, new), version=at.version + len(new)) if new else at


def require_stream(stream: str) -> str:
    """Return the name under which the log keeps an own stream; raise OwnEventError for a name that is none."""
    name = own_stream(str(stream))
    if name is None:
        raise OwnEventError(f"This is not the name of an own stream: give {OWN_STREAM_RULE}.")
    return name
