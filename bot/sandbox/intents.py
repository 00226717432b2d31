"""Gateway intents (gateway.mdx, "List of Intents")."""

from __future__ import annotations

GUILDS = 1 << 0
GUILD_MEMBERS = 1 << 1
GUILD_PRESENCES = 1 << 8
GUILD_MESSAGES = 1 << 9
GUILD_MESSAGE_REACTIONS = 1 << 10
GUILD_MESSAGE_TYPING = 1 << 11
# Direct messages have the three intents above again: 1 << 12 to 1 << 14.
IN_DIRECT_MESSAGES = 3
MESSAGE_CONTENT = 1 << 15

# Bits 17 to 19, 22, 23 and 26 to 31 have no meaning in the documents.
ALL = 0b0000_0011_0011_0001_1111_1111_1111_1111

PRIVILEGED_BY_NAME = {
    "members": GUILD_MEMBERS,
    "presences": GUILD_PRESENCES,
    "message_content": MESSAGE_CONTENT,
}

# Application flags that say which privileged intents are switched on, without review (application.mdx).
APPLICATION_FLAGS = {"presences": 1 << 13, "members": 1 << 15, "message_content": 1 << 19}


def denied_bits(names: frozenset[str]) -> int:
    """Add up the bits of privileged intents by name."""
    return sum(PRIVILEGED_BY_NAME[name] for name in names)


def application_flags(denied: frozenset[str]) -> int:
    """Build the application's flags from the privileged intents that are not denied."""
    return sum(flag for name, flag in APPLICATION_FLAGS.items() if name not in denied)
