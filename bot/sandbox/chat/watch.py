"""What bots do, told as it happens: messages for all or for one person, edits, reactions, coming and going."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from bot.sandbox.chat.components import pressables
from bot.sandbox.chat.context import ChatSession
from bot.sandbox.chat.show import message_text, quote
from bot.sandbox.events import Dispatch
from bot.sandbox.json_codec import Json
from bot.sandbox.message_payloads import message_payload
from bot.sandbox.models import Application, Message, MessageFlag

_KEPT = 300
_THINKING_SECONDS = 1.0
_NEVER = 1e9
_VISIBLE = ("content", "embeds", "attachments", "components")


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a message, and whether it has something that can be pressed."""

    data: Json
    pressable: bool


class Watch:
    """Listens to the world and prints; ``ids`` shows each message's id."""

    def __init__(self, context: ChatSession) -> None:
        """Take the chat."""
        self.ids = False
        self._context = context
        self._world = context.services.world
        self._screen = context.screen
        self._names = context.names
        self._place = context.place
        self._shown: OrderedDict[str, Shown] = OrderedDict()
        self._here: set[Application] = set()
        self._timers: set[asyncio.TimerHandle] = set()

    async def run(self) -> None:
        """Watch until cancelled."""
        self._world.listeners.append(self._hear)
        self._world.whisper_listeners.append(self._overhear)
        try:
            while True:
                self._tell_presence()
                await self._world.changes.wait_for(lambda: self._context.connected() != self._here or None, _NEVER)
        finally:
            self._world.listeners.remove(self._hear)
            self._world.whisper_listeners.remove(self._overhear)
            for timer in self._timers:
                timer.cancel()

    # -- coming and going ------------------------------------------------------------------------------------------

    def _tell_presence(self) -> None:
        now = self._context.connected()
        for application in now - self._here:
            name = application.user.name
            self._screen.note(f"{name} is here: start a line with its name to mention it ({name}, ...).")
        for application in self._here - now:
            self._screen.note(f"{application.user.name} has left.")
        self._here = now

    # -- messages --------------------------------------------------------------------------------------------------

    def pressable(self) -> Message | None:
        """Return the newest message shown here that has buttons which can be pressed."""
        for key in reversed(self._shown):
            message = self._world.messages[int(key)]
            if self._shown[key].pressable and not message.deleted and message.channel.id == self._place.channel.id:
                return message
        return None

    def _hear(self, dispatch: Dispatch) -> None:
        data = dispatch.data
        if dispatch.name in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and data["author"].get("bot"):
            self._show(data, edited=dispatch.name == "MESSAGE_UPDATE", to="")
        elif dispatch.name == "MESSAGE_DELETE":
            self._show_deleted(data["id"])
        elif dispatch.name == "MESSAGE_REACTION_ADD" and int(data["user_id"]) in self._world.applications:
            self._show_reaction(data)

    def _overhear(self, name: str, message: Message) -> None:
        if name == "MESSAGE_DELETE":
            self._show_deleted(str(message.id))
            return
        user = (message.interaction_metadata or {}).get("user", {})
        to = "you" if user.get("username") == self._place.author else str(user.get("username", "one person"))
        data = message_payload(message, self._world.messages.get)
        self._show(data, edited=name == "MESSAGE_UPDATE", to=to)

    def _show(self, data: Json, *, edited: bool, to: str) -> None:
        before = self._shown.get(data["id"])
        if data["flags"] & MessageFlag.LOADING:
            self._think_aloud(data)
            return
        if before is not None and all(before.data[key] == data[key] for key in _VISIBLE):
            return
        told, notes = data, self._notes(data, to)
        if edited and before is not None:
            tail = _tail(before.data, data)
            notes.append("edited" if tail is None else "goes on")
            told = data if tail is None else {**data, "content": tail}
        self._keep(data)
        self._screen.say(message_text(told, self._names, notes, with_id=self.ids))

    def _keep(self, data: Json) -> None:
        pressable = any(not each.disabled for each in pressables(data["components"]))
        self._shown[data["id"]] = Shown(data, pressable)
        self._shown.move_to_end(data["id"])
        if len(self._shown) > _KEPT:
            self._shown.popitem(last=False)

    def _notes(self, data: Json, to: str) -> list[str]:
        notes = []
        channel = self._world.channels.get(int(data["channel_id"]))
        if channel is not None and channel.id != self._place.channel.id:
            notes.append(f"in {'private' if channel.is_dm else f'#{channel.name}'}")
        answered = data.get("referenced_message")
        if answered:
            notes.append(f"to {answered['author']['username']}")
        if to:
            notes.append(f"only {to} see{'' if to == 'you' else 's'} this")
        return notes

    def _think_aloud(self, data: Json) -> None:
        """Say that a bot thinks, where it still does after a moment."""

        def look() -> None:
            self._timers.discard(timer)
            message = self._world.messages[int(data["id"])]
            if message.flags & MessageFlag.LOADING and not message.deleted:
                self._screen.note(f"{data['author']['username']} is thinking ...")

        timer = asyncio.get_running_loop().call_later(_THINKING_SECONDS, look)
        self._timers.add(timer)

    def _show_deleted(self, message_id: str) -> None:
        message = self._world.messages[int(message_id)]
        if self._shown.pop(message_id, None) is not None:
            self._screen.note(f"{message.author.name} has deleted {quote(self._names.plain(message.content))}.")

    def _show_reaction(self, data: Json) -> None:
        message = self._world.messages[int(data["message_id"])]
        name, emoji = self._world.users[int(data["user_id"])].name, data["emoji"]["name"]
        self._screen.note(f"{name} reacts with {emoji} to {quote(self._names.plain(message.content))}.")


def _tail(before: Json, now: Json) -> str | None:
    """Return what was added to a content, from the word on in which it goes on; None where more changed."""
    old, new = str(before["content"]), str(now["content"])
    if not old or not new.startswith(old) or any(before[key] != now[key] for key in _VISIBLE[1:]):
        return None
    return new[max(old.rfind(" "), old.rfind("\n")) + 1 :]
