"""The parts of a bot that take a message and answer it, wired: from the message's arrival to the worker that sends."""

from __future__ import annotations

import time
from dataclasses import replace

from bot.app import from_settings
from bot.config import Config
from bot.core.beginning import Beginning
from bot.core.delivery import Patience
from bot.gateway.budget import Budget
from bot.gateway.current import CurrentClient
from bot.gateway.intake import Intake
from bot.gateway.interaction_replies import InteractionReplies
from bot.gateway.judgement import Judgement, Servers
from bot.gateway.own_threads import OwnThreads
from bot.gateway.proxies import Around
from bot.gateway.quoted_messages import DiscordMessages
from bot.gateway.sender import DiscordSender
from bot.gateway.snowflakes import snowflake_at
from bot.gateway.sync import Sync
from bot.moderation.context import CommandContext
from bot.replies.composer import Composer
from bot.replies.context import ReplyContext
from bot.replies.endings import Endings
from bot.replies.notices import Notices
from bot.replies.pace import Pace
from bot.replies.place_settings import PlaceSettings
from bot.replies.quotes import Quotes
from bot.replies.service import Replies
from bot.replies.summaries import Summaries
from bot.replies.toolkit import ToolKit
from bot.responders import Chain


class Answers:
    """What answers the servers of one partition.

    ``context`` is that of moderators' commands, which share the log, its conversations and what is known of Discord.
    """

    def __init__(
        self,
        config: Config,
        context: CommandContext,
        current: CurrentClient,
        answering: Chain,
        budget: Budget,
        sync: Sync,
    ) -> None:
        self._config, self._context, self._current = config, context, current
        self._answering, self._budget = answering, budget
        owner = context.owned()
        self._log, self._conversations, self._opted_out = owner.log, owner.conversations, owner.opted_out
        composer, patience = self._composer(), from_settings.patience(config)
        opens = from_settings.opens_threads(config)
        self.own_threads = OwnThreads(self._log.reader, self._conversations, opens=opens, joins=config.replies.threads)
        around = Around(current.has_bot, current.server_of, sync)
        self.proxies = from_settings.proxies(config, self._conversations, self._log.reader, around, context.clock)
        self.intake = self._intake(composer, patience)
        self.sender = DiscordSender(current, self._log.is_owner, config.replies.words)
        self.interaction_replies = InteractionReplies(self.intake)
        self.replies = self._replies(composer, patience)
        self.summaries = self._summaries() if config.llm.summary else None

    def _composer(self) -> Composer:
        context, reader = self._context, self._log.reader
        messages = DiscordMessages(self._current, self._opted_out)
        return Composer(
            reader,
            context.responders,
            context.window,
            context.settings,
            PlaceSettings(reader, self._current.around),
            replace(context.attachments, reader=reader) if context.attachments else None,
            context.clock,
            Quotes(reader, messages),
            ToolKit(context.tools, reader, self._conversations.handle) if context.tools else None,
            replace(context.chains, reader=reader, source=messages) if context.chains else None,
        )

    def _intake(self, composer: Composer, patience: Patience) -> Intake:
        config, places = self._config, from_settings.places(self._config)
        judgement = Judgement(
            self._conversations,
            self._answering,
            places=places,
            limiter=from_settings.limiter(config, time.monotonic),
            terms=from_settings.terms(config, self._current.time, self._opted_out),
            budget=self._budget,
            # If consecutive messages are collected, the first must not be answered before the last has come.
            answered=composer.at_once if not patience.together_us else lambda _responder, _question: None,
            servers=Servers(self._current.own_role, self.proxies.present),
        )
        return Intake(
            self._log,
            self._conversations,
            judgement,
            places=places,
            opted_out=self._opted_out,
            threads=self.own_threads,
            proxies=self.proxies,
        )

    def _replies(self, composer: Composer, patience: Patience) -> Replies:
        config, began, clock = self._config, self._log.began, self._context.clock
        return Replies(
            ReplyContext(
                self._conversations,
                composer,
                self.sender,
                self.interaction_replies,
                patience,
                Pace(config.llm.edit_every.total_seconds()),
                clock,
                Notices(self.sender, config.replies.notices, clock, config.replies.answer_bots),
                self._context.called,
                self.proxies.wait,
                Beginning(began.at, snowflake_at(began.at), restored=began.restored),
                Endings(config.replies.buttons, config.replies.words),
            )
        )

    def _summaries(self) -> Summaries:
        return Summaries(self._conversations, self._log.reader, self._answering.members, self._summarises)

    def _summarises(self, channel_id: int) -> bool:
        """Tell whether a summary of a channel is read, and within its budget."""
        chained = self._context.chains is not None and self._current.around(channel_id).chained(None)
        return not chained and self._budget.allows(channel_id)
