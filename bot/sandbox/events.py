"""Events of the gateway (dispatches), before they are given to sessions."""

from __future__ import annotations

from bot.sandbox import intents
from bot.sandbox.json_codec import Json, encode
from bot.sandbox.message_payloads import content_is_free, without_content
from bot.sandbox.models import Application, Channel, Guild, Message

# Marks a GUILD_CREATE of a guild that the bot was in before. Clients take one without it for a new guild.
BACK_AVAILABLE: Json = {"unavailable": False}


class Dispatch:
    """An event, and who may receive it. Its JSON is written once for all sessions.

    ``intent`` 0 means no intent is needed; ``application`` names the only receiver; ``message`` is the message whose
    content is private without the content intent.
    """

    __slots__ = ("_bare", "_full", "application", "channel", "data", "guild", "intent", "message", "name")

    def __init__(
        self,
        name: str,
        data: Json,
        *,
        intent: int = 0,
        guild: Guild | None = None,
        channel: Channel | None = None,
        message: Message | None = None,
        application: Application | None = None,
    ) -> None:
        """Keep the parts."""
        self.name = name
        self.data = data
        self.intent = intent
        self.guild = guild
        self.channel = channel
        self.message = message
        self.application = application
        self._full: str | None = None
        self._bare: str | None = None

    def text(self, session_intents: int, user_id: int) -> str:
        """Return the JSON that a session with these intents may see."""
        if self.message is None or session_intents & intents.MESSAGE_CONTENT or content_is_free(self.message, user_id):
            if self._full is None:
                self._full = encode(self.data)
            return self._full
        if self._bare is None:
            self._bare = encode(without_content(self.data))
        return self._bare
