"""Control routes that build the world: guilds, channels, threads, DMs, users, webhooks, permissions."""

from __future__ import annotations

from bot.sandbox import permissions
from bot.sandbox.control.call import ControlCall, ControlRoute
from bot.sandbox.errors import ControlError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Channel, ChannelKind, Guild, GuildRole, User

_KINDS = {"text": ChannelKind.TEXT, "announcement": ChannelKind.ANNOUNCEMENT}


def routes() -> list[ControlRoute]:
    """List the routes."""
    refuse = {"deny": ["SEND_MESSAGES"], "allow": []}
    return [
        ControlRoute("GET", "/world", list_world),
        ControlRoute("POST", "/users", create_user, {"name": "alice", "bot": False}),
        ControlRoute("POST", "/applications", create_application, {"name": "other-bot", "token": "another.token"}),
        ControlRoute("POST", "/guilds", create_guild, {"name": "Second", "owner": "bob"}),
        ControlRoute("PATCH", "/guilds/{guild}", change_guild, {"unavailable": True}),
        ControlRoute("DELETE", "/guilds/{guild}", delete_guild),
        ControlRoute("POST", "/members", add_member, {"guild": "Sandbox", "user": "alice"}),
        ControlRoute("PATCH", "/members", name_member, {"guild": "Sandbox", "user": "sandbox-bot", "nick": "Robin"}),
        ControlRoute(
            "POST", "/roles", create_role, {"name": "mods", "permissions": ["MANAGE_MESSAGES"], "users": ["bob"]}
        ),
        ControlRoute("POST", "/channels", create_channel, {"name": "help", "guild": "Sandbox"}),
        ControlRoute("DELETE", "/channels/{channel}", delete_channel),
        ControlRoute("PUT", "/channels/{channel}/permissions", set_permissions, refuse),
        ControlRoute("POST", "/threads", create_thread, {"name": "a thread", "channel": "general", "owner": "alice"}),
        ControlRoute("PATCH", "/threads/{channel}", change_thread, {"archived": True, "locked": False}),
        ControlRoute("POST", "/dms", open_dm, {"user": "alice"}),
        ControlRoute("POST", "/webhooks", create_webhook, {"channel": "general", "name": "builds"}),
    ]


def _user_record(user: User) -> Json:
    return {"id": str(user.id), "name": user.name, "bot": user.bot}


def _channel_record(channel: Channel) -> Json:
    return {
        "id": str(channel.id),
        "name": channel.name,
        "type": int(channel.kind),
        "guild_id": None if channel.guild is None else str(channel.guild.id),
        "parent_id": None if channel.parent is None else str(channel.parent.id),
        "recipients": [_user_record(user) for user in channel.recipients],
        "last_message_id": None if channel.last_message_id is None else str(channel.last_message_id),
        "archived": channel.archived,
        "members": sorted(str(user_id) for user_id in channel.member_ids),
        "messages": len(channel.message_ids),
    }


def _role_record(guild: Guild, role: GuildRole) -> Json:
    held = [member.user for member in guild.members.values() if role.id in member.role_ids]
    return {"id": str(role.id), "name": role.name, "users": [user.name for user in held]}


def _guild_record(guild: Guild) -> Json:
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner_id),
        "unavailable": guild.unavailable,
        "members": [_user_record(member.user) for member in guild.members.values()],
        "roles": [_role_record(guild, role) for role in guild.roles.values()],
    }


async def list_world(call: ControlCall) -> Json:
    """List guilds, channels (threads and DMs included), users and applications."""
    world = call.world
    return {
        "guilds": [_guild_record(guild) for guild in world.guilds.values()],
        "channels": [_channel_record(channel) for channel in world.channels.values()],
        "users": [_user_record(user) for user in world.users.values()],
        "applications": [
            {"id": str(item.id), "name": item.name, "token": item.token, "user": _user_record(item.user)}
            for item in world.applications.values()
        ],
        "webhooks": [
            {"id": str(item.id), "token": item.token, "name": item.user.name, "channel_id": str(item.channel.id)}
            for item in world.webhooks.values()
        ],
    }


def _name(call: ControlCall) -> str:
    name = str(call.text("name")).strip()
    if not name or len(name) > 100:  # noqa: PLR2004 - Discord's longest name
        raise ControlError("name must have 1 to 100 characters.")
    return name


async def create_user(call: ControlCall) -> Json:
    """Create a person, or with bot: true a bot account without an application (its messages are a bot's)."""
    return _user_record(call.world.create_user(_name(call), bot=call.flag("bot")))


async def create_application(call: ControlCall) -> Json:
    """Create a second bot application with its own token; it joins every guild."""
    token = str(call.text("token"))
    if not token.strip() or call.world.application_by_token(token) is not None:
        raise ControlError("token must be a new, non-empty text.")
    owner = call.user("owner", "owner")
    application = call.world.create_application(_name(call), token, owner)
    for guild in call.world.guilds.values():
        call.world.add_member(guild, application.user)
    return {"id": str(application.id), "name": application.name, "token": token}


async def create_guild(call: ControlCall) -> Json:
    """Create a guild with #general; the bot joins (GUILD_CREATE) unless with_bot is false."""
    guild = call.world.create_guild(_name(call), call.user("owner", "owner"))
    general = call.world.create_channel(guild, "general")
    if call.flag("with_bot", default=True):
        call.world.add_member(guild, call.application().user)
    return {**_guild_record(guild), "channel": _channel_record(general)}


async def change_guild(call: ControlCall) -> Json:
    """Begin (unavailable: true) or end an outage of a guild: GUILD_DELETE with ``unavailable``, then GUILD_CREATE."""
    guild = call.guild()
    call.world.set_unavailable(guild, unavailable=call.flag("unavailable"))
    return _guild_record(guild)


async def delete_guild(call: ControlCall) -> Json:
    """Delete a guild: GUILD_DELETE, as when a bot is removed from it."""
    guild = call.guild()
    call.world.remove_guild(guild)
    return {"id": str(guild.id)}


async def add_member(call: ControlCall) -> Json:
    """Let a user join a guild."""
    guild = call.guild()
    call.world.add_member(guild, call.user())
    return _guild_record(guild)


async def name_member(call: ControlCall) -> Json:
    """Give a member, the bot included, a nickname, or none (null): GUILD_MEMBER_UPDATE."""
    guild, nick = call.guild(), call.text("nick", None)
    member = call.world.add_member(guild, call.user(create=False))
    call.world.name_member(guild, member, nick)
    return {"id": str(member.user.id), "nick": nick}


async def create_role(call: ControlCall) -> Json:
    """Create a role with permissions by name, and give it to users, the bot included.

    With ``bot`` it is the one that Discord makes for that bot when it is invited, and has tags.
    """
    guild = call.guild()
    bits = permissions.parse(call.items("permissions", []))
    users = [call.part({"user": key}).user() for key in call.items("users", [])]
    bot = call.user("bot", create=False) if call.body.get("bot") is not None else None
    role = call.world.create_role(guild, _name(call), bits, bot_id=None if bot is None else bot.id)
    for user in (*users, *([] if bot is None else [bot])):
        call.world.give_role(guild, call.world.add_member(guild, user), role)
    return {"id": str(role.id), "name": role.name, "permissions": str(role.permissions)}


async def create_channel(call: ControlCall) -> Json:
    """Create a text channel (type: text or announcement): CHANNEL_CREATE."""
    kind = call.text("type", "text")
    if kind not in _KINDS:
        raise ControlError(f"type must be one of {', '.join(_KINDS)}.")
    return _channel_record(call.world.create_channel(call.guild(), _name(call), _KINDS[kind]))


async def delete_channel(call: ControlCall) -> Json:
    """Delete a channel, with its threads, or a thread: CHANNEL_DELETE or THREAD_DELETE."""
    channel = call.channel()
    call.world.remove_channel(channel)
    return {"id": str(channel.id)}


async def set_permissions(call: ControlCall) -> Json:
    """Allow and deny permissions in a channel, to the bot or to ``target`` (user, or everyone): CHANNEL_UPDATE."""
    channel = call.channel()
    if channel.guild is None or channel.is_thread:
        raise ControlError("Only channels of a guild have permissions of their own; threads have their channel's.")
    if call.body.get("target") == "everyone":
        target_id = channel.guild.id
    else:
        target_id = call.user("target", call.application().user.id, create=False).id
    allow, deny = permissions.parse(call.items("allow", [])), permissions.parse(call.items("deny", []))
    call.world.set_overwrite(channel, target_id, allow=allow, deny=deny)
    return {"channel_id": str(channel.id), "target_id": str(target_id), "allow": str(allow), "deny": str(deny)}


async def create_thread(call: ControlCall) -> Json:
    """Start a thread in a channel, from a message when one is named, or a private one: THREAD_CREATE."""
    owner = call.user("owner", "alice")
    message = None if call.body.get("message") is None else call.live_message()
    parent = call.channel() if message is None else message.channel
    kind = ChannelKind.PRIVATE_THREAD if call.flag("private") else ChannelKind.PUBLIC_THREAD
    if kind is ChannelKind.PRIVATE_THREAD and (message is not None or parent.kind is not ChannelKind.TEXT):
        raise ControlError("A private thread starts in a text channel, and from no message.")
    if parent.guild is None or parent.is_thread or (message is not None and message.thread is not None):
        raise ControlError("A thread starts in a text channel, and a message can have one thread.")
    call.world.join(parent, owner)
    thread = call.world.create_thread(parent, _name(call), owner, message=message, kind=kind)
    if message is not None:
        message.thread = thread
    return _channel_record(thread)


async def change_thread(call: ControlCall) -> Json:
    """Archive or lock a thread, or bring it back: THREAD_UPDATE."""
    thread = call.channel()
    if not thread.is_thread:
        raise ControlError("That is not a thread.")
    archived, locked = call.flag("archived", default=thread.archived), call.flag("locked", default=thread.locked)
    call.world.change_channel(thread, name=thread.name, archived=archived, locked=locked)
    return _channel_record(thread)


async def open_dm(call: ControlCall) -> Json:
    """Open the DM of a person and the bot; the bot learns of it with the first message."""
    user = call.user("user", "alice")
    if user.bot:
        raise ControlError("A DM is between the bot and a person.")
    return _channel_record(call.world.open_dm(call.application(), user))


async def create_webhook(call: ControlCall) -> Json:
    """Create a webhook; post with POST {api_url}/webhooks/{id}/{token} and {"content": "..."}.

    ``bot`` names the bot that creates it; otherwise a person does.
    """
    channel = call.channel()
    if channel.guild is None:
        raise ControlError("A DM has no webhooks.")
    bot = call.user("bot", create=False) if call.body.get("bot") is not None else None
    webhook = call.world.create_webhook(channel, _name(call), None if bot is None else bot.id)
    return {"id": str(webhook.id), "token": webhook.token, "channel_id": str(channel.id)}
