"""Shows what bots do as it happens: text, embeds, files, buttons, edits, reactions, connecting and leaving."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from rich.text import Text

from bot.sandbox.chat.components import links, pressables, texts
from bot.sandbox.chat.screen import printable, printable_lines
from bot.sandbox.chat.session import ChatSession, Names
from bot.sandbox.events import Dispatch
from bot.sandbox.json_codec import Json
from bot.sandbox.message_payloads import message_payload
from bot.sandbox.models import Application, Message, MessageFlag

_KEPT = 300
_THINKING_SECONDS = 1.0
_VISIBLE = ("content", "embeds", "attachments", "components")
_FENCE = re.compile(r"\s*```[\w+-]*\s*")
_BOLD = re.compile(r"\*\*(?P<text>.+)\*\*")
_SMALL = "-# "
_THOUSAND = 1000


class MessageDisplay:
    """Prints what bots do while it happens; ``ids`` adds each message's id."""

    def __init__(self, session: ChatSession) -> None:
        """Take the chat."""
        self.ids = False
        self._session = session
        self._world = session.services.world
        self._screen = session.screen
        self._names = session.names
        self._shown: OrderedDict[str, Json] = OrderedDict()
        self._here: set[Application] = set()
        self._timers: set[asyncio.TimerHandle] = set()

    async def run(self) -> None:
        """Listen and print until cancelled."""
        self._world.listeners.append(self._hear)
        self._world.whisper_listeners.append(self._overhear)
        try:
            while True:
                self._tell_presence()
                await self._world.changes.wait_for(lambda: self._session.connected() != self._here or None)
        finally:
            self._world.listeners.remove(self._hear)
            self._world.whisper_listeners.remove(self._overhear)
            for timer in self._timers:
                timer.cancel()

    # -- coming and going ------------------------------------------------------------------------------------------

    def _tell_presence(self) -> None:
        now = self._session.connected()
        for application in now - self._here:
            name = application.user.name
            self._screen.note(f"{name} is here: start a line with its name to mention it ({name}, ...).")
        for application in self._here - now:
            self._screen.note(f"{application.user.name} has left.")
        self._here = now

    # -- messages --------------------------------------------------------------------------------------------------

    def pressable(self) -> Message | None:
        """Return the newest message here that has a button or select which is not disabled."""
        for key in reversed(self._shown):
            message = self._world.messages[int(key)]
            here = not message.deleted and message.channel is self._session.channel
            if here and any(not each.disabled for each in pressables(self._shown[key]["components"])):
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
        to = "you" if user.get("username") == self._session.author else str(user.get("username", "one person"))
        data = message_payload(message, self._world.messages.get)
        self._show(data, edited=name == "MESSAGE_UPDATE", to=to)

    def _show(self, data: Json, *, edited: bool, to: str) -> None:
        before = self._shown.get(data["id"])
        if data["flags"] & MessageFlag.LOADING:
            self._think_aloud(data)
            return
        if before is not None and all(before[key] == data[key] for key in _VISIBLE):
            return
        told, notes = data, self._notes(data, to)
        if edited and before is not None:
            tail = _tail(before, data)
            notes.append("edited" if tail is None else "goes on")
            told = data if tail is None else {**data, "content": tail}
        self._keep(data)
        self._screen.say(message_text(told, self._names, notes, with_id=self.ids))

    def _keep(self, data: Json) -> None:
        self._shown[data["id"]] = data
        self._shown.move_to_end(data["id"])
        if len(self._shown) > _KEPT:
            self._shown.popitem(last=False)

    def _notes(self, data: Json, to: str) -> list[str]:
        notes = []
        channel = self._world.channels.get(int(data["channel_id"]))
        if channel is not None and channel.id != self._session.channel.id:
            notes.append(f"in {'private' if channel.is_dm else f'#{channel.name}'}")
        answered = data.get("referenced_message")
        if answered:
            notes.append(f"to {answered['author']['username']}")
        if to:
            notes.append(f"only {to} see{'' if to == 'you' else 's'} this")
        return notes

    def _think_aloud(self, data: Json) -> None:
        """Print that a bot is thinking, if it still is after a second."""

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
    """Return the end of a content that only grew, from its first changed word on; None if more than that changed."""
    old, new = str(before["content"]), str(now["content"])
    if not old or not new.startswith(old) or any(before[key] != now[key] for key in _VISIBLE[1:]):
        return None
    return new[max(old.rfind(" "), old.rfind("\n")) + 1 :]


def message_text(data: Json, names: Names, notes: Sequence[str] = (), *, with_id: bool = False) -> Text:
    """Return a message as one line, or as a heading with lines below; ``notes`` stand behind the author's name."""
    lines = [*content_lines(names.plain(str(data["content"]))), *_parts(data, names)]
    shown = _heading(data, notes, with_id=with_id)
    if not lines:
        return shown.append(" (empty)", style="dim")
    if len(lines) == 1:
        return shown.append(" ").append_text(lines[0])
    for line in lines:
        shown.append("\n  ").append_text(line)
    return shown


def _heading(data: Json, notes: Sequence[str], *, with_id: bool) -> Text:
    """Return the author's name and the notes."""
    shown = Text()
    if with_id:
        shown.append(f"{printable(data['id'])} ", style="dim")
    shown.append(printable(data["author"]["username"]), style="bold cyan" if data["author"].get("bot") else "bold")
    if notes:
        shown.append(f" ({', '.join(map(printable, notes))})", style="dim")
    return shown.append(":")


def content_lines(content: str) -> list[Text]:
    """Return the lines of a content, with Discord's markup for code blocks, bold lines and small print applied."""
    shown: list[Text] = []
    fenced = False
    for line in printable_lines(content) if content else ():
        if _FENCE.fullmatch(line):
            fenced = not fenced
        else:
            shown.append(Text(line) if fenced else _styled(line))
    return shown


def _styled(line: str) -> Text:
    bold = _BOLD.fullmatch(line)
    if bold is not None:
        return Text(bold["text"], style="bold")
    return Text(line.removeprefix(_SMALL), style="dim") if line.startswith(_SMALL) else Text(line)


def _parts(data: Json, names: Names) -> Iterable[Text]:
    for embed in data["embeds"]:
        yield from _embed(embed, names)
    for file in data["attachments"]:
        yield _file(file)
    for text in texts(data["components"]):
        yield from content_lines(names.plain(text))
    yield from (Text(line, style="dim") for line in links(data["components"]))
    buttons = pressables(data["components"])
    if buttons:
        yield Text("  ").join(Text(each.text, style="dim" if each.disabled else "yellow") for each in buttons)


def _embed(embed: Json, names: Names) -> Iterable[Text]:
    title = embed.get("title")
    if title:
        yield Text(printable(title), style="bold")
    texts_of = [embed.get("url"), _part(embed, "author", "name"), embed.get("description")]
    texts_of += [f"{field.get('name')}: {field.get('value')}" for field in embed.get("fields", [])]
    texts_of += [_part(embed, "image", "url"), _part(embed, "footer", "text")]
    for text in texts_of:
        yield from content_lines(names.plain(str(text))) if text else ()


def _part(embed: Json, name: str, key: str) -> Any:  # noqa: ANN401 - JSON
    part = embed.get(name)
    return part.get(key) if isinstance(part, dict) else None


def _file(file: Json) -> Text:
    shown = Text("file ", style="dim").append(printable(file["filename"]), style="bold")
    return shown.append(f" ({_size_text(file['size'])}) {printable(file['url'])}", style="dim")


def _size_text(size: int) -> str:
    """Return a number of bytes for people: ``1.5 kB``."""
    if size < _THOUSAND:
        return f"{size} byte{'' if size == 1 else 's'}"
    return f"{size / _THOUSAND:.1f} kB" if size < _THOUSAND**2 else f"{size / _THOUSAND**2:.1f} MB"


def quote(content: str, most: int = 40) -> str:
    """Return the beginning of a content on one line, in quotation marks."""
    line = " ".join(content.split())
    return f'"{line if len(line) <= most else f"{line[: most - 1]}…"}"'
