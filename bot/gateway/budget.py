"""What models may use in a day (UTC): tokens per person, channel and server, and the cost of all together.

What moderators have composed anew or rehearsed counts there too, and has a limit of its own. What a person has composed
anew counts as another answer to that person.

Usage is counted from the log's events, with failed attempts. After a restart the day is read again, from the newest
event backwards. An answer that is being written is not counted yet, so such answers can exceed a limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.core.conversation import Conversation
from bot.core.events import (
    AnswerRehearsed,
    ConversationSummarised,
    KeyKind,
    MessageReceived,
    Recorded,
    ReplyAbandoned,
    ReplyComposed,
    ReplyDelayed,
    ReplyRequested,
    ReplyRetried,
    SkipReason,
)
from bot.core.streams import channel_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.gateway.places import Place
from bot.responders.notice import TODAY
from bot.times import DAY, HOUR

_SET_BACK = HOUR
"""How far a clock may be set back. Events dated yesterday may then follow events dated today."""

_COUNTED = (ReplyComposed, ReplyDelayed, ReplyAbandoned, ConversationSummarised, AnswerRehearsed)


@dataclass(frozen=True, slots=True)
class Caps:
    """The limits of a day, in tokens and millionths of a dollar; None stands for no limit."""

    person: int | None = None
    channel: int | None = None
    server: int | None = None
    cost_micros: int | None = None
    moderators: int | None = None


@dataclass(slots=True)
class Budget:
    """Decides which messages get no answer because a limit of today is reached.

    ``server_of`` returns the server of a channel; ``clock`` returns microseconds since the epoch.
    """

    caps: Caps
    clock: Callable[[], int]
    server_of: Callable[[int], int | None]
    _day: int = -1
    _people: Counter[int] = field(default_factory=Counter)
    _channels: Counter[int] = field(default_factory=Counter)
    _servers: Counter[int] = field(default_factory=Counter)
    _cost: int = 0
    _moderators: int = 0
    _told: set[tuple[int, int]] = field(default_factory=set)

    def refusal(self, place: Place, person_id: int | None) -> SkipReason | None:
        """Return the limit that is reached for an answer by a model; ``person_id`` None: nobody asked for it."""
        self._turn()
        caps = self.caps
        reached = (
            (SkipReason.PERSON_BUDGET, self._people[person_id or 0], None if person_id is None else caps.person),
            (SkipReason.CHANNEL_BUDGET, self._channels[place.channel_id], caps.channel),
            (SkipReason.SERVER_BUDGET, self._servers[place.guild_id or 0], caps.server if place.guild_id else None),
            (SkipReason.DAY_BUDGET, self._cost, caps.cost_micros),
        )
        return next((reason for reason, spent, cap in reached if cap is not None and spent >= cap), None)

    def allows(self, channel_id: int) -> bool:
        """Tell whether a model may work in a channel although nobody asked."""
        return self.refusal(Place(channel_id, None, self.server_of(channel_id)), None) is None

    def forbids(self, channel_id: int) -> str:
        """Return the sentence with which moderators are refused a model's answer in a channel, "" if they are not."""
        self._turn()
        if self.caps.moderators is not None and self._moderators >= self.caps.moderators:
            return (
                f"What moderators had answered today has taken {self._moderators:,} tokens, and they may take "
                f"{self.caps.moderators:,} a day (limits.tokens_for_moderators): try again tomorrow (UTC)."
            )
        if self.allows(channel_id):
            return ""
        return "Models may use no more here today by the settings' [limits]: try again tomorrow (UTC)."

    def tell(self, channel_id: int, person_id: int) -> bool:
        """Tell whether the person has to be told of the limit: True once a day in each channel."""
        if (channel_id, person_id) in self._told:
            return False
        self._told.add((channel_id, person_id))
        return True

    def observe(self, channel_id: int, state: Conversation, new: tuple[Recorded, ...]) -> None:
        """Count the usage of new events in a channel."""
        for recorded in new:
            event = recorded.event
            # Most answers are those of rules, which use nothing.
            if isinstance(event, _COUNTED) and _counts(event):
                entry = state.pending(getattr(event, "message_id", 0))
                person_id = entry.author_id if entry else getattr(event, "author_id", 0)
                if isinstance(event, AnswerRehearsed):
                    person_id = event.moderator_id
                own = entry is not None and entry.own
                self._count(recorded, channel_id, person_id, self.server_of(channel_id), own=own)

    async def load(self, reader: Reader) -> None:
        """Count today's usage from before this process began."""
        if self.caps == Caps():
            return
        self._turn()
        written: list[Recorded] = []
        types = (*(each.TYPE for each in _COUNTED), ReplyRequested.TYPE, MessageReceived.TYPE)
        query = Query(types=types, newest_first=True)
        async for recorded in reader.events(query):
            # Reading stops at the first older event. A condition on the time would read them all.
            if recorded.recorded_at < self._day * DAY - _SET_BACK:
                break
            if isinstance(recorded.event, _COUNTED):
                written.append(recorded)
        for recorded in written:
            await self._recount(reader, recorded)

    async def _recount(self, reader: Reader, recorded: Recorded) -> None:
        channel_id = channel_of(recorded.stream)
        requests = await reader.find(recorded.stream, KeyKind.REQUESTED, recorded.correlation or 0)
        received = await reader.find(recorded.stream, KeyKind.RECEIVED, recorded.correlation or 0)
        if not received and recorded.correlation and (asked := await reader.message(recorded.correlation)):
            # A thread was opened for the answer, and the question stands in the channel above.
            received = [asked]
        people = [each.event.author_id for each in requests if isinstance(each.event, ReplyRequested)]
        if isinstance(recorded.event, AnswerRehearsed):
            people = [recorded.event.moderator_id]
        servers = [each.event.guild_id for each in received if isinstance(each.event, MessageReceived)]
        own = await self._is_own(reader, recorded)
        self._count(recorded, channel_id or 0, next(iter(people), 0), next(iter(servers), None), own=own)

    async def _is_own(self, reader: Reader, composed: Recorded) -> bool:
        """Tell whether an answer was composed anew for the person who asked the question."""
        if not isinstance(composed.event, ReplyComposed) or composed.event.generation == 1:
            return False
        query = Query(stream=composed.stream, types=(ReplyRetried.TYPE,), message_id=composed.event.message_id)
        asked = [each.event async for each in reader.events(query) if each.position < composed.position]
        return bool(asked) and isinstance(asked[-1], ReplyRetried) and asked[-1].own

    def _count(
        self, recorded: Recorded, channel_id: int, person_id: int, server_id: int | None, *, own: bool = False
    ) -> None:
        self._turn()
        event = recorded.event
        # If the clock was set back over midnight, events dated yesterday belong to the day that had begun.
        today = min(self._day, self.clock() // DAY)
        if not isinstance(event, _COUNTED) or recorded.recorded_at // DAY < today:
            return
        if isinstance(event, ReplyComposed) and event.responder == TODAY:
            self._told.add((channel_id, person_id))
        tokens = event.tokens_in + event.tokens_out
        self._people[person_id] += tokens
        self._channels[channel_id] += tokens
        self._servers[server_id or 0] += tokens
        self._cost += event.cost_micros
        anew = isinstance(event, ReplyComposed) and event.generation > 1 and not own
        if anew or isinstance(event, AnswerRehearsed):
            self._moderators += tokens

    def _turn(self) -> None:
        """Start counting anew when a day begins; a clock that is set back does not begin one."""
        today = self.clock() // DAY
        if today > self._day:
            self._day, self._cost, self._moderators = today, 0, 0
            for counted in (self._people, self._channels, self._servers, self._told):
                counted.clear()


def _counts(event: ReplyComposed | ReplyDelayed | ReplyAbandoned | ConversationSummarised | AnswerRehearsed) -> bool:
    """Tell whether an event changes what is counted."""
    used = event.tokens_in or event.tokens_out or event.cost_micros
    return bool(used) or (isinstance(event, ReplyComposed) and event.responder == TODAY)
