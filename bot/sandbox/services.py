"""The world and its services, which the routes of REST and of the control API work with."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.faults import Faults
from bot.sandbox.gateway.hub import Hub
from bot.sandbox.interactions import Interactions
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Application, Channel, Guild
from bot.sandbox.options import SandboxOptions
from bot.sandbox.ratelimits import RateLimits
from bot.sandbox.request_log import RequestLog
from bot.sandbox.world import World


def _no_outage(_seconds: float) -> None:
    """Do nothing: no server is running."""


class Services:
    """A world with one guild, ``#general``, an owner and one bot, and the services around it.

    The addresses are known once a server listens.
    """

    def __init__(self, options: SandboxOptions) -> None:
        """Build the world."""
        self.options = options
        self.world = World(options.nonce_window)
        owner = self.world.create_user("owner")
        self.application: Application = self.world.create_application(options.bot_name, options.token, owner)
        self.application.denied_intents = options.denied_intents
        self.guild: Guild = self.world.create_guild("Sandbox", owner)
        self.world.add_member(self.guild, self.application.user)
        self.general: Channel = self.world.create_channel(self.guild, "general")
        self.hub = Hub(self.world, options)
        self.limits = RateLimits(options.message_rate, options.global_rate)
        self.faults = Faults()
        self.request_log = RequestLog(self.world.changes)
        self.interactions = Interactions(
            self.world, deadline=options.interaction_deadline, token_life=options.interaction_token_life
        )
        self.addresses = Addresses()
        self.begin_outage: Callable[[float], None] = _no_outage

    @property
    def sessions_left(self) -> int:
        """The number of sessions that may still begin today."""
        return max(0, self.options.identify_total - self.application.identifies)

    @sessions_left.setter
    def sessions_left(self, left: int) -> None:
        self.application.identifies = self.options.identify_total - left

    def description(self) -> Json:
        """Return the addresses, the token and the first ids, as in the ready line of the process."""
        return {
            "api_url": self.addresses.api,
            "gateway_url": self.addresses.gateway,
            "control_url": self.addresses.control,
            "token": self.application.token,
            "pid": os.getpid(),
            "application_id": str(self.application.id),
            "guild_id": str(self.guild.id),
            "channel_id": str(self.general.id),
        }


@dataclass(slots=True)
class Addresses:
    """Where a sandbox listens."""

    api: str = ""
    gateway: str = ""
    control: str = ""
