"""What has to hold in a world: always, and once it has come to rest."""

from __future__ import annotations

from collections import Counter

from bot.core import events as e
from bot.core.addressing import nonce_of, parse_nonce
from bot.core.fold import fold
from bot.core.outbox import place_of
from bot.core.reply_record import ReplyRecord
from bot.core.window import WINDOW
from tests.simulation.discord_model import BOT, Message
from tests.simulation.world import MAX_ATTEMPTS, World


def judge_record(world: World, stream: list[e.Recorded], recorded: e.Recorded) -> None:
    """Judge one event: what it says is so, and its cause is a cause."""
    event = recorded.event
    # What is answered together with another message may have that answer as its cause.
    joined = isinstance(event, e.ReplyAbandoned) and event.reason is e.AbandonReason.TOGETHER
    if recorded.causation is not None and isinstance(event, e.MessageEvent) and not joined:
        causes = [each.event for each in stream if each.position == recorded.causation != recorded.position]
        about = [cause.message_id for cause in causes if isinstance(cause, e.MessageEvent)]
        assert about == [event.message_id], "a cause is about the same message"
    if isinstance(event, e.ReplySent):
        nonce = nonce_of(event.message_id, event.part, event.generation)
        assert world.discord.messages[event.sent_id].nonce == nonce, "a part is taken for another"
    if isinstance(event, e.ReplyBegun):
        outbox = fold(stream[: recorded.version - 1]).outbox
        before = [each for each in outbox if each.begun or any(each.sent_ids) or each.message_id < event.message_id]
        if event.generation > 1:
            # An answer composed anew is under way from the beginning.
            before = list(outbox[: place_of(outbox, event.message_id)])
        assert not before, "an answer is shown before one that goes out first"
    if isinstance(event, e.ReplyAbandoned):
        assert _is_so(world, event), f"abandoned without cause: {event.reason}"
    assert not isinstance(event, e.ForeignReplySeen), "there is no other process"


def judge_outbox(world: World, channel: int) -> None:
    """Judge what the state holds of unfinished replies: their events, read alone, say the same."""
    for entry in world.log.states[channel].outbox:
        record = ReplyRecord.of(world.log.events(channel, entry.message_id))
        known = {part: sent_id for part, sent_id in record.messages.items() if sent_id not in entry.surplus_ids}
        assert known == {part: sent_id for part, sent_id in enumerate(entry.sent_ids) if sent_id}
        assert (record.generation, record.begun, record.written) == (entry.generation, entry.begun, entry.composed)
        assert not record.complete, "a complete reply is none of the outbox"


def judge_end(world: World) -> None:
    """Judge a world that has come to rest."""
    for message in world.discord.messages.values():
        if message.author != BOT:
            _judge_message(world, message)
    for channel, stream in world.log.streams.items():
        assert world.log.load(channel) == fold(stream)
        for cut in range(0, len(stream), 7):
            assert fold(stream[cut:], fold(stream[:cut])) == fold(stream)


def _is_so(world: World, event: e.ReplyAbandoned) -> bool:
    trigger = world.discord.messages[event.message_id]
    about = [recorded.event for recorded in world.log.events(trigger.channel, trigger.id)]
    messages = world.discord.messages.values()
    own = (message for message in messages if (parse_nonce(message.nonce) or (0,))[0] == trigger.id)
    return {
        e.AbandonReason.EXPIRED: world.waited,
        e.AbandonReason.TRIGGER_DELETED: trigger.deleted,
        e.AbandonReason.FORBIDDEN: trigger.id in world.forbidden,
        e.AbandonReason.GONE_AFTER_SEND: any(message.deleted for message in own),
        e.AbandonReason.GAVE_UP: sum(isinstance(each, e.ReplyDelayed) for each in about) >= MAX_ATTEMPTS,
        e.AbandonReason.UNKNOWN_FATE: world.hid_history,
        e.AbandonReason.CANCELLED: True,
        e.AbandonReason.TOGETHER: world.patience.together_us > 0,
    }.get(event.reason, False)


def _judge_message(world: World, message: Message) -> None:
    events = [recorded.event for recorded in world.log.events(message.channel, message.id)]
    about = Counter(type(event) for event in events)
    received = about[e.MessageReceived]
    assert received == 1 or (message.deleted and not received), "each message is recorded once"
    if message.addressed and received:
        assert about[e.ReplyRequested] + about[e.MessageSkipped] == 1
    composed = [event for event in events if isinstance(event, e.ReplyComposed)]
    assert [event.generation for event in composed] == sorted({event.generation for event in composed})
    turns = [event for event in events if isinstance(event, e.ReplyRequested | e.ReplyRetried | e.ReplyAbandoned)]
    if turns and not isinstance(turns[-1], e.ReplyAbandoned):
        anew = isinstance(turns[-1], e.ReplyRetried) and turns[-1].generation > 1
        assert composed[-1].generation == (turns[-1].generation if isinstance(turns[-1], e.ReplyRetried) else 1)
        sent = {event.part: event for event in events if isinstance(event, e.ReplySent)}
        needed = {part: event for part, event in sent.items() if part < composed[-1].parts}
        assert sorted(needed) == list(range(composed[-1].parts)), "each part is sent, or a reason says why not"
        assert (about[e.ReplyCompleted] > 0) == (about[e.ReplyBegun] > 0 or anew)
        _judge_parts(world, message, needed, composed[-1].generation)
        left = (event for event in events if isinstance(event, e.ReplySent) and event not in needed.values())
        assert all(world.discord.messages[event.sent_id].deleted for event in left), "what it does not need is gone"


def _judge_parts(world: World, message: Message, sent: dict[int, e.ReplySent], generation: int) -> None:
    events = [recorded.event for recorded in world.log.events(message.channel, message.id)]
    # What arrived after a reply was given up never became one.
    given_up = any(isinstance(event, e.ReplyAbandoned) for event in events)
    ids = [sent[part].sent_id for part in sorted(sent)]
    assert ids == sorted(ids), "parts come in order"
    for part, event in sent.items():
        found = world.discord.messages[event.sent_id]
        assert found.deleted or found.text == world.write(message.id, generation)[part].strip()
        nonce = nonce_of(message.id, part, event.generation)
        assert world.discord.parts(message.id, nonce) == ([] if found.deleted else [found])
        state = world.log.states[message.channel]
        turn = state.turn(event.sent_id)
        passed = len(state.window) == WINDOW and event.sent_id < state.window[0].message_id
        known = given_up or found.deleted or passed or (turn is not None and turn.part == part)
        assert known, "what the bot said is a turn"
