"""The conversations of all channels: their states in memory or on disk, and the mailboxes that change them."""

from bot.conversations.conversations import BATCH, Appending, Conversations, MailboxFull
from bot.conversations.past import state_as_of

__all__ = ["BATCH", "Appending", "Conversations", "MailboxFull", "state_as_of"]
