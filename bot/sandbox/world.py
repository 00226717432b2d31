"""The world: all guilds, channels, users, messages and applications; it tells its listeners what happens to them."""

from __future__ import annotations

import secrets
from bisect import bisect_right
from collections.abc import Callable

from bot.sandbox import intents, permissions
from bot.sandbox.changes import Changes
from bot.sandbox.events import BACK_AVAILABLE, Dispatch
from bot.sandbox.models import (
    Application,
    Channel,
    ChannelKind,
    Guild,
    GuildRole,
    Member,
    Message,
    Overwrite,
    User,
    Webhook,
)
from bot.sandbox.nonces import Nonces
from bot.sandbox.payloads import channel_payload, member_payload, role_payload
from bot.sandbox.snowflakes import Snowflakes, timestamp_ms


class World:
    """Holds everything in memory. ``listeners`` receive all dispatches; ``changes`` wakes the waiters.

    ``whisper_listeners`` receive what happens to messages that only one person sees; the gateway does not send that.
    ``messages`` keeps deleted ones too; its keys ascend, because ids do.
    """

    def __init__(self, nonce_window: float = 300.0) -> None:
        """Begin empty."""
        self.snowflakes = Snowflakes()
        self.nonces = Nonces(nonce_window)
        self.changes = Changes()
        self.listeners: list[Callable[[Dispatch], None]] = []
        self.whisper_listeners: list[Callable[[str, Message], None]] = []
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.message_ids: list[int] = []
        self.applications: dict[int, Application] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.files: dict[int, bytes] = {}
        self._people_by_name: dict[tuple[str, bool], User] = {}

    def emit(self, dispatch: Dispatch) -> None:
        """Give a dispatch to the listeners, and wake those who wait for a change."""
        for listener in self.listeners:
            listener(dispatch)
        self.changes.notify()

    def whisper(self, name: str, message: Message) -> None:
        """Announce a message that only the user of an interaction sees; ``name`` is that of the gateway's event."""
        for listener in self.whisper_listeners:
            listener(name, message)
        self.changes.notify()

    # -- users and applications ------------------------------------------------------------------------------------

    def create_user(self, name: str, *, bot: bool = False, webhook: bool = False) -> User:
        """Create an account; names need not be unique."""
        user = User(self.snowflakes.next(), name, bot=bot, webhook=webhook)
        self.users[user.id] = user
        if not webhook:
            self._people_by_name.setdefault((name, bot), user)
        return user

    def named_user(self, name: str, *, bot: bool = False) -> User:
        """Find an account by name, or create it."""
        return self._people_by_name.get((name, bot)) or self.create_user(name, bot=bot)

    def find_user(self, name: str) -> User | None:
        """Find a person by name, or else a bot."""
        return self._people_by_name.get((name, False)) or self._people_by_name.get((name, True))

    def create_application(self, name: str, token: str, owner: User) -> Application:
        """Create an application; its bot user has the same id."""
        user = self.create_user(name, bot=True)
        application = Application(user.id, name, token, user, owner)
        self.applications[application.id] = application
        return application

    def application_by_token(self, token: str) -> Application | None:
        """Find the application of a token."""
        for application in self.applications.values():
            if secrets.compare_digest(application.token.encode(), token.encode()):
                return application
        return None

    # -- guilds ----------------------------------------------------------------------------------------------------

    def create_guild(self, name: str, owner: User) -> Guild:
        """Create a guild with its owner; bots join with ``add_member``."""
        guild = Guild(self.snowflakes.next(), name, owner.id)
        guild.roles[guild.id] = GuildRole(guild.id, "@everyone", int(permissions.EVERYONE))
        self.guilds[guild.id] = guild
        self.add_member(guild, owner)
        return guild

    def create_role(self, guild: Guild, name: str, bits: int, *, bot_id: int | None = None) -> GuildRole:
        """Create a role, or that of a bot: GUILD_ROLE_CREATE."""
        role = GuildRole(self.snowflakes.next(), name, bits, position=len(guild.roles), bot_id=bot_id)
        guild.roles[role.id] = role
        data = {"guild_id": str(guild.id), "role": role_payload(role)}
        self.emit(Dispatch("GUILD_ROLE_CREATE", data, intent=intents.GUILDS, guild=guild))
        return role

    def give_role(self, guild: Guild, member: Member, role: GuildRole) -> None:
        """Give a member a role: GUILD_MEMBER_UPDATE, unless the member has it already."""
        if role.id not in member.role_ids:
            member.role_ids.append(role.id)
            permissions.forget(guild)
            self._emit_member(guild, member)

    def take_role(self, guild: Guild, member: Member, role: GuildRole) -> None:
        """Take a role from a member: GUILD_MEMBER_UPDATE, unless the member has it not."""
        if role.id in member.role_ids:
            member.role_ids.remove(role.id)
            permissions.forget(guild)
            self._emit_member(guild, member)

    def name_member(self, guild: Guild, member: Member, nick: str | None) -> None:
        """Give a member a nickname, or none: GUILD_MEMBER_UPDATE."""
        member.nick = nick
        self._emit_member(guild, member)

    def _emit_member(self, guild: Guild, member: Member) -> None:
        """Announce a change; a bot gets its own without the intent (gateway-events.mdx, "Guild Member Update")."""
        own = self.applications.get(member.user.id)
        intent = 0 if own else intents.GUILD_MEMBERS
        data = {**member_payload(member, with_user=True), "guild_id": str(guild.id)}
        self.emit(Dispatch("GUILD_MEMBER_UPDATE", data, intent=intent, guild=guild, application=own))

    def add_member(self, guild: Guild, user: User) -> Member:
        """Let a user join; a bot's sessions get GUILD_CREATE."""
        member = guild.members.get(user.id)
        if member is not None:
            return member
        member = Member(user, timestamp_ms(self.snowflakes.next()))
        guild.members[user.id] = member
        permissions.forget(guild)
        application = self.applications.get(user.id)
        if application is not None:
            self.emit(Dispatch("GUILD_CREATE", {}, intent=intents.GUILDS, guild=guild, application=application))
        else:
            data = {**member_payload(member, with_user=True), "guild_id": str(guild.id)}
            self.emit(Dispatch("GUILD_MEMBER_ADD", data, intent=intents.GUILD_MEMBERS, guild=guild))
        return member

    def join(self, channel: Channel, user: User) -> None:
        """Make sure that a user is a member of the channel's guild."""
        if channel.guild is not None:
            self.add_member(channel.guild, user)

    def remove_guild(self, guild: Guild) -> None:
        """Delete a guild with its channels: GUILD_DELETE without ``unavailable``."""
        data = {"id": str(guild.id)}
        self.emit(Dispatch("GUILD_DELETE", data, intent=intents.GUILDS, guild=guild))
        del self.guilds[guild.id]
        for channel in (*guild.channels.values(), *guild.threads.values()):
            self._drop_channel(channel)

    def set_unavailable(self, guild: Guild, *, unavailable: bool) -> None:
        """Begin or end an outage of one guild (gateway-events.mdx, "Guild Delete")."""
        if unavailable and not guild.unavailable:
            data = {"id": str(guild.id), "unavailable": True}
            self.emit(Dispatch("GUILD_DELETE", data, intent=intents.GUILDS, guild=guild))
        changed = guild.unavailable != unavailable
        guild.unavailable = unavailable
        if changed and not unavailable:
            self.emit(Dispatch("GUILD_CREATE", BACK_AVAILABLE, intent=intents.GUILDS, guild=guild))

    # -- channels --------------------------------------------------------------------------------------------------

    def create_channel(self, guild: Guild, name: str, kind: ChannelKind = ChannelKind.TEXT) -> Channel:
        """Create a text channel: CHANNEL_CREATE."""
        channel = Channel(self.snowflakes.next(), kind, name, guild, position=len(guild.channels))
        guild.channels[channel.id] = self.channels[channel.id] = channel
        self._emit_channel("CHANNEL_CREATE", channel)
        return channel

    def create_thread(
        self,
        parent: Channel,
        name: str,
        owner: User,
        *,
        message: Message | None = None,
        kind: ChannelKind = ChannelKind.PUBLIC_THREAD,
    ) -> Channel:
        """Create a thread, from a message or by itself: THREAD_CREATE.

        A thread made from a message has the message's id (threads.mdx).
        """
        if parent.kind is ChannelKind.ANNOUNCEMENT:
            kind = ChannelKind.ANNOUNCEMENT_THREAD
        snowflake = message.id if message is not None else self.snowflakes.next()
        thread = Channel(snowflake, kind, name, parent.guild, parent, owner_id=owner.id)
        thread.member_ids.add(owner.id)
        if parent.guild is not None:
            parent.guild.threads[thread.id] = thread
        self.channels[thread.id] = thread
        data = {**channel_payload(thread), "newly_created": True}
        self.emit(Dispatch("THREAD_CREATE", data, intent=intents.GUILDS, guild=parent.guild, channel=thread))
        return thread

    def open_dm(self, application: Application, user: User) -> Channel:
        """Find or create the DM channel of a bot and a user; nobody is told (channel.mdx, no CHANNEL_CREATE)."""
        wanted = {application.user.id, user.id}
        for channel in self.channels.values():
            if channel.is_dm and {item.id for item in channel.recipients} == wanted:
                return channel
        channel = Channel(self.snowflakes.next(), ChannelKind.DM, recipients=[application.user, user])
        self.channels[channel.id] = channel
        return channel

    def change_channel(self, channel: Channel, *, name: str, archived: bool = False, locked: bool = False) -> None:
        """Rename a channel, or archive or lock a thread: CHANNEL_UPDATE or THREAD_UPDATE."""
        if archived != channel.archived:
            channel.archive_changed_id = self.snowflakes.next()
        channel.name, channel.archived, channel.locked = name, archived, locked
        self._emit_channel("THREAD_UPDATE" if channel.is_thread else "CHANNEL_UPDATE", channel)

    def remove_channel(self, channel: Channel) -> None:
        """Delete a channel with its threads, or a thread: CHANNEL_DELETE or THREAD_DELETE, no message events."""
        if channel.parent is not None:
            data = {
                "id": str(channel.id),
                "guild_id": str(channel.guild.id if channel.guild else 0),
                "parent_id": str(channel.parent.id),
                "type": int(channel.kind),
            }
            dispatch = Dispatch("THREAD_DELETE", data, intent=intents.GUILDS, guild=channel.guild, channel=channel)
            self.emit(dispatch)
        else:
            self._emit_channel("CHANNEL_DELETE", channel)
        guild = channel.guild
        if guild is not None:
            for thread in [item for item in guild.threads.values() if item.parent is channel]:
                self._drop_channel(thread)
                del guild.threads[thread.id]
            guild.channels.pop(channel.id, None)
            guild.threads.pop(channel.id, None)
        self._drop_channel(channel)

    def set_overwrite(self, channel: Channel, target_id: int, *, allow: int, deny: int) -> None:
        """Allow and deny permissions to a member or role in a channel: CHANNEL_UPDATE."""
        if channel.guild is None:
            return
        kind = 0 if target_id in channel.guild.roles else 1
        channel.overwrites[target_id] = Overwrite(target_id, kind, allow, deny)
        permissions.forget(channel.guild)
        self._emit_channel("CHANNEL_UPDATE", channel)

    def _emit_channel(self, name: str, channel: Channel) -> None:
        data = channel_payload(channel)
        self.emit(Dispatch(name, data, intent=intents.GUILDS, guild=channel.guild))

    def _drop_channel(self, channel: Channel) -> None:
        self.channels.pop(channel.id, None)
        for message_id in channel.message_ids:
            self.messages[message_id].deleted = True
        channel.message_ids.clear()
        for webhook in [item for item in self.webhooks.values() if item.channel is channel]:
            del self.webhooks[webhook.id]

    def create_webhook(self, channel: Channel, name: str, application_id: int | None = None) -> Webhook:
        """Create a webhook of a channel, as a person or as a bot's application does."""
        user = self.create_user(name, webhook=True)
        webhook = Webhook(user.id, secrets.token_urlsafe(48), channel, user, application_id)
        self.webhooks[webhook.id] = webhook
        return webhook

    # -- messages --------------------------------------------------------------------------------------------------

    def keep(self, message: Message) -> None:
        """Store a new message; an ephemeral one stays out of the channel's history."""
        self.messages[message.id] = message
        self.message_ids.append(message.id)
        self.nonces.remember(message)
        if message.ephemeral:
            return
        channel = message.channel
        channel.message_ids.append(message.id)
        channel.last_message_id = message.id
        channel.total_messages += 1

    def messages_after(self, message_id: int) -> list[Message]:
        """List all messages, deleted ones included, with a larger id, oldest first."""
        start = bisect_right(self.message_ids, message_id)
        return [self.messages[key] for key in self.message_ids[start:]]

    def live_message(self, channel: Channel, message_id: int) -> Message | None:
        """Find a message that still exists in a channel."""
        message = self.messages.get(message_id)
        if message is None or message.deleted or message.channel is not channel or message.ephemeral:
            return None
        return message
