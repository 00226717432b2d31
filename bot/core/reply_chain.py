"""The chain of replies that leads to a question: the message that it replies to, what that one replies to, and so on.

Pure. Who reads the log looks messages up, one after the other, as :func:`chain_of` asks for them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from bot.core.conversation import Conversation
from bot.core.events import MessagePosted, MessageReceived, Recorded, ReplySent, Via


class Link(NamedTuple):
    """What one message says of a chain: the id of the message that it answers (0: none).

    If it is not ``told``, the chain goes on beyond it, but its words are not part of the conversation any more.
    """

    answers: int = 0
    told: bool = True


class Chain(NamedTuple):
    """The ids of the messages of a chain that may be told, the oldest first.

    ``wanted`` is the message that has to be looked up before the chain can go on (0: it is complete).
    """

    ids: tuple[int, ...]
    wanted: int = 0


def chain_of(newest_id: int, links: Mapping[int, Link], most: int) -> Chain:
    """Return the chain that ends with message ``newest_id``, of at most ``most`` messages; ``links`` are those known.

    A reply is younger than what it answers, and ids grow with time. So the ids of a chain fall, and it has an end.
    """
    ids: list[int] = []
    at, left = newest_id, most
    while at > 0 and left:
        if at not in links:
            return Chain(tuple(reversed(ids)), at)
        link = links[at]
        if link.told:
            ids.append(at)
        at, left = link.answers if link.answers < at else 0, left - 1
    return Chain(tuple(reversed(ids)))


def link_of(state: Conversation, turn: Collection[int], said: Recorded) -> Link:
    """Return the link of the message that event ``said`` brought; ``turn`` are the ids of all messages of its turn.

    What a rewind or reset took out is not told: what was recorded before it and is not in the window. The parts of a
    long answer are one turn, so it counts as long as one of them is in the window.
    """
    told = said.version > state.rewound_version or any(state.turn(each) is not None for each in turn)
    match said.event:
        case MessageReceived(via=Via.WHISPER):
            return Link(told=False)
        case MessagePosted(reply_to=reply_to):
            return Link(reply_to or 0, told)
        case ReplySent(message_id=message_id):
            return Link(message_id, told)
        case _:
            return Link(told=False)
