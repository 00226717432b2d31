"""The link by which a server's owner lets the bot in."""

from __future__ import annotations

import base64
import binascii

import discord

SCOPES = ("bot", "applications.commands")
READING = discord.Permissions(view_channel=True, read_message_history=True)
ANSWERING = READING | discord.Permissions(send_messages=True, send_messages_in_threads=True, add_reactions=True)


def invitation(application_id: int, *, answers: bool = True) -> str:
    """Return the link that invites the bot with what it needs; ``answers`` is False for one that only records."""
    return discord.utils.oauth_url(application_id, permissions=ANSWERING if answers else READING, scopes=SCOPES)


def application_of(token: str) -> int | None:
    """Return the application that a token belongs to, None where the token does not say.

    A token's first part is the id of its bot in base64 (docs: reference, "Authentication", by example), which is that
    of its application as well, but for some made before 2016.
    """
    first = token.partition(".")[0]
    try:
        decoded = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return int(decoded) if decoded.isdecimal() and 0 < int(decoded) < 2**63 else None
