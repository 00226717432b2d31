"""Events of what people choose about their own words."""

from __future__ import annotations

from bot.core.events.base import Event


class PersonOptedOut(Event):
    """A person chose that their words are not recorded from here on, and that the bot does not answer them."""

    TYPE = "person.opted_out"

    user_id: int


class PersonOptedIn(Event):
    """A person took that choice back."""

    TYPE = "person.opted_in"

    user_id: int
