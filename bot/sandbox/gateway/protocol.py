"""Opcodes, close codes and limits of the gateway (opcodes-and-status-codes.mdx)."""

from __future__ import annotations

from enum import IntEnum

MAX_CLIENT_PAYLOAD = 4096
COMMANDS_PER_MINUTE = 120


class Op(IntEnum):
    """Gateway opcodes."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    VOICE_STATE_UPDATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11
    REQUEST_SOUNDBOARD_SOUNDS = 31


# What an identified client may send besides heartbeats. The sandbox answers a request for members and ignores the rest.
CLIENT_COMMANDS = frozenset(
    {Op.PRESENCE_UPDATE, Op.VOICE_STATE_UPDATE, Op.REQUEST_GUILD_MEMBERS, Op.REQUEST_SOUNDBOARD_SOUNDS}
)


class Close(IntEnum):
    """Gateway close codes."""

    NORMAL = 1000
    GOING_AWAY = 1001
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    INVALID_API_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


class GatewayClosed(Exception):
    """Close the connection with a code."""

    def __init__(self, code: Close, reason: str) -> None:
        """Keep the close code and its words."""
        super().__init__(reason)
        self.code = code
        self.reason = reason
