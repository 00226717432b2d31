"""Turns a requested reply into the text of its parts: it reads question and history, and asks the responder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

from bot.core.addressing import Own, answer_key, without_call
from bot.core.commands import Compose, Spent
from bot.core.conversation import Conversation
from bot.core.ending import unfinished, with_room
from bot.core.events import Body, KeyKind, ReplyComposed
from bot.core.outbox import Pending
from bot.core.seen import shown_lines, spoken
from bot.core.sources import parts_without_sources, sources_of, with_sources
from bot.core.streams import stream_of
from bot.core.threads import title_of
from bot.eventlog.reader import Bodies, Reader
from bot.replies.attachments import Attachments, Fetched, attached
from bot.replies.cutting import cut, parts_of
from bot.replies.place_settings import PlaceSettings, Surroundings
from bot.replies.quotes import Quotes
from bot.replies.reading import NoWords, edits_of, find_asked, newest_words, summary_of, utterances
from bot.replies.reply_chains import ReplyChains
from bot.replies.toolkit import Calling
from bot.responders.ask import Show, ask, at_once
from bot.responders.llm.tokens import estimate
from bot.responders.protocol import Absence, Answer, Context, Question, Responder, Utterance, never


@dataclass(frozen=True, slots=True)
class Composer:
    """Asks responders, once for each reply, and reads recorded answers.

    ``responders`` are found by name; a reply whose responder no longer exists goes to the first one. ``settings`` is
    the hash of the settings, which is recorded with each answer. ``places`` finds the persona and the model that are
    set for a channel; ``clock`` returns microseconds since the epoch. ``quotes`` finds messages that a question refers
    to, ``tools`` makes the calls of tools (None: there are none). ``chains`` finds the replies that lead to a question,
    which are then its history in place of the window (None: the window is). ``rehearsing``: answers are not sent.
    """

    reader: Reader
    responders: Sequence[Responder]
    window: int
    settings: str = ""
    places: PlaceSettings | None = None
    attachments: Attachments | None = None
    clock: Callable[[], int] = lambda: 0
    quotes: Quotes | None = None
    tools: Calling | None = None
    chains: ReplyChains | None = None
    rehearsing: bool = False

    def streams(self, entry: Pending) -> bool:
        """Tell whether an answer may be shown while it is written.

        An answer to a command may not: its response is one message, and a text that is too long is cut only at the end.
        """
        return not entry.asked

    def costs(self, entry: Pending) -> bool:
        """Tell whether the answer will cost money."""
        return self._responder(entry.responder).costs

    def begins_in(self, channel_id: int) -> int:
        """Return the channel that holds the message with which a thread began (0: it is no thread)."""
        return self.places.around(channel_id).begins_in if self.places else 0

    def absence(self, entry: Pending) -> Absence | None:
        """Return why the responder can't answer just now because a service is away, None if it can."""
        return self._responder(entry.responder).absence()

    async def compose(
        self,
        state: Conversation,
        channel_id: int,
        entries: Sequence[Pending],
        own: Own,
        show: Show | None = None,
        stopped: Callable[[], bool] = never,
    ) -> Compose | None:
        """Return the answer to record, or None when the responder has none; raises the responder's errors.

        Several ``entries`` are asked as one question, if the responder takes it, and answered as the first of them.
        ``own`` is what calls the bot, which the responder does not see. ``show`` is called with each new piece of the
        answer; ``stopped`` tells whether the rest is not wanted any more.
        """
        entry = entries[0]
        responder = self._responder(entry.responder)
        questions = await self._questions(channel_id, entries, own)
        question = questions[0]._replace(
            text="\n".join(each.text for each in questions if each.text or not each.shown),
            files=tuple(file for each in questions for file in each.files),
            shown="\n".join(each.shown for each in questions if each.shown),
            names={mark: name for each in questions for mark, name in each.names.items()},
            edits=sum(each.edits for each in questions),
            reply_to=next((each.reply_to for each in questions if each.reply_to), None),
        )
        if len(entries) > 1 and not responder.claims(question):
            entries, question = entries[:1], questions[0]
        context, origins = Context(), dict[str, int]()
        before, earlier = await self.before(entry)
        if responder.wants_history:
            context, origins = await self._context(state, channel_id, entries, responder, question, own.bot_id)
            context = replace(
                context,
                stopped=stopped,
                so_far=unfinished("\n".join(before)),
                key=answer_key([each.message_id for each in entries], entry.generation, question.edits),
                generation=entry.generation,
                rehearsal=self.rehearsing,
            )
        answer = await ask(responder, question, context, show)
        parts = parts_of(entry, answer, self._with_sources(answer.text, context, earlier), before) if answer else ()
        if answer is None or not parts:
            return None
        event = self._composed(entry.message_id, responder, answer, parts)
        event = event.model_copy(update={"generation": entry.generation, **origins})
        return Compose(event, Body(parts=parts), tuple(other.message_id for other in entries[1:]))

    def _with_sources(self, text: str, context: Context, earlier: Sequence[str]) -> str:
        """Return an answer with the names of the tools under it, with ``earlier`` ones, if they are to be shown."""
        if self.tools is None or not self.tools.tools.shows:
            return text
        return with_sources(text, dict.fromkeys((*earlier, *(context.tools.used if context.tools else ()))))

    def calling(self, channel_id: int) -> bool:
        """Tell whether a tool is being called for an answer in a channel."""
        return self.tools is not None and channel_id in self.tools.busy

    async def before(self, entry: Pending) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the parts of the answer that this one goes on with, and its tools; raise NoWords if it is erased."""
        at = entry.continues_position if self._responder(entry.responder).wants_history else 0
        bodies = await self.reader.bodies((at,)) if at else Bodies()
        if at and at not in bodies:
            raise NoWords(bodies, at)
        parts = bodies[at].parts if at else ()
        return parts_without_sources(parts), sources_of(parts[-1]) if parts else ()

    async def replaced(self, channel_id: int, entry: Pending) -> tuple[tuple[str, ...], str]:
        """Return the parts of the answer that this one is written over, and why it ended; none if it was erased."""
        found = await self.reader.find(stream_of(channel_id), KeyKind.COMPOSED, entry.message_id)
        older = max((each for each in found if isinstance(each.event, ReplyComposed)), default=None)
        if older is None or not isinstance(older.event, ReplyComposed):
            return (), ""
        body = (await self.reader.bodies((older.position,))).get(older.position)
        return body.parts if body else (), older.event.finish

    def taken(self, entry: Pending, parts: Sequence[str], finish: str, spent: Spent | None) -> Compose:
        """Return what is shown of an answer as the answer; ``spent`` None: what it took is estimated by its words."""
        parts, written = with_room(parts, finish), sum(map(estimate, parts))
        told = spent if spent is not None else Spent(0, written, 0, priced=False)
        event = ReplyComposed(
            message_id=entry.message_id,
            parts=len(parts),
            responder=entry.responder,
            settings=self.settings,
            generation=entry.generation,
            finish=finish,
            estimated=spent is None,
            **told._asdict(),
        )
        return Compose(event, Body(parts=tuple(parts)))

    def at_once(self, responder: Responder, question: Question) -> Compose | None:
        """Return the answer of a responder that needs only the question, to be recorded with it, or None."""
        try:
            answer = at_once(responder, question)
            parts = with_room(cut(answer, answer.text), answer.finish) if answer else ()
            if answer is None or not parts:
                return None
            return Compose(self._composed(question.message_id, responder, answer, parts), Body(parts=parts))
        except Exception:  # noqa: BLE001 - it may raise, or answer, anything: it is asked again in its turn, and judged
            return None

    def _composed(self, message_id: int, responder: Responder, answer: Answer, parts: Sequence[str]) -> ReplyComposed:
        return ReplyComposed(
            message_id=message_id,
            parts=len(parts),
            responder=responder.name,
            rule=answer.rule,
            model=answer.model,
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out,
            cost_micros=answer.cost_micros,
            settings=self.settings,
            attachments=answer.attachments,
            cut=answer.cut,
            finish=answer.finish,
            estimated=answer.estimated,
            priced=answer.priced,
        )

    async def parts(self, entry: Pending) -> tuple[str, ...]:
        """Return the recorded text of a composed reply; raise NoWords when it was erased or does not open."""
        bodies = await self.reader.bodies((entry.composed_position,))
        body = bodies.get(entry.composed_position)
        if body is None or len(body.parts) != len(entry.sent_ids):
            raise NoWords(bodies, entry.composed_position)
        return body.parts

    async def title(self, channel_id: int, entry: Pending, own: Own) -> str:
        """Return the title of the thread for an answer; raise NoWords when there are no words of the question."""
        return title_of((await self._questions(channel_id, (entry,), own))[0].text)

    async def _context(
        self,
        state: Conversation,
        channel_id: int,
        entries: Sequence[Pending],
        responder: Responder,
        question: Question,
        own_id: int,
    ) -> tuple[Context, dict[str, int]]:
        """Return the context of an answer, and where its parts are from, by the fields of ``reply.composed``."""
        around = self.places.around(channel_id) if self.places else Surroundings()
        chain = await self._chain(state, channel_id, question, around)
        summary = await summary_of(self.reader, state) if chain is None else ""
        since_id = state.summary_upto_id if summary else 0
        reads = self.attachments if responder.wants_files else None
        fetched = await reads.read(channel_id, entries) if reads else Fetched()
        context = Context(
            history=await self._history(state, channel_id, entries[0], since_id) if chain is None else chain,
            summary=summary,
            attachments=fetched.files,
            unread=fetched.faults,
            now=self.clock(),
        )
        origins = {"summary": state.summary_position if summary else 0}
        if self.places is None:
            return context, origins
        persona = await self.places.persona(channel_id, state)
        model = await self.places.model(channel_id, responder.choices, state)
        context = replace(
            context,
            persona=persona.value,
            model=model.value,
            topic=around.topic,
            bot_name=around.bot_name,
            names={f"@{own_id}": around.bot_name} if around.bot_name else {},
            thread=around.thread,
            quoted=await self._quoted(state, channel_id, question, around, context.history),
            tools=await self.tools.calls(channel_id, entries[0], question, around) if self.tools else None,
        )
        return context, origins | {"persona": persona.position, "model_set": model.position}

    async def _chain(
        self, state: Conversation, channel_id: int, question: Question, around: Surroundings
    ) -> tuple[Utterance, ...] | None:
        """Return the replies that lead to a question, None where the window is its history."""
        # A thread that was opened for an answer holds nothing before the question.
        if self.chains is None or question.channel_id != channel_id or not around.chained(question.reply_to):
            return None
        chain = await self.chains.before(state, channel_id, question.reply_to)
        return tuple(turn for said in chain for turn in said.words)

    async def _quoted(
        self,
        state: Conversation,
        channel_id: int,
        question: Question,
        around: Surroundings,
        history: Sequence[Utterance],
    ) -> tuple[Utterance, ...]:
        """Return the message that the question replies to, and the first one of a thread, if the history lacks them.

        What a rewind or reset took out comes back only where somebody replies to it.
        """
        taken_out = around.begins_in == channel_id and state.rewound_version > 0
        # A thread that was opened for a command's question begins with that one, and its first message says nothing.
        own = min((question.message_id, *(turn.message_id for turn in history))) < channel_id
        begun = channel_id if around.begins_in and not (taken_out or own) else 0
        wanted = [(question.channel_id, question.reply_to or 0), (around.begins_in, begun)]
        there = {0, question.message_id, *(turn.message_id for turn in history)}
        found = [await self.quotes.find(*each) for each in wanted if self.quotes and each[1] not in there]
        return tuple(turn for turn in found if turn is not None)

    def _responder(self, name: str) -> Responder:
        return next((responder for responder in self.responders if responder.name == name), self.responders[0])

    async def _questions(self, channel_id: int, entries: Sequence[Pending], own: Own) -> list[Question]:
        """Return the questions with later edits; raise NoWords when there are no words of the first one."""
        bodies = await self.reader.bodies(entry.asked_position for entry in entries)
        if entries[0].asked_position not in bodies:
            raise NoWords(bodies, entries[0].asked_position)
        return [
            await self._question(channel_id, entry, body, own)
            for entry in entries
            if (body := bodies.get(entry.asked_position)) is not None
        ]

    async def _question(self, channel_id: int, entry: Pending, body: Body, own: Own) -> Question:
        asked_in, message = await find_asked(self.reader, channel_id, entry)
        # What is edited right now is counted no sooner than its words are read: a key stands for no older words.
        upto = entry.asked_position if asked_in == channel_id else inf
        edits = await edits_of(self.reader, asked_in, entry.message_id, upto)
        if asked_in != channel_id:
            body = await newest_words(self.reader, asked_in, entry.message_id) or body
        return Question(
            channel_id=asked_in,
            message_id=entry.message_id,
            author_id=entry.author_id,
            author=body.name,
            text=without_call(spoken(body.text, body.shown), own),
            reply_to=message.reply_to if message else None,
            files=tuple(attached(message.attachments, body.files)) if message else (),
            shown=shown_lines(body.shown),
            names=dict(body.names),
            edits=edits,
        )

    async def _history(
        self, state: Conversation, channel_id: int, entry: Pending, since_id: int
    ) -> tuple[Utterance, ...]:
        """Return the turns before a question that are newer than ``since_id``; older ones are in the summary."""
        turns = [turn for turn in state.window if since_id < turn.message_id < entry.message_id][-self.window :]
        return await utterances(self.reader, channel_id, turns)
