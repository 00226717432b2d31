"""What a message becomes where the bot answers nothing by itself: it is recorded."""

from __future__ import annotations

from collections.abc import Container

from bot.core.commands import Receive
from bot.core.events import Via
from bot.gateway.incoming import Incoming
from bot.gateway.places import Place
from bot.gateway.proxies import Found

NOTHING_FOUND = Found()


class Unanswering:
    """Has every message recorded and none answered; of people in ``opted_out`` without what they wrote."""

    def __init__(self, opted_out: Container[int]) -> None:
        self._opted_out = opted_out

    def of_message(
        self, incoming: Incoming, _place: Place, via: Via, _own_id: int, _found: Found = NOTHING_FOUND
    ) -> Receive:
        """Return the command for a message that somebody posted."""
        if incoming.author_id in self._opted_out:
            return withheld(incoming, via)
        return Receive(incoming.received(via), incoming.body)

    def of_command(self, incoming: Incoming, place: Place, via: Via, *, thread: bool | None = None) -> Receive:
        """Return the command for a question by ``/ask``, which nobody answers here."""
        del thread
        return self.of_message(incoming, place, via, 0)

    def adds(self, _incoming: Incoming, _place: Place, _own_id: int) -> bool:
        """Tell whether the words of an edited message address it to the bot: they never do."""
        return False

    def of_edit(self, incoming: Incoming, place: Place, via: Via, own_id: int) -> Receive:
        """Return the command for a message that an edit would address to the bot."""
        return self.of_message(incoming, place, via, own_id)

    def allows_again(self, _place: Place, _person_id: int, _press_id: int, _responder: str) -> bool:
        """Tell whether a person may have another answer: nobody may."""
        return False


def withheld(incoming: Incoming, via: Via) -> Receive:
    """Return the command to record that somebody who opted out wrote something, without what it was."""
    return Receive(incoming.received(via).model_copy(update={"attachments": (), "shown": (), "forwards": None}), None)
