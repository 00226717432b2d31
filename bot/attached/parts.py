"""The parts of a log that is attached to a client of others, wired: it records, and answers nothing by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from bot.attached.effects import effects_of
from bot.attached.posts import Posts
from bot.background import Background
from bot.config import Config
from bot.conversations import Conversations
from bot.core.addressing import Own
from bot.core.beginning import Beginning
from bot.core.delivery import Patience
from bot.core.sharding import Sharding
from bot.eventlog.log import EventLog
from bot.gateway.after_deletion import AfterDeletion
from bot.gateway.attached import AnyClient
from bot.gateway.audit import Audit
from bot.gateway.current import CurrentClient
from bot.gateway.deliveries import Deliveries, forget
from bot.gateway.healing import Healer
from bot.gateway.intake import Intake
from bot.gateway.interaction_replies import InteractionReplies
from bot.gateway.own_threads import OwnThreads
from bot.gateway.places import Places
from bot.gateway.proxies import Around, Proxies
from bot.gateway.sender import DiscordSender
from bot.gateway.snowflakes import snowflake_at
from bot.gateway.sync import Sync
from bot.gateway.unanswering import Unanswering
from bot.gateway.wiring import Bounds, Wiring, Wirings
from bot.moderation.opted_out import OptedOut
from bot.replies.composer import Composer
from bot.replies.context import ReplyContext
from bot.replies.notices import Notices
from bot.replies.pace import Pace
from bot.replies.service import Replies
from bot.responders import Context, Question, Responder
from bot.times import length_of

STOP_SECONDS = 7.0
"""Seconds for sends under way when the log is closed."""


class Nobody(Responder):
    """Answers nothing: what a bot left unanswered in this log is given up here."""

    name = "nobody"

    def answer(self, question: Question, context: Context) -> None:
        """Return no answer."""
        del question, context


class Settings(NamedTuple):
    """The settings that count for an attached log: those that a bot has by default."""

    config: Config
    clock: Callable[[], int]


class Parts:
    """Everything between an open log and the client that brings its events.

    With ``observe`` nothing is sent, with ``redeliver`` handlers are followed. ``complete`` has the client catch up
    channels.
    """

    def __init__(
        self, log: EventLog, current: CurrentClient, settings: Settings, *, observe: bool, redeliver: bool
    ) -> None:
        config = settings.config
        self.log = log
        self.clock = settings.clock
        self.current = current
        self._background, self._aside = Background(), Background()
        self.conversations = Conversations(log)
        self.opted_out = OptedOut()
        self.sync = Sync()
        self.complete: Callable[[frozenset[int], Wiring], None] = lambda _channels, _wiring: None
        self.healer = Healer(log, self.sync, self._complete, self.conversations.state)
        self.intake = self._intake(settings.clock)
        self.after_deletion = AfterDeletion(
            log, self.conversations, self.intake.first_seen, answers=config.privacy.erase_answers
        )
        self.audit = Audit(log, self.conversations, self.intake, config.audit.every)
        self.replies = None if observe else self._replies(settings)
        self.wiring = Wiring(
            log=log,
            conversations=self.conversations,
            intake=self.intake,
            sync=self.sync,
            audit=self.audit,
            on_ready=self._ready,
            on_lost=current.connected.clear,
            after_deletion=self.after_deletion,
        )
        self.deliveries = Deliveries(log, snowflake_at(log.began.at)) if redeliver else None
        self.posts = Posts(self.conversations, log.reader, current.time)
        self.effects = effects_of(log, current, settings.clock, self.posts.post)
        self._listen()

    def wirings(self, settings: Settings) -> Wirings:
        """Return what the client reports to; catch-ups reach as far back as a bot's."""
        catchup, time = settings.config.catchup, self.current.time
        bounds = Bounds(length_of(catchup.max_age), catchup.max_messages, catchup.concurrency, time)
        return Wirings({0: self.wiring}, Sharding(), bounds, time.hear)

    def _intake(self, clock: Callable[[], int]) -> Intake:
        conversations, reader = self.conversations, self.log.reader
        around = Around(self.current.has_bot, self.current.server_of, self.sync)
        return Intake(
            self.log,
            conversations,
            Unanswering(self.opted_out),
            places=Places(),
            threads=OwnThreads(reader, conversations, opens=False, joins=False),
            proxies=Proxies(conversations, reader, around, ids=frozenset(), grace_us=0, clock=clock),
            opted_out=self.opted_out,
            shared=True,
        )

    def _replies(self, settings: Settings) -> Replies:
        config, clock, began = settings.config, settings.clock, self.log.began
        sender = DiscordSender(self.current)
        patience = Patience(length_of(config.catchup.max_age), config.replies.max_attempts)
        return Replies(
            ReplyContext(
                self.conversations,
                Composer(self.log.reader, (Nobody(),), config.replies.window),
                sender,
                InteractionReplies(self.intake),
                patience,
                Pace(config.llm.edit_every.total_seconds()),
                clock,
                Notices(sender, {}, clock),
                lambda _channel_id: Own(self.current.own_id),
                beginning=Beginning(began.at, snowflake_at(began.at), restored=began.restored),
            )
        )

    async def begin(self, client: AnyClient) -> None:
        """Read from the log what has to be known before the first event, and begin to audit."""
        # Without knowing who opted out, their words would be recorded.
        await self.opted_out.load(self.log.reader)
        await self.after_deletion.resume()
        await (self.deliveries.load() if self.deliveries is not None else forget(self.log))
        self._aside.start(self.audit.run(client), "audit")
        if self.replies is not None:
            self.effects.start()

    async def hush(self) -> None:
        """Let sends end that are under way, while the client still lives."""
        if self.deliveries is not None:
            self.deliveries.freeze()
        self.healer.stop()
        await self._aside.cancel()
        ending = [self.effects.stop(STOP_SECONDS)]
        if self.replies is not None:
            ending.append(self.replies.stop(STOP_SECONDS))
        await asyncio.gather(*ending)
        self.posts.close()

    async def end(self) -> None:
        """Take the last events, and save a snapshot of every hot channel."""
        await self.intake.stop()
        await self.after_deletion.stop()
        await self.conversations.close()
        await self._background.end()
        if self.deliveries is not None:
            await self.deliveries.close()

    def _ready(self) -> None:
        self.current.connected.set()
        self._recover()

    def _complete(self, channels: frozenset[int]) -> None:
        self.complete(channels, self.wiring)
        self._recover()

    def _recover(self) -> None:
        """Go on with the replies that are unfinished."""
        if self.replies is not None:
            self._background.start(self.replies.recover())

    def _listen(self) -> None:
        """Register everything that reacts to newly recorded events, in the order in which it is called."""
        appended = self.conversations.on_appended
        if self.replies is not None:
            appended.append(self.replies.react)
            self.conversations.on_composed.append(self.replies.composed)
        appended += [self.after_deletion.observe, self.audit.observe, self.intake.first_seen.observe]
        appended.append(self.posts.observe)
        if self.deliveries is not None:
            appended.append(self.deliveries.observe)
        self.conversations.on_failed.append(self.healer.failed)
