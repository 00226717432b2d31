"""Every channel's conversation: its state in memory or on disk, and the mailbox through which it changes."""

from bot.conversations.conversations import BATCH, Appending, Conversations, MailboxFull, state_as_of

__all__ = ["BATCH", "Appending", "Conversations", "MailboxFull", "state_as_of"]
