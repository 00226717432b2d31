"""What a message becomes: whether it is addressed to the bot, who answers it, and what forbids that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container
from dataclasses import dataclass, replace

from bot.conversations import Conversations
from bot.core.addressing import (
    ADDED,
    OVERHEARD,
    Address,
    Own,
    call_of,
    is_named,
    mentions_bot,
    mentions_role,
    refusal_of,
    without_call,
)
from bot.core.commands import Compose, Receive
from bot.core.events import Author, Call, Role, SkipReason, Via
from bot.core.proxying import Original
from bot.core.seen import shown_lines
from bot.gateway.budget import Budget
from bot.gateway.incoming import Incoming
from bot.gateway.limits import Limiter
from bot.gateway.places import Place, Places
from bot.gateway.proxies import Found
from bot.gateway.unanswering import NOTHING_FOUND, Unanswering, withheld
from bot.responders import Attached, Chain, Question, Responder, notice

NEW = (Via.LIVE, Via.AHEAD)
"""How messages arrive that were posted just now."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings about answering; ``clock`` returns microseconds since the epoch.

    What people in ``opted_out`` write is recorded without words and not answered. ``names`` are the bot's; places in
    ``everywhere`` need no mention; ``edits``: a mention may be added by an edit; ``bots`` is how many answers bots get
    in a row. ``threads``: each conversation has a thread of its own, which is opened for the answer.
    """

    answer: Collection[Call]
    answer_bots: bool
    max_age_us: int
    room: int
    clock: Callable[[], int]
    opted_out: Container[int] = frozenset()
    names: tuple[str, ...] = ()
    everywhere: Collection[int] = frozenset()
    edits: bool = False
    bots: int = 3
    threads: bool = False


@dataclass(frozen=True, slots=True)
class Servers:
    """What is asked of a server: the id of the role that only the bot has there, and whether a proxy bot is there."""

    own_role: Callable[[int | None], int]
    proxied: Callable[[int | None], bool]


class Judgement(Unanswering):
    """Decides what a message becomes; ``answered`` returns an answer that is there at once, None if there is none."""

    def __init__(
        self,
        conversations: Conversations,
        answering: Chain,
        *,
        places: Places,
        limiter: Limiter,
        budget: Budget,
        terms: Terms,
        servers: Servers,
        answered: Callable[[Responder, Question], Compose | None],
    ) -> None:
        super().__init__(terms.opted_out)
        self._conversations = conversations
        self._answering = answering
        self._places = places
        self._limiter = limiter
        self._terms = terms
        self._budget = budget
        self._answered = answered
        self._servers = servers
        self._roleless = Own(names=terms.names)

    def of_message(
        self, incoming: Incoming, place: Place, via: Via, own_id: int, found: Found = NOTHING_FOUND
    ) -> Receive:
        """Return the command for a message that somebody posted, with what was looked up for it."""
        own = self._own(incoming, place, own_id)
        if incoming.author_id in self._opted_out:
            address = self._address(incoming, place, own, own_thread=found.own_thread)
            return self._withheld(incoming, via, call_of(address, self._terms.answer))
        question = _question(incoming, own)
        unasked = None if incoming.author is Author.SELF else self._answering.choose(question, addressed=False)
        address = self._address(incoming, place, own, claimed=unasked is not None, own_thread=found.own_thread)
        call = call_of(address, self._terms.answer)
        if found.original is not None:
            call = _with(found.original, call)
        if call is None:
            # Most messages of a busy server end here.
            return Receive(incoming.received(via), incoming.body)
        chosen = unasked if call is Call.RULE else self._chosen(question, unasked)
        if address.claimed is (chosen is None):
            address = address._replace(claimed=chosen is not None)
        if call in OVERHEARD and self._forbidden(address, place) is not None:
            return Receive(incoming.received(via), incoming.body)
        command = self._asked(incoming, place, via, call, address, question, chosen, found)
        command.original_id = found.original.message_id if found.original and found.original.waits else 0
        return command

    def of_command(self, incoming: Incoming, place: Place, via: Via, *, thread: bool | None = None) -> Receive:
        """Return the command for a question by ``/ask``; ``thread`` None: the settings say whether one is opened."""
        if incoming.author_id in self._terms.opted_out:
            return self._withheld(incoming, via, Call.ASK)
        question = _question(incoming, Own())
        chosen = self._answering.choose(question, addressed=True)
        address = Address(incoming.author, incoming.kind, place.direct, False, True, chosen is not None)  # noqa: FBT003
        command = self._asked(incoming, place, via, Call.ASK, address, question, chosen)
        if thread is not None and via is not Via.WHISPER:
            command.thread = thread
        return command

    def adds(self, incoming: Incoming, place: Place, own_id: int) -> bool:
        """Tell whether the words of an edited message address it to the bot, which those before may not have done."""
        if not self._terms.edits or incoming.author_id in self._terms.opted_out:
            return False
        address = self._address(incoming, place, self._own(incoming, place, own_id))
        return call_of(address, self._terms.answer) in ADDED

    def of_edit(self, incoming: Incoming, place: Place, via: Via, own_id: int) -> Receive:
        """Return the command for a message whose edit addresses it to the bot, as if it were received now."""
        # Whoever edits an old message sees at once that it stays unanswered, as one that was missed.
        asks = self.of_message(incoming, place, Via.AUDIT if self._stale(incoming) else via, own_id)
        return replace(asks, answer=None)

    def allows_again(self, place: Place, person_id: int, press_id: int, responder: str) -> bool:
        """Tell whether a person may have another answer of a responder; ``press_id`` counts once among the limits."""
        chosen = next((each for each in self._answering.members if each.name == responder), None)
        if person_id in self._terms.opted_out or not self._places.answers(place):
            return False
        if chosen is not None and chosen.costs and self._budget.refusal(place, person_id) is not None:
            return False
        return self._limiter.refusal(place.channel_id, person_id, press_id) is None

    def _asked(
        self,
        incoming: Incoming,
        place: Place,
        via: Via,
        call: Call,
        address: Address,
        question: Question,
        chosen: Responder | None,
        found: Found = NOTHING_FOUND,
    ) -> Receive:
        """Return the command for a message that is addressed to the bot."""
        if found.original is not None:
            person_id = _person_id(incoming)
            self._limiter.carry(found.original.message_id, incoming.message_id, incoming.channel_id, person_id)
        stale = via in (Via.CATCHUP, Via.AUDIT) and self._stale(incoming)
        refusal, told_by = self._refusal(address, place, incoming, chosen, stale=stale)
        command = Receive(
            event=incoming.received(via),
            body=incoming.body,
            call=call,
            responder=(chosen or self._answering.first).name,
            refusal=refusal,
            notice=told_by,
            stale=stale,
            room=self._terms.room,
            bots=self._terms.bots,
            thread=self._opens(incoming, place, via, call),
        )
        # Another process may have answered an older message. Only a look into the channel can tell.
        # Where a proxy bot is, the message may be an original, and its copy is answered instead.
        if chosen is not None and refusal is None and via in NEW:
            original = not found.copied and self._servers.proxied(place.guild_id)
            command.answer = None if original or command.thread else self._answered(chosen, question)
        return command

    def _opens(self, incoming: Incoming, place: Place, via: Via, call: Call) -> bool:
        """Tell whether a thread is opened for an answer: not to bots, and not where a conversation goes on already."""
        if not self._terms.threads or call in (Call.RULE, Call.REPLY) or via is Via.WHISPER:
            return False
        return incoming.author is Author.PERSON and not place.direct and place.parent_id is None

    def _withheld(self, incoming: Incoming, via: Via, call: Call | None) -> Receive:
        """Return the command to record that a person who opted out wrote something, without what it was."""
        return replace(
            withheld(incoming, via),
            call=call,
            responder=self._answering.first.name,
            refusal=SkipReason.OPTED_OUT,
        )

    def _chosen(self, question: Question, unasked: Responder | None) -> Responder | None:
        """Return the responder for a message addressed to the bot; ``unasked`` answers even messages that are not."""
        if unasked is self._answering.first:
            return unasked
        return self._answering.choose(question, addressed=True)

    def _own(self, incoming: Incoming, place: Place, own_id: int) -> Own:
        """Return what calls the bot; its role is looked for only where one is mentioned."""
        if incoming.mention_roles:
            return Own(own_id, self._servers.own_role(place.guild_id), self._terms.names)
        if self._roleless.bot_id != own_id:
            self._roleless = Own(own_id, 0, self._terms.names)
        return self._roleless

    def _address(
        self, incoming: Incoming, place: Place, own: Own, *, claimed: bool = False, own_thread: bool = False
    ) -> Address:
        everywhere = self._terms.everywhere
        return Address(
            author=incoming.author,
            kind=incoming.kind,
            direct=place.direct,
            replies_to_bot=incoming.replies_to_bot or self._replies_to_known(incoming),
            # Most messages mention nobody, and most bots have no name beside their own.
            mentions_bot=bool(incoming.mentions) and mentions_bot(incoming.text, own.bot_id, incoming.mentions),
            claimed=claimed,
            mentions_role=own.role_id != 0 and mentions_role(incoming.text, own.role_id, incoming.mention_roles),
            named=bool(own.names) and is_named(incoming.text, own.names),
            everywhere=bool(everywhere) and place.within(everywhere),
            own_thread=own_thread,
        )

    def _forbidden(self, address: Address, place: Place) -> SkipReason | None:
        return refusal_of(address, answers_here=self._places.answers(place), answers_bots=self._terms.answer_bots)

    def _refusal(
        self, address: Address, place: Place, incoming: Incoming, chosen: Responder | None, *, stale: bool
    ) -> tuple[SkipReason | None, str]:
        """Return why a message to the bot gets no answer, and the responder that tells its author ("": none)."""
        refusal = self._forbidden(address, place)
        if refusal is not None or stale:
            return refusal, ""
        if chosen is not None and chosen.costs:
            refusal = self._budget.refusal(place, incoming.author_id)
            if refusal is not None:
                first = self._budget.tell(incoming.channel_id, incoming.author_id)
                return refusal, notice.TODAY if first else ""
        person_id = _person_id(incoming)
        refusal = self._limiter.refusal(incoming.channel_id, person_id, incoming.message_id)
        if refusal is None or not self._limiter.tell(incoming.channel_id, person_id):
            return refusal, ""
        return refusal, notice.NAME

    def _replies_to_known(self, incoming: Incoming) -> bool:
        """Tell whether it replies to a message of the bot that Discord did not include."""
        state = self._conversations.peek(incoming.channel_id) if incoming.reply_to else None
        turn = state.turn(incoming.reply_to) if state and incoming.reply_to else None
        return turn is not None and turn.role is Role.BOT

    def _stale(self, incoming: Incoming) -> bool:
        return self._terms.clock() - incoming.sent_at > self._terms.max_age_us


def _with(original: Original, call: Call | None) -> Call | None:
    """Return what addresses a copy to the bot; it has no reference, and is a reply if its original was one."""
    if original.answered:
        return None
    spoken = original.call not in (None, Call.RULE)
    return original.call if spoken and call in (None, Call.RULE) else call


def _person_id(incoming: Incoming) -> int:
    """Return a number that stands for a person; those whom only a proxy bot knows share a webhook, not a name."""
    unknown = incoming.application_id and incoming.author is Author.PERSON
    return hash((incoming.author_id, incoming.name)) if unknown else incoming.author_id


def _question(incoming: Incoming, own: Own) -> Question:
    return Question(
        channel_id=incoming.channel_id,
        message_id=incoming.message_id,
        author_id=incoming.author_id,
        author=incoming.name,
        text=without_call(incoming.text, own),
        reply_to=incoming.reply_to,
        files=tuple([Attached(file.content_type, file.size) for file in incoming.attachments]),
        shown=shown_lines(incoming.shown) if incoming.shown else "",
    )
