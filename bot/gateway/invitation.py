"""The link by which the owner of a server invites the bot."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import discord

SCOPES = ("bot", "applications.commands")
READING = discord.Permissions(view_channel=True, read_message_history=True)
SENDING = discord.Permissions(send_messages=True)
OPENING = discord.Permissions(create_public_threads=True, send_messages_in_threads=True)
EXTRAS = discord.Permissions(send_messages_in_threads=True, add_reactions=True)
"""What a bot that answers is invited with beside these, and can do without in a channel."""


class Duties(NamedTuple):
    """What the bot does by its settings; ``answers``: False if it only records."""

    answers: bool = True
    opens_threads: bool = False

    @property
    def essential(self) -> discord.Permissions:
        """Return the permissions without which the bot can't work in a channel; a reply needs the history."""
        return READING | SENDING if self.answers else READING

    @property
    def needed(self) -> discord.Permissions:
        """Return the permissions that it needs in a text channel to do everything."""
        return self.essential | OPENING if self.answers and self.opens_threads else self.essential

    @property
    def asked_for(self) -> discord.Permissions:
        """Return the permissions that an invitation asks for."""
        return self.needed | EXTRAS if self.answers else self.needed


def invitation(application_id: int, duties: Duties) -> str:
    """Return the link that invites the bot with the permissions for its duties."""
    return discord.utils.oauth_url(application_id, permissions=duties.asked_for, scopes=SCOPES)


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
