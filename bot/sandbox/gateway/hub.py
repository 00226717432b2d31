"""The hub: keeps all gateway sessions, and gives each event to the sessions that may receive it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque

from bot.sandbox import intents
from bot.sandbox.events import BACK_AVAILABLE, Dispatch
from bot.sandbox.gateway.faults import Delivery, Storm
from bot.sandbox.gateway.protocol import Close, GatewayClosed, Op
from bot.sandbox.gateway.session import GatewaySession, SessionConnection, checked_intents, checked_shard, ready_payload
from bot.sandbox.json_codec import Json, encode
from bot.sandbox.models import Application, Guild
from bot.sandbox.options import SandboxOptions
from bot.sandbox.payloads import guild_create_payload
from bot.sandbox.permissions import Permission, allows
from bot.sandbox.world import World

_HIGH_WATER = 2_000


class Hub:
    """Gives each dispatch of the world to the sessions that may receive it.

    Nothing is sent while ``unmuted`` is not set, heartbeat acknowledgements included. ``progress`` is set when a
    connection has sent something.
    """

    def __init__(self, world: World, options: SandboxOptions) -> None:
        """Listen to the world."""
        self.world = world
        self.options = options
        self.sessions: dict[str, GatewaySession] = {}
        self.connections: set[SessionConnection] = set()
        self.gateway_url = ""
        self.upgrades = 0
        self.resumes = 0
        self.storm: Storm | None = None
        self.ready_fields: Json = {}
        self.unmuted = asyncio.Event()
        self.unmuted.set()
        self.delivery = Delivery(self.deliver)
        self._identifies: dict[tuple[int, int | None], deque[float]] = {}
        self.progress = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()
        world.listeners.append(self.delivery.accept)

    # -- events ----------------------------------------------------------------------------------------------------

    def deliver(self, dispatch: Dispatch) -> None:
        """Send a dispatch to every session that wants it."""
        self._expire()
        for session in list(self.sessions.values()):
            if session.wants(dispatch):
                if dispatch.name == "GUILD_CREATE" and dispatch.guild is not None:
                    self._push_guild(session, dispatch.guild, dispatch.data)
                else:
                    session.push(dispatch.name, dispatch.text(session.intents, session.application.user.id))

    def _push_guild(self, session: GatewaySession, guild: Guild, more: Json) -> None:
        user_id = session.application.user.id
        threads = [
            thread
            for thread in guild.threads.values()
            if not thread.archived and allows(thread, user_id, Permission.VIEW_CHANNEL)
        ]
        everybody = bool(session.intents & intents.GUILD_PRESENCES)
        payload = guild_create_payload(guild, guild.members[user_id], threads, everybody=everybody)
        session.push("GUILD_CREATE", encode(payload | more))

    async def drained(self) -> None:
        """Wait until no connected client is far behind; end the session of a client that does not read."""
        while self.unmuted.is_set() and (behind := self._far_behind()):
            self.progress.clear()
            try:
                async with asyncio.timeout(self.options.stall_patience):
                    await self.progress.wait()
            except TimeoutError:
                for connection in behind:
                    self.overflow(connection)

    def _far_behind(self) -> list[SessionConnection]:
        limit = min(_HIGH_WATER, self.options.queue_limit // 4)
        return [item for item in self.connections if item.session is not None and item.backlog > limit]

    async def breathe(self) -> None:
        """Let connections write while many messages are posted."""
        await asyncio.sleep(0)
        await self.drained()

    # -- connections -----------------------------------------------------------------------------------------------

    def identify(self, connection: SessionConnection, body: Json) -> None:
        """Begin a session: READY, then GUILD_CREATE for each guild."""
        application = self._authenticate(connection, body.get("token"))
        wanted = checked_intents(application, body.get("intents"))
        shard = checked_shard(body.get("shard"))
        if not self._may_identify(application, shard):
            connection.enqueue(encode({"op": Op.INVALID_SESSION, "d": False}))
            return
        if self.strike(connection, "identify"):
            return
        session = GatewaySession(
            secrets.token_hex(16), application, wanted, deque(maxlen=self.options.replay_limit), shard
        )
        self.sessions[session.id] = session
        self._attach(session, connection)
        guilds = [guild for guild in self.world.guilds.values() if session.sees_guild(guild)]
        session.push("READY", encode(ready_payload(session, guilds, self.gateway_url) | self.ready_fields))
        if wanted & intents.GUILDS:
            for guild in guilds:
                if not guild.unavailable:
                    self._push_guild(session, guild, BACK_AVAILABLE)
        session.ready = True
        self.strike(connection, "ready")
        self.world.changes.notify()

    def _authenticate(self, connection: SessionConnection, token: object) -> Application:
        if connection.session is not None:
            raise GatewayClosed(Close.ALREADY_AUTHENTICATED, "Already authenticated.")
        application = self.world.application_by_token(token) if isinstance(token, str) else None
        if application is None:
            raise GatewayClosed(Close.AUTHENTICATION_FAILED, "Authentication failed.")
        return application

    def _may_identify(self, application: Application, shard: tuple[int, int] | None) -> bool:
        """Apply the session start limits (gateway.mdx:188, "Rate Limiting" and "Max Concurrency").

        With shards, each ``shard_id % max_concurrency`` may identify once in a period; all others count together.
        """
        most = self.options.identify_concurrency
        key, most = (application.id, None if shard is None else shard[0] % most), most if shard is None else 1
        identifies = self._identifies.setdefault(key, deque())
        now = time.monotonic()
        while identifies and identifies[0] < now - self.options.identify_period:
            identifies.popleft()
        if len(identifies) >= most:
            return False
        identifies.append(now)
        application.identifies += 1
        if application.identifies > self.options.identify_total:
            application.token = secrets.token_urlsafe(32)
            raise GatewayClosed(Close.AUTHENTICATION_FAILED, "Too many identifies: the token was reset.")
        return True

    def resume(self, connection: SessionConnection, body: Json) -> None:
        """Continue a session: the missed events in order, then RESUMED; op 9 if it is too late."""
        application = self._authenticate(connection, body.get("token"))
        self._expire()
        if self.strike(connection, "identify") or self.strike(connection, "resume"):
            return
        session = self.sessions.get(str(body.get("session_id")))
        sequence = body.get("seq")
        if session is None or session.application is not application or not isinstance(sequence, int):
            connection.enqueue(encode({"op": Op.INVALID_SESSION, "d": False}))
            return
        if sequence > session.sequence or sequence < 0:
            raise GatewayClosed(Close.INVALID_SEQUENCE, "Invalid seq.")
        missed = session.missed_since(sequence)
        if missed is None:
            self.forget(session)
            connection.enqueue(encode({"op": Op.INVALID_SESSION, "d": False}))
            return
        self._attach(session, connection)
        session.resumes += 1
        self.resumes += 1
        for sent in missed:
            connection.enqueue(sent)
        session.push("RESUMED", "{}")
        self.strike(connection, "ready")
        self.world.changes.notify()

    def _attach(self, session: GatewaySession, connection: SessionConnection) -> None:
        if session.connection is not None:
            session.connection.session = None
            session.connection.abort()
        session.connection = connection
        session.lost_at = None
        connection.session = session

    def connection_ended(self, connection: SessionConnection, code: int | None) -> None:
        """Keep the session for RESUME, unless the client closed with 1000 or 1001 (gateway.mdx:242)."""
        self.connections.discard(connection)
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection = None
            session.lost_at = time.monotonic()
            if not connection.closed_by_us and code in (Close.NORMAL, Close.GOING_AWAY):
                self.forget(session)
        self.progress.set()
        self.world.changes.notify()

    def overflow(self, connection: SessionConnection) -> None:
        """End the session of a client that does not read."""
        self._invalidate(connection)
        connection.abort()

    def forget(self, session: GatewaySession) -> None:
        """Make a session impossible to resume."""
        self.sessions.pop(session.id, None)
        session.connection = None

    def _expire(self) -> None:
        deadline = time.monotonic() - self.options.resume_window
        for session in [item for item in self.sessions.values() if item.lost_at is not None]:
            if session.lost_at is not None and session.lost_at < deadline:
                self.forget(session)

    # -- faults ----------------------------------------------------------------------------------------------------

    def ready_sessions(self) -> list[GatewaySession]:
        """List the sessions that are connected and ready."""
        return [session for session in self.sessions.values() if session.connection is not None and session.ready]

    def strike(self, connection: SessionConnection, moment: str) -> bool:
        """Do what the storm says for this moment; tell whether it says anything."""
        storm = self.storm
        if storm is None or not storm.strikes(moment):
            return False
        if storm.does == "invalid-session" and not storm.resumable:
            self._invalidate(connection)
        connection.enqueue(storm.frame() or storm)
        self.world.changes.notify()
        return True

    def calm(self) -> None:
        """End the storm, and send READY unchanged again."""
        self.storm, self.ready_fields = None, {}

    def drop(self, *, invalidate: bool, code: int | None = None) -> int:
        """Cut every connection, or close it with a code; return the number of connections."""
        connections = list(self.connections)
        for connection in connections:
            if invalidate:
                self._invalidate(connection)
            if code is None:
                connection.abort()
            else:
                self.close_later(connection, code)
        if invalidate:
            self.sessions.clear()
        return len(connections)

    def _invalidate(self, connection: SessionConnection) -> None:
        if connection.session is not None:
            self.forget(connection.session)
            connection.session = None

    def close_later(self, connection: SessionConnection, code: int) -> None:
        """Close a connection in the background."""
        task = asyncio.get_running_loop().create_task(connection.close(code))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def invalid_session(self, *, resumable: bool) -> int:
        """Send op 9 to every client; return the number of clients."""
        for connection in list(self.connections):
            if not resumable:
                self._invalidate(connection)
            connection.enqueue(encode({"op": Op.INVALID_SESSION, "d": resumable}))
        return len(self.connections)

    def send_raw(self, name: str, text: str) -> int:
        """Send an event with ``text`` as its data to every session; return the number of sessions."""
        for session in self.sessions.values():
            session.push(name, text)
        return len(self.sessions)

    def send_frame(self, text: str) -> int:
        """Send a frame to every client; return the number of clients."""
        for connection in self.connections:
            connection.enqueue(text)
        return len(self.connections)
