"""The composition root of one partition of the log: from settings to what answers its servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import structlog

from bot.app import from_settings
from bot.app.answers import Answers
from bot.app.backups import Backups
from bot.app.clock import clock as clock  # noqa: PLC0414 - it is looked up here
from bot.app.looking import look_through, say
from bot.app.page import RunningPage
from bot.app.responders import llm_settings
from bot.app.retention import Retention
from bot.app.tools import NOTHING_OFFERED, Offered, grants_of, tools_over
from bot.background import Background
from bot.config import Config, answering_version
from bot.consumers import Consumer
from bot.consumers.activity.reading import count_activity
from bot.consumers.consumers import Consumers
from bot.consumers.search import Search
from bot.conversations import Conversations
from bot.core.addressing import Own
from bot.errors import LogError
from bot.eventlog.log import EventLog
from bot.eventlog.reader import Reader
from bot.gateway.after_deletion import AfterDeletion
from bot.gateway.audit import Audit
from bot.gateway.budget import Budget, Caps
from bot.gateway.commands.access import AccessRules
from bot.gateway.commands.archived_threads import ArchivedThreads
from bot.gateway.commands.dispatcher import Dispatcher
from bot.gateway.commands.registration import Registration
from bot.gateway.commands.reply_buttons import ReplyButtons
from bot.gateway.commands.sight import Sight
from bot.gateway.commands.tree import Commands
from bot.gateway.current import CurrentClient
from bot.gateway.files import DiscordFiles
from bot.gateway.healing import Healer
from bot.gateway.sync import Sync
from bot.gateway.wiring import Wiring
from bot.moderation.context import CommandContext, ProcessStatus, WritableLog
from bot.moderation.control_socket import listening
from bot.replies.anchors import Anchors
from bot.replies.attachments import Attachments
from bot.replies.presses import Presses
from bot.replies.reply_chains import ReplyChains
from bot.responders import Chain, Condition
from bot.responders.notice import notices
from bot.telemetry import Health, Metrics, answer_log
from bot.telemetry.events import EventFeed

STOP_SECONDS = 7.0
"""Seconds for sends under way when the bot stops. With the snapshots after them, it exits within ten."""

_log = structlog.get_logger()


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
        llm=llm_settings(config.llm),
        granted=grants_of(config),
    )


class Beside(NamedTuple):
    """What a process has beside a bot.

    ``following`` are what follows its log, ``feed`` its events for others, ``offered`` the tools, ``page`` the page.
    """

    following: Sequence[Consumer] = ()
    feed: EventFeed | None = None
    offered: Offered = NOTHING_OFFERED
    page: RunningPage | None = None


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
        beside: Beside = Beside(),  # noqa: B008 - it can't be changed
    ) -> None:
        self._config = config
        if beside.feed is not None:
            log.on_committed.append(beside.feed.committed)
        self._answering = answering
        self._background, self._aside = Background(), Background()
        self.backups = Backups(config.backup, clock)
        self.consumers = Consumers(beside.following, clock)
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
        self.archived = ArchivedThreads(current, log.aside, self._aside)
        self.context = self._context(owner, beside, access)
        self.sync = Sync()
        self.healer = Healer(log, self.sync, self._complete, self.conversations.state)
        self.answers = Answers(config, self.context, current, answering, self.budget, self.sync)
        self.intake, self.replies = self.answers.intake, self.answers.replies
        self.after_deletion = AfterDeletion(
            log, self.conversations, self.intake.first_seen, answers=config.privacy.erase_answers
        )
        channel_id = config.log.anchor_channel
        self.anchors = Anchors(log, self.answers.sender, channel_id, clock) if channel_id else None
        self.audit = Audit(log, self.conversations, self.intake, config.audit.every) if config.audit.enabled else None
        self.dispatcher = Dispatcher(self.context, access)
        presses = Presses(self.conversations, log.reader)
        self.buttons = ReplyButtons(presses, self.dispatcher, self.intake, config.replies.words)
        self.wiring = self._wiring()
        self.complete: Callable[[frozenset[int], Wiring], None] = lambda _channels, _wiring: None
        self._listen()

    def _context(self, owner: WritableLog, beside: Beside, access: AccessRules) -> CommandContext:
        """Return what moderators' commands need in a process that owns the log."""
        llm, aside = self._config.llm, self.log.aside
        index = next((each for each in beside.following if isinstance(each, Search)), None)
        sight = partial(Sight, self.current, access, self.archived)
        return replace(
            reading_context(self._config, aside, self._answering),
            owner=owner,
            called=self._called,
            live=self._live,
            around=self.current.around,
            attachments=Attachments(aside, DiscordFiles(self.current), llm.attachments_bytes, images=llm.images),
            forbids=self.budget.forbids,
            following=self.consumers.following,
            index=index,
            tools=tools_over(self._config, beside.offered, aside, index, owner.opted_out),
            invite=partial(beside.page.invite, sight, lambda: self.context) if beside.page else None,
        )

    def _conversations(self) -> Conversations:
        kept = self._config.log
        return Conversations(
            self.log, hot_channels=kept.hot_channels, hot_bytes=kept.hot_bytes, snapshot_every=kept.snapshot_every
        )

    def _retention(self) -> Retention:
        ages, current = from_settings.ages(self._config), self.current
        return Retention(ages, self.log, self.conversations.record, current.around, current.connected, clock)

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
        await self.answers.interaction_replies.stop()
        if self.answers.summaries is not None:
            await self.answers.summaries.stop()

    async def close(self) -> None:
        """Take the last events, and save a snapshot of every hot channel. The client is closed by then."""
        await self.intake.stop()
        await self.after_deletion.stop()
        await self.conversations.close()

    def _wiring(self) -> Wiring:
        is_first = not self._config.partition
        registration = Registration(self._config.log.path, self._config.discord.api_url) if is_first else None
        asks = self.answers.interaction_replies if self._config.replies.ask else None
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
            on_available=self.archived.forget,
        )

    def _called(self, channel_id: int) -> Own:
        return self.current.called(channel_id, self._config.replies.names)

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
        self.answers.proxies.connected()
        self.archived.forget()
        self.current.connected.set()
        self._background.start(self.replies.recover())

    def _complete(self, channels: frozenset[int]) -> None:
        """Catch up channels whose messages could not be recorded, and go on with their replies."""
        self.complete(channels, self.wiring)
        self._background.start(self.replies.recover())

    def _listen(self) -> None:
        """Register everything that reacts to newly recorded events, in the order in which it is called."""
        appended, answers = self.conversations.on_appended, self.answers
        appended += [answers.interaction_replies.observe, self.replies.react, self.dispatcher.observe]
        if answers.summaries is not None:
            appended.append(answers.summaries.react)
        appended.append(self.after_deletion.observe)
        if self.audit is not None:
            appended.append(self.audit.observe)
        appended += [self.metrics.observe, answer_log(), self.budget.observe]
        appended += [answers.own_threads.observe, self.intake.first_seen.observe, self.archived.observe]
        self.conversations.on_composed.append(self.replies.composed)
        self.conversations.on_failed.append(self.healer.failed)
