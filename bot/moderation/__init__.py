"""What moderators may ask of the bot and have it do; slash commands and the command line are twins on top of this."""

from bot.moderation.desk import Desk, Live
from bot.moderation.house import House
from bot.moderation.moderation import Moderation
from bot.moderation.persona import Scope
from bot.moderation.report import File, ModerationError, Report

__all__ = ["Desk", "File", "House", "Live", "Moderation", "ModerationError", "Report", "Scope"]
