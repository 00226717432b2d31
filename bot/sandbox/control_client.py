"""A Python client for the control API."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Self, cast

import aiohttp

from bot.sandbox.control.records import Ids, MessageRecord, ReplyReport, RequestRecord
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json, encode

_MARGIN = 30.0


class ControlClient:
    """Speaks to a sandbox's control API; channels and users are given by name or id.

    A wait ends after ``within`` seconds, by default after ``patience``.

    Raises SandboxError with the API's sentence if it refuses a call, and TimeoutError if a wait is not met.
    """

    def __init__(self, control_url: str, *, patience: float = 10.0) -> None:
        """Take the address that the ready line names."""
        self._url = control_url
        self._patience = patience
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()

    async def call(
        self, method: str, path: str, body: Json | None = None, query: Mapping[str, object] | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        """Make any call of the control API."""
        plain = {key: _plain(value) for key, value in (query or {}).items() if value is not None}
        # A stream, because aiohttp warns about large bodies in one piece.
        data = None if body is None else io.BytesIO(encode(body).encode())
        headers = {"Content-Type": "application/json"}
        request = self._session.request(method, self._url + path, data=data, params=plain, headers=headers)
        async with request as response:
            answer = json.loads(await response.read())
        if response.status >= 400:  # noqa: PLR2004 - HTTP statuses of errors begin here
            raise SandboxError(answer["error"])
        return answer

    # -- build -----------------------------------------------------------------------------------------------------

    async def world(self) -> Json:
        """List guilds, channels, users and applications."""
        return cast("Json", await self.call("GET", "/world"))

    async def create_user(self, name: str, *, bot: bool = False) -> Ids:
        """Create a person or a bot account."""
        return cast("Ids", await self.call("POST", "/users", {"name": name, "bot": bot}))

    async def create_guild(self, name: str, *, owner: str = "owner") -> Json:
        """Create a guild with #general (``channel`` in the answer)."""
        return cast("Json", await self.call("POST", "/guilds", {"name": name, "owner": owner}))

    async def delete_guild(self, guild: str) -> None:
        """Delete a guild."""
        await self.call("DELETE", f"/guilds/{guild}")

    async def set_guild_unavailable(self, guild: str, *, unavailable: bool) -> None:
        """Begin or end an outage of a guild."""
        await self.call("PATCH", f"/guilds/{guild}", {"unavailable": unavailable})

    async def create_channel(self, name: str, *, guild: str | None = None) -> Ids:
        """Create a text channel."""
        return cast("Ids", await self.call("POST", "/channels", {"name": name, "guild": guild}))

    async def delete_channel(self, channel: str) -> None:
        """Delete a channel or thread."""
        await self.call("DELETE", f"/channels/{channel}")

    async def set_permissions(
        self, channel: str, *, allow: Iterable[str] = (), deny: Iterable[str] = (), target: str | None = None
    ) -> None:
        """Allow and deny permissions in a channel to the bot, or to ``target``."""
        body = {"allow": list(allow), "deny": list(deny), "target": target}
        await self.call("PUT", f"/channels/{channel}/permissions", body)

    async def create_thread(
        self,
        name: str,
        *,
        channel: str = "general",
        message: str | None = None,
        owner: str = "alice",
        private: bool = False,
    ) -> Ids:
        """Start a thread."""
        body = {"name": name, "channel": channel, "message": message, "owner": owner, "private": private}
        return cast("Ids", await self.call("POST", "/threads", body))

    async def change_thread(self, thread: str, *, archived: bool, locked: bool = False) -> None:
        """Archive or lock a thread, or bring it back."""
        await self.call("PATCH", f"/threads/{thread}", {"archived": archived, "locked": locked})

    async def open_dm(self, user: str = "alice") -> Ids:
        """Open the DM of a person and the bot."""
        return cast("Ids", await self.call("POST", "/dms", {"user": user}))

    async def create_role(self, name: str, **more: object) -> Json:
        """Create a role; ``more`` may hold permissions, users, and the bot for which Discord manages it."""
        return cast("Json", await self.call("POST", "/roles", {"name": name, **more}))

    async def create_webhook(self, name: str, *, channel: str = "general", bot: str | None = None) -> Json:
        """Create a webhook (``id`` and ``token``), as a person or as a bot."""
        return cast("Json", await self.call("POST", "/webhooks", {"name": name, "channel": channel, "bot": bot}))

    # -- act as people ---------------------------------------------------------------------------------------------

    async def post(
        self, content: str = "", *, channel: str = "general", author: str = "alice", **more: object
    ) -> MessageRecord:
        """Post a message; ``more`` may hold what the API's ``POST /messages`` takes: reply_to, ping, mention, ..."""
        body = {"content": content, "channel": channel, "author": author, **more}
        return cast("MessageRecord", await self.call("POST", "/messages", body))

    async def post_many(self, messages: Iterable[Json]) -> list[str]:
        """Post many messages in one call; return their ids in order."""
        answer = await self.call("POST", "/messages/batch", {"messages": list(messages)})
        return cast("list[str]", answer["ids"])

    async def edit(self, message: str, content: str) -> MessageRecord:
        """Edit a message."""
        return cast("MessageRecord", await self.call("PATCH", f"/messages/{message}", {"content": content}))

    async def preview(self, message: str, embed: Json) -> MessageRecord:
        """Add the preview of a link to a message."""
        return cast("MessageRecord", await self.call("POST", f"/messages/{message}/preview", {"embeds": [embed]}))

    async def delete(self, message: str) -> None:
        """Delete a message."""
        await self.call("DELETE", f"/messages/{message}")

    async def bulk_delete(self, messages: Iterable[str]) -> None:
        """Delete messages of one channel at once."""
        await self.call("POST", "/messages/bulk-delete", {"messages": list(messages)})

    async def react(self, message: str, emoji: str, *, user: str = "alice") -> None:
        """Put an emoji on a message."""
        await self.call("POST", f"/messages/{message}/reactions", {"user": user, "emoji": emoji})

    async def unreact(self, message: str, emoji: str, *, user: str = "alice") -> None:
        """Take an emoji off a message."""
        await self.call("DELETE", f"/messages/{message}/reactions", query={"user": user, "emoji": emoji})

    async def clear_reactions(self, message: str, emoji: str | None = None) -> None:
        """Take everybody's reactions off a message, or those of one emoji."""
        await self.call("DELETE", f"/messages/{message}/reactions/all", query={"emoji": emoji})

    async def commands(self) -> list[Json]:
        """List the commands that the bot registered."""
        return cast("list[Json]", (await self.call("GET", "/commands"))["commands"])

    async def use_command(
        self,
        command: str,
        options: Json | None = None,
        *,
        user: str = "alice",
        channel: str = "general",
        **more: object,
    ) -> Json:
        """Use a slash command or context menu; ``more`` may hold permissions, target, focused and locale."""
        body = {"command": command, "options": options or {}, "user": user, "channel": channel, **more}
        return cast("Json", await self.call("POST", "/interactions/command", body))

    async def use_component(self, message: str, custom_id: str, *, user: str = "alice", **more: object) -> Json:
        """Press a button or choose from a select."""
        body = {"message": message, "custom_id": custom_id, "user": user, **more}
        return cast("Json", await self.call("POST", "/interactions/component", body))

    async def submit_modal(
        self, custom_id: str, fields: Json, *, user: str = "alice", channel: str = "general", **more: object
    ) -> Json:
        """Submit a form."""
        body = {"custom_id": custom_id, "fields": fields, "user": user, "channel": channel, **more}
        return cast("Json", await self.call("POST", "/interactions/modal", body))

    async def interaction(self, interaction: str) -> Json:
        """Show an interaction and its answers."""
        return cast("Json", await self.call("GET", f"/interactions/{interaction}"))

    # -- look ------------------------------------------------------------------------------------------------------

    async def messages(self, **chosen: object) -> list[MessageRecord]:
        """List messages; filters: channel, author, bot, after, reference, deleted, edited, contains, limit."""
        return cast("list[MessageRecord]", (await self.call("GET", "/messages", query=chosen))["messages"])

    async def counts(self, **chosen: object) -> Json:
        """Count messages: total, deleted, by_channel."""
        return cast("Json", await self.call("GET", "/counts", query=chosen))

    async def report(self, **chosen: object) -> ReplyReport:
        """List messages with the replies to them; answered=True leaves out messages without replies."""
        return cast("ReplyReport", await self.call("GET", "/report", query=chosen))

    async def sessions(self) -> Json:
        """List gateway sessions, with counts of identifies, resumes and upgrades."""
        return cast("Json", await self.call("GET", "/sessions"))

    async def requests(self, **chosen: object) -> list[RequestRecord]:
        """List REST requests; filters: method, path, status, after."""
        return cast("list[RequestRecord]", (await self.call("GET", "/requests", query=chosen))["requests"])

    # -- wait ------------------------------------------------------------------------------------------------------

    async def _wait(self, body: Json, within: float | None) -> Json:
        within = self._patience if within is None else within
        async with asyncio.timeout(within + _MARGIN):
            answer: Json = await self.call("POST", "/wait", {**body, "timeout": within})
        if not answer["met"]:
            what = ", ".join(f"{key}={value}" for key, value in body.items())
            raise TimeoutError(f"Not within {within:g} s: {what}")
        return answer

    async def wait_for_messages(
        self, count: int = 1, *, within: float | None = None, **chosen: object
    ) -> list[MessageRecord]:
        """Wait until ``count`` messages match the filters of ``messages``."""
        answer = await self._wait({"messages": chosen, "count": count}, within)
        return cast("list[MessageRecord]", answer["messages"])

    async def wait_for_ready(
        self, *, within: float | None = None, identifies: int = 0, resumes: int = 0, shard: int | None = None
    ) -> None:
        """Wait until a session (of a shard) is ready, after at least so many identifies and resumes since the start."""
        await self._wait({"ready": True, "identifies": identifies, "resumes": resumes, "shard": shard}, within)

    async def wait_for_sessions(self, number: int, *, within: float | None = None) -> None:
        """Wait until exactly ``number`` sessions are connected and ready."""
        await self._wait({"sessions": number}, within)

    async def wait_for_requests(self, count: int = 1, *, within: float | None = None, **chosen: object) -> int:
        """Wait until ``count`` requests match the filters of ``requests``; return their number."""
        answer = await self._wait({"requests": chosen, "count": count}, within)
        return cast("int", answer["count"])

    async def wait_for_answer(self, interaction: str, *, until: str = "answered", within: float | None = None) -> Json:
        """Wait until an interaction is "answered" (or "acknowledged"); return its record."""
        answer = await self._wait({"interaction": interaction, "until": until}, within)
        return cast("Json", answer["interaction"])

    # -- faults ----------------------------------------------------------------------------------------------------

    async def add_fault(self, kind: str, **rule: object) -> Ids:
        """Make chosen REST requests fail; see POST /control/faults."""
        return cast("Ids", await self.call("POST", "/faults", {"kind": kind, **rule}))

    async def faults(self) -> list[Json]:
        """List faults with ``seen`` and ``hits``."""
        return cast("list[Json]", (await self.call("GET", "/faults"))["faults"])

    async def clear_faults(self) -> None:
        """Remove all faults and storms, deliver events normally, unmute the gateway."""
        await self.call("DELETE", "/faults")

    async def gateway(self, action: str, **body: object) -> Json:
        """Disturb the gateway: drop, reconnect, invalid-session, storm, calm, mute and more; see GET /control."""
        return cast("Json", await self.call("POST", f"/gateway/{action}", body))

    async def outage(self, seconds: float) -> None:
        """Stop REST and gateway for some seconds."""
        await self.call("POST", "/outage", {"seconds": seconds})

    async def change_settings(self, **values: object) -> Json:
        """Change settings: nonce_window, message_rate, global_rate, resume_window, denied_intents, token and more."""
        return cast("Json", await self.call("PATCH", "/settings", values))


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
