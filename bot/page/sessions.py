"""Who looks at the page: invited by a token that works once, known afterwards by a cookie.

All of it is kept in memory, and only as hashes: with the process all sessions end.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from cachetools import TTLCache

from bot.moderation.command import TERMINAL

INVITED_SECONDS = 600
"""How long a token works."""
SESSION_SECONDS = 12 * 3600
"""How long a session lasts, from the sign-in on."""
MOST = 1000
"""Of tokens, and of sessions; beyond that the oldest ends."""

Visible = Callable[[Collection[int]], Awaitable[Collection[int]]]
"""Returns which of some channels may be seen; asked at each request."""


async def everything(channels: Collection[int]) -> Collection[int]:
    """Return all of the channels: who owns the log may read it all."""
    return channels


class Actor(Protocol):
    """Who asks for something to be done, and what they may have done."""

    @property
    def by(self) -> str:
        """Return the asker as the log shows it."""

    async def refusal(self, command: str, channel_id: int, *, anew: bool = True) -> str | None:
        """Return the sentence why they may not use a command about a channel, None if they may.

        ``anew``: who they are is asked for again, and not believed for some seconds.
        """

    async def note(self, command: str, options: str, channel_id: int, outcome: str) -> None:
        """Record a use of a command."""


class AtTheTerminal:
    """Who started the bot: may do all, and their uses are recorded by what they change alone, as those of commands."""

    by = TERMINAL

    async def refusal(self, command: str, channel_id: int, *, anew: bool = True) -> None:
        """Refuse nothing."""
        del command, channel_id, anew

    async def note(self, command: str, options: str, channel_id: int, outcome: str) -> None:
        """Record nothing."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who looks, and what they may see; without ``actor`` they may do nothing."""

    name: str
    visible: Visible
    actor: Actor | None = None


OWNER = Viewer("owner of the log", everything, AtTheTerminal())


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in viewer. ``csrf`` has to come with whatever the page is asked to do."""

    viewer: Viewer
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


class Sessions:
    """Invites viewers and remembers who came; ``clock`` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._invited: TTLCache[bytes, Viewer] = TTLCache(MOST, INVITED_SECONDS, clock)
        self._sessions: TTLCache[bytes, Session] = TTLCache(MOST, SESSION_SECONDS, clock)

    def invite(self, viewer: Viewer) -> str:
        """Return a token with which the viewer may sign in, once."""
        token = secrets.token_urlsafe(32)
        self._invited[_hashed(token)] = viewer
        return token

    def enter(self, token: str) -> str | None:
        """Take a token; return the value of the cookie of a new session, or None for a token that does not work."""
        viewer = self._invited.pop(_hashed(token), None)
        if viewer is None:
            return None
        cookie = secrets.token_urlsafe(32)
        self._sessions[_hashed(cookie)] = Session(viewer)
        return cookie

    def of(self, cookie: str) -> Session | None:
        """Return the session of a cookie, None where there is none any more."""
        return self._sessions.get(_hashed(cookie))

    def leave(self, cookie: str) -> None:
        """End a session."""
        self._sessions.pop(_hashed(cookie), None)


def _hashed(secret: str) -> bytes:
    """Return the form in which a secret is looked up: how long that takes tells nothing of it."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
