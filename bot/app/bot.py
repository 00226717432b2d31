"""The composition root of one partition of the log: from settings to what answers its servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import structlog

from bot.app import from_settings
from bot.app.backups import Backups
from bot.app.looking import look_through, say
from bot.app.page import RunningPage
from bot.app.retention import Retention
from bot.app.tools import toolkit_of
from bot.background import Background
from bot.config import Config, answering_version
from bot.consumers import Consumer
from bot.consumers.activity.reading import count_activity
from bot.consumers.consumers import Consumers
from bot.consumers.scan import Scan
from bot.consumers.search import Search
from bot.conversations import Conversations
from bot.core.addressing import Own
from bot.core.beginning import Beginning
from bot.core.delivery import Patience
from bot.errors import LogError
from bot.eventlog.log import EventLog
from bot.eventlog.reader import Reader
from bot.gateway.after_deletion import AfterDeletion
from bot.gateway.audit import Audit
from bot.gateway.budget import Budget, Caps
from bot.gateway.commands.dispatcher import Dispatcher
from bot.gateway.commands.registration import Registration
from bot.gateway.commands.reply_buttons import ReplyButtons
from bot.gateway.commands.tree import Commands
from bot.gateway.current import CurrentClient
from bot.gateway.files import DiscordFiles
from bot.gateway.healing import Healer
from bot.gateway.intake import Intake
from bot.gateway.interaction_replies import InteractionReplies
from bot.gateway.judgement import Judgement, Servers
from bot.gateway.own_threads import OwnThreads
from bot.gateway.proxies import Around
from bot.gateway.quoted_messages import DiscordMessages
from bot.gateway.sender import DiscordSender
from bot.gateway.snowflakes import snowflake_at
from bot.gateway.sync import Sync
from bot.gateway.wiring import Wiring
from bot.moderation.context import CommandContext, ProcessStatus, WritableLog
from bot.moderation.control_socket import listening
from bot.moderation.recall import Recall
from bot.replies.anchors import Anchors
from bot.replies.attachments import Attachments
from bot.replies.composer import Composer
from bot.replies.context import ReplyContext
from bot.replies.endings import Endings
from bot.replies.notices import Notices
from bot.replies.pace import Pace
from bot.replies.place_settings import PlaceSettings
from bot.replies.presses import Presses
from bot.replies.quotes import Quotes
from bot.replies.reply_chains import ReplyChains
from bot.replies.service import Replies
from bot.replies.summaries import Summaries
from bot.replies.toolkit import ToolKit
from bot.responders import Chain, Condition
from bot.responders.notice import notices
from bot.telemetry import Health, Metrics, answer_log
from bot.telemetry.events import EventFeed

SCANNED = 2000
"""Events of a channel that the tool ``recall`` looks through where there is no index of words."""
STOP_SECONDS = 7.0
"""Seconds for sends under way when the bot stops. With the snapshots after them, it exits within ten."""

_log = structlog.get_logger()


def clock() -> int:
    """Return the time in microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


def reading_context(config: Config, reader: Reader, answering: Chain) -> CommandContext:
    """Return the context of moderators' commands for a log that is only read."""
    responders = (*answering.members, *notices())
    settings = answering_version(config)
    activity = partial(count_activity, reader, config.log.path)
    own, window = Own(names=config.replies.names), config.replies.window
    return CommandContext(
        config.log.path,
        reader,
        responders,
        window,
        settings,
        clock,
        activity,
        called=lambda _channel_id: own,
        chains=ReplyChains(reader, window) if config.replies.history == "chain" else None,
    )


class Bot:
    """Everything between the open log of one partition and the client that brings its events, wired.

    ``config`` are the settings as they are for that partition. ``complete`` has the client catch up channels.
    :meth:`running` is its life, :meth:`hush` and :meth:`close` are its end.
    """

    def __init__(
        self,
        config: Config,
        log: EventLog,
        answering: Chain,
        current: CurrentClient,
        metrics: Metrics,
        following: Sequence[Consumer] = (),
        feed: EventFeed | None = None,
        page: RunningPage | None = None,
    ) -> None:
        self._config = config
        if feed is not None:
            log.on_committed.append(feed.committed)
        self._answering = answering
        self._background, self._aside = Background(), Background()
        self.backups = Backups(config.backup, clock)
        self.consumers = Consumers(following, clock)
        self.current = current
        self.log = log
        log.reader.quarantine.on_found = say
        self.metrics = metrics
        self.conversations = self._conversations()
        self.retention = self._retention()
        owner = WritableLog(log, self.conversations)
        self._opted_out = owner.opted_out
        # Where no responder costs anything, no day has to be read from the log.
        caps = from_settings.caps(config) if any(each.costs for each in answering.members) else Caps()
        self.budget = Budget(caps, clock, self.current.server_of)
        access = from_settings.access(config)
        self.context = self._context(owner, following)
        if page is not None:
            self.context = replace(self.context, invite=partial(page.invite, current, access))
        self.sync = Sync()
        self.healer = Healer(log, self.sync, self._complete, self.conversations.state)
        self.tools = self._tools(self.context)
        composer, patience = self._composer(self.context), from_settings.patience(config)
        opens = from_settings.opens_threads(config)
        self.own_threads = OwnThreads(log.reader, self.conversations, opens=opens, joins=config.replies.threads)
        around = Around(self.current.has_bot, self.current.server_of, self.sync)
        self.proxies = from_settings.proxies(config, self.conversations, log.reader, around, clock)
        self.intake = self._intake(composer, patience)
        self.after_deletion = AfterDeletion(
            log, self.conversations, self.intake.first_seen, answers=config.privacy.erase_answers
        )
        sender = DiscordSender(self.current, log.is_owner, config.replies.words)
        self.interaction_replies = InteractionReplies(self.intake)
        self.replies = self._replies(composer, sender, patience)
        channel_id = config.log.anchor_channel
        self.anchors = Anchors(log, sender, channel_id, clock) if channel_id else None
        self.summaries = self._summaries() if config.llm.summary else None
        self.audit = Audit(log, self.conversations, self.intake, config.audit.every) if config.audit.enabled else None
        self.dispatcher = Dispatcher(self.context, access)
        presses = Presses(self.conversations, log.reader)
        self.buttons = ReplyButtons(presses, self.dispatcher, self.intake, config.replies.words)
        self.wiring = self._wiring()
        self.complete: Callable[[frozenset[int], Wiring], None] = lambda _channels, _wiring: None
        self._listen()

    def _context(self, owner: WritableLog, following: Sequence[Consumer]) -> CommandContext:
        """Return what moderators' commands need in a process that owns the log."""
        return replace(
            reading_context(self._config, self.log.aside, self._answering),
            owner=owner,
            called=self._called,
            live=self._live,
            around=self.current.around,
            attachments=self._attachments(self.log.aside),
            forbids=self.budget.forbids,
            following=self.consumers.following,
            index=next((each for each in following if isinstance(each, Search)), None),
        )

    def _conversations(self) -> Conversations:
        kept = self._config.log
        return Conversations(
            self.log, hot_channels=kept.hot_channels, hot_bytes=kept.hot_bytes, snapshot_every=kept.snapshot_every
        )

    def _retention(self) -> Retention:
        ages, current = from_settings.ages(self._config), self.current
        return Retention(ages, self.log, self.conversations.record, current.around, current.connected, clock)

    def _intake(self, composer: Composer, patience: Patience) -> Intake:
        config, places = self._config, from_settings.places(self._config)
        judgement = Judgement(
            self.conversations,
            self._answering,
            places=places,
            limiter=from_settings.limiter(config, time.monotonic),
            terms=from_settings.terms(config, self.current.time, self._opted_out),
            budget=self.budget,
            # If consecutive messages are collected, the first must not be answered before the last has come.
            answered=composer.at_once if not patience.together_us else lambda _responder, _question: None,
            servers=Servers(self.current.own_role, self.proxies.present),
        )
        return Intake(
            self.log,
            self.conversations,
            judgement,
            places=places,
            opted_out=self._opted_out,
            threads=self.own_threads,
            proxies=self.proxies,
        )

    def _replies(self, composer: Composer, sender: DiscordSender, patience: Patience) -> Replies:
        config, began = self._config, self.log.began
        return Replies(
            ReplyContext(
                self.conversations,
                composer,
                sender,
                self.interaction_replies,
                patience,
                Pace(config.llm.edit_every.total_seconds()),
                clock,
                Notices(sender, config.replies.notices, clock, config.replies.answer_bots),
                self._called,
                self.proxies.wait,
                Beginning(began.at, snowflake_at(began.at), restored=began.restored),
                Endings(config.replies.buttons, config.replies.words),
            )
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do within the context what the bot does beside taking events and answering them."""
        try:
            await self.budget.load(self.log.reader)
        except LogError as error:
            # A damaged page is no reason to be silent. What was used before is not counted then.
            _log.error("budget.unreadable", reason=str(error))
        # Without knowing who opted out, their words would be recorded: that is a reason not to start.
        await self._opted_out.load(self.log.reader)
        await self.after_deletion.resume()
        async with self.consumers.of(self.log):
            if self.anchors is not None:
                self._aside.start(self.anchors.run(), "anchors")
            self._aside.start(look_through(self.log.aside), "look")
            yield

    @asynccontextmanager
    async def commanded(self) -> AsyncIterator[None]:
        """Take commands on the socket, and erase old words, within the context."""
        async with listening(self.context, self._config.log.path), self.retention.running():
            yield

    def health(self) -> Health:
        """Return the health of the bot, for ``/healthz``."""
        connected = self.current.connected.is_set()
        cause = self.current.reconnects.cause
        away = "" if connected else f"the gateway is not connected. {cause}".rstrip()
        return Health(
            gateway="connected" if connected else "disconnected",
            log="unwritable" if self.healer.trouble or self.log.trouble else "writable",
            pending=self.conversations.pending,
            model="; ".join(self.models_away()),
            backup=self.backups.trouble,
            reading="; ".join(self.healer.unread.values()),
            unreadable=len(self.log.reader.quarantine.events),
            retention=self.retention.trouble,
            consumers=self.consumers.trouble,
            reasons=tuple(trouble for trouble in (away, self.log.trouble, self.healer.trouble) if trouble),
        )

    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions of the models that answers depend on."""
        return tuple(condition for each in self._answering.members for condition in each.condition())

    def models_away(self) -> list[str]:
        """Return which of them are away, and why."""
        return [f"{each.name}: {each.trouble}" for each in self.conditions() if each.trouble]

    async def hush(self) -> None:
        """Let sends and commands end that are under way, while the client still lives."""
        self.healer.stop()
        await self._aside.cancel()
        ending = (self.replies, self.dispatcher, self.buttons)
        await asyncio.gather(*(each.stop(STOP_SECONDS) for each in ending))
        await self.interaction_replies.stop()
        if self.summaries is not None:
            await self.summaries.stop()

    async def close(self) -> None:
        """Take the last events, and save a snapshot of every hot channel. The client is closed by then."""
        await self.intake.stop()
        await self.after_deletion.stop()
        await self.conversations.close()
        if self.tools is not None:
            await self.tools.close()

    def _wiring(self) -> Wiring:
        is_first = not self._config.partition
        registration = Registration(self._config.log.path, self._config.discord.api_url) if is_first else None
        asks = self.interaction_replies if self._config.replies.ask else None
        return Wiring(
            log=self.log,
            conversations=self.conversations,
            intake=self.intake,
            sync=self.sync,
            audit=self.audit,
            on_ready=self._ready,
            on_lost=self.current.connected.clear,
            after_deletion=self.after_deletion,
            commands=Commands(self.dispatcher, registration, asks, self.buttons),
        )

    def _composer(self, context: CommandContext) -> Composer:
        reader, messages = self.log.reader, DiscordMessages(self.current, self._opted_out)
        return Composer(
            reader,
            context.responders,
            context.window,
            context.settings,
            PlaceSettings(reader, self.current.around),
            self._attachments(reader),
            clock,
            Quotes(reader, messages),
            self.tools,
            replace(context.chains, reader=reader, source=messages) if context.chains else None,
        )

    def _tools(self, context: CommandContext) -> ToolKit | None:
        aside = self.log.aside
        scan = Scan(aside, 0, limit=SCANNED)
        recall = Recall(aside, context.index, scan, self._opted_out)
        return toolkit_of(self._config, self.log.reader, self.conversations.handle, recall.tool())

    def _attachments(self, reader: Reader) -> Attachments:
        llm = self._config.llm
        return Attachments(reader, DiscordFiles(self.current), llm.attachments_bytes, images=llm.images)

    def _called(self, channel_id: int) -> Own:
        return self.current.called(channel_id, self._config.replies.names)

    def _summaries(self) -> Summaries:
        return Summaries(self.conversations, self.log.reader, self._answering.members, self._summarises)

    def _summarises(self, channel_id: int) -> bool:
        """Tell whether a summary of a channel is read, and within its budget."""
        chained = self.context.chains is not None and self.current.around(channel_id).chained(None)
        return not chained and self.budget.allows(channel_id)

    def _live(self) -> ProcessStatus:
        return ProcessStatus(
            connected=self.current.connected.is_set(),
            hot_channels=self.conversations.hot,
            waiting=self.conversations.waiting,
            working=self.replies.working,
            trouble=(*self.health().reasons, *self.healer.unread.values()),
            models=self.conditions(),
            retention=self.retention.status,
        )

    def _ready(self) -> None:
        self.proxies.connected()
        self.current.connected.set()
        self._background.start(self.replies.recover())

    def _complete(self, channels: frozenset[int]) -> None:
        """Catch up channels whose messages could not be recorded, and go on with their replies."""
        self.complete(channels, self.wiring)
        self._background.start(self.replies.recover())

    def _listen(self) -> None:
        """Register everything that reacts to newly recorded events, in the order in which it is called."""
        appended = self.conversations.on_appended
        appended += [self.interaction_replies.observe, self.replies.react, self.dispatcher.observe]
        if self.summaries is not None:
            appended.append(self.summaries.react)
        appended.append(self.after_deletion.observe)
        if self.audit is not None:
            appended.append(self.audit.observe)
        appended += [self.metrics.observe, answer_log(), self.budget.observe]
        appended += [self.own_threads.observe, self.intake.first_seen.observe]
        self.conversations.on_composed.append(self.replies.composed)
        self.conversations.on_failed.append(self.healer.failed)
