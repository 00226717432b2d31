"""Turns the settings into the values that the parts of the bot need."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import timedelta

from bot.app.retention import Ages
from bot.config import Config, Rate
from bot.conversations import Conversations
from bot.core.delivery import Patience
from bot.core.events import Call
from bot.eventlog.reader import Reader
from bot.gateway.budget import Caps
from bot.gateway.client import Endpoint
from bot.gateway.commands.access import AccessRules, Named
from bot.gateway.invitation import Duties
from bot.gateway.judgement import Terms
from bot.gateway.limits import Bucket, Limiter
from bot.gateway.places import Places
from bot.gateway.pluralkit import PluralKit
from bot.gateway.proxies import PLURALKIT, TUPPERBOX, Around, Proxies
from bot.moderation.commands import FORGET_CONVERSATION, for_all
from bot.money import micros_of
from bot.times import length_of


def endpoint(config: Config) -> Endpoint:
    """Return Discord's endpoint from the settings."""
    return Endpoint(
        api_url=config.discord.api_url,
        gateway_url=config.discord.gateway_url,
        message_content=config.discord.message_content,
        request_timeout=config.replies.send_timeout,
        duties=Duties(
            answers=bool(config.replies.answer or config.replies.names or config.replies.answer_all),
            opens_threads=opens_threads(config),
        ),
    )


def opens_threads(config: Config) -> bool:
    """Tell whether the bot may open threads: for each conversation, or because ``/ask`` can ask for one."""
    return config.replies.open_threads or config.replies.ask


def places(config: Config) -> Places:
    """Return the places where the bot may record and answer."""
    channels = config.channels
    return Places(
        record=frozenset(channels.record),
        ignore=frozenset(channels.ignore),
        answer=frozenset(channels.answer),
        no_answer=frozenset(channels.no_answer),
    )


def access(config: Config) -> AccessRules:
    """Return who may use which command."""
    settings, none = config.moderation, frozenset[str]()
    own = frozenset((FORGET_CONVERSATION,))
    return AccessRules(
        permission=settings.permission,
        named=Named(frozenset(settings.roles), frozenset(settings.people)),
        commands={
            name: Named(frozenset(rule.roles), frozenset(rule.people)) for name, rule in settings.commands.items()
        },
        owners=frozenset(settings.owner),
        for_all=for_all() | (own if settings.forget_conversation == "everybody" else none),
        direct=own if settings.forget_conversation == "direct" else none,
    )


def terms(config: Config, clock: Callable[[], int], opted_out: Container[int] = frozenset()) -> Terms:
    """Return the terms of answering; ``clock`` returns microseconds since the epoch."""
    replies = config.replies
    answer = {Call(call) for call in replies.answer}
    if replies.own_role and Call.MENTION in answer:
        answer.add(Call.ROLE)
    return Terms(
        # These are asked for by settings of their own, which name nothing by default.
        answer=frozenset((*answer, Call.NAME, Call.CHANNEL, Call.THREAD)),
        answer_bots=replies.answer_bots,
        max_age_us=length_of(config.replies.max_age),
        room=config.limits.queue,
        clock=clock,
        opted_out=opted_out,
        names=replies.names,
        everywhere=frozenset(replies.answer_all),
        edits=replies.edits,
        bots=config.limits.bots_in_a_row,
        threads=replies.open_threads,
    )


def proxies(
    config: Config, conversations: Conversations, reader: Reader, around: Around, clock: Callable[[], int]
) -> Proxies:
    """Return what knows the copies of proxy bots; without a grace it knows none. ``clock`` returns microseconds."""
    replies = config.replies
    return Proxies(
        conversations,
        reader,
        around,
        ids=frozenset((PLURALKIT, TUPPERBOX, *replies.proxies)) if replies.proxy_grace else frozenset(),
        grace_us=length_of(replies.proxy_grace),
        clock=clock,
        pluralkit=PluralKit(replies.pluralkit_api) if replies.pluralkit_api else None,
    )


def limiter(config: Config, clock: Callable[[], float]) -> Limiter:
    """Return the limits of answers to channels and people; ``clock`` returns seconds of a monotonic clock."""

    def bucket(rate: Rate | None) -> Bucket | None:
        return None if rate is None else Bucket(rate.count, rate.per.total_seconds())

    return Limiter(bucket(config.limits.per_channel), bucket(config.limits.per_person), clock)


def caps(config: Config) -> Caps:
    """Return the limits of a day."""
    limits = config.limits
    cost = None if limits.cost_per_day is None else micros_of(limits.cost_per_day)
    return Caps(
        limits.tokens_per_person,
        limits.tokens_per_channel,
        limits.tokens_per_server,
        cost,
        limits.tokens_for_moderators,
    )


def ages(config: Config) -> Ages:
    """Return how long words are kept."""

    def length(age: timedelta | None) -> int | None:
        return None if age is None else length_of(age)

    kept = config.retention
    servers = {guild_id: length(age) for guild_id, age in kept.servers.items()}
    channels = {channel_id: length(age) for channel_id, age in kept.channels.items()}
    return Ages(length(kept.words), servers, channels)


def patience(config: Config) -> Patience:
    """Return how long and how often a reply is tried."""
    return Patience(
        max_age_us=length_of(config.replies.max_age),
        max_attempts=config.replies.max_attempts,
        together_us=length_of(config.limits.together),
    )
