"""The link by which the owner of a server invites the bot."""

from __future__ import annotations

import base64
import binascii

import discord

SCOPES = ("bot", "applications.commands")
READING = discord.Permissions(view_channel=True, read_message_history=True)
ANSWERING = READING | discord.Permissions(send_messages=True, send_messages_in_threads=True, add_reactions=True)


def invitation(application_id: int, *, answers: bool = True) -> str:
    """Return the link that invites the bot with the permissions it needs; ``answers``: False if it only records."""
    return discord.utils.oauth_url(application_id, permissions=ANSWERING if answers else READING, scopes=SCOPES)


def application_of(token: str) -> int | None:
    """Return the id of the application that a token belongs to, or None when the token does not show it.

    The first part of a token is the id of its bot in base64 (docs: reference, "Authentication", by example). That is
    also the id of the application, except for some made before 2016.
    """
    first = token.partition(".")[0]
    try:
        decoded = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return int(decoded) if decoded.isdecimal() and 0 < int(decoded) < 2**63 else None
