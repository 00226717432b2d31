"""The sandbox's answers against Discord's own description of its API."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import SHARED, Answer, Connect, Rest

DESCRIPTION = SHARED / "discord" / "openapi.json"
pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's OpenAPI description is not at hand")


@pytest.fixture
def options() -> SandboxOptions:
    """No limits, but where a test asks for its own."""
    return SandboxOptions(message_rate=None, global_rate=None)


@cache
def _description() -> Any:  # noqa: ANN401 - JSON
    return json.loads(DESCRIPTION.read_text())


@cache
def _registry() -> Registry[Any]:
    resource = DRAFT202012.create_resource(_description())
    registry: Registry[Any] = Registry().with_resource("urn:discord", resource)
    return registry


def _problems(pointer: str, value: object) -> list[str]:
    validator = Draft202012Validator({"$ref": f"urn:discord#{pointer}"}, registry=_registry())
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def _check_schema(name: str, value: object) -> None:
    assert _problems(f"/components/schemas/{name}", value) == []


def _check(method: str, path: str, answer: Answer) -> None:
    """Validate an answer against the response of its operation; the status must be one that is described."""
    responses = _description()["paths"][path][method.lower()]["responses"]
    assert str(answer.status) in responses, answer.body
    if answer.status == 204:
        assert answer.body == b""
        return
    escaped = path.replace("/", "~1")
    schema = f"/paths/{escaped}/{method.lower()}/responses/{answer.status}/content/application~1json/schema"
    assert _problems(schema, answer.body) == []


def test_the_judge_sees_what_is_wrong() -> None:
    """A message without a timestamp, with flags as text, is no message."""
    assert len(_problems("/components/schemas/MessageResponse", {"flags": "0"})) >= 2


async def test_users_guilds_and_channels_are_as_described(rest: Rest, sandbox: Sandbox, control: ControlClient) -> None:
    """Every plain GET, and opening a DM."""
    guild, channel = sandbox.services.guild.id, sandbox.services.general.id
    thread = await control.create_thread("t")
    alice = await control.create_user("alice")
    await control.set_permissions("general", allow=["MANAGE_MESSAGES"])

    _check("GET", "/users/@me", await rest("GET", "/users/@me"))
    _check("GET", "/oauth2/applications/@me", await rest("GET", "/oauth2/applications/@me"))
    _check("GET", "/applications/@me", await rest("GET", "/applications/@me"))
    _check("GET", "/gateway", await rest("GET", "/gateway"))
    _check("GET", "/gateway/bot", await rest("GET", "/gateway/bot"))
    _check("GET", "/guilds/{guild_id}", await rest("GET", f"/guilds/{guild}?with_counts=true"))
    _check("GET", "/guilds/{guild_id}/channels", await rest("GET", f"/guilds/{guild}/channels"))
    _check("GET", "/guilds/{guild_id}/threads/active", await rest("GET", f"/guilds/{guild}/threads/active"))
    _check("GET", "/guilds/{guild_id}/roles", await rest("GET", f"/guilds/{guild}/roles"))
    members = await rest("GET", f"/channels/{thread['id']}/thread-members")
    _check("GET", "/channels/{channel_id}/thread-members", members)
    _check("GET", "/users/@me/guilds", await rest("GET", "/users/@me/guilds"))
    member = await rest("GET", f"/guilds/{guild}/members/{sandbox.services.application.id}")
    _check("GET", "/guilds/{guild_id}/members/{user_id}", member)
    private = await rest("POST", "/users/@me/channels", {"recipient_id": alice["id"]})
    _check("POST", "/users/@me/channels", private)
    for snowflake in (channel, thread["id"], private.body["id"]):
        _check("GET", "/channels/{channel_id}", await rest("GET", f"/channels/{snowflake}"))


async def test_roles_and_archived_threads_are_as_described(
    rest: Rest, sandbox: Sandbox, control: ControlClient
) -> None:
    """A role given and taken, twice each; only one below the bot's own; the last archived thread comes first."""
    guild, bot = sandbox.services.guild.id, sandbox.services.application.id
    alice = await control.create_user("alice")
    below = await control.create_role("below", users=["alice"])
    own = await control.create_role("own", permissions=["MANAGE_ROLES"], users=["sandbox-bot"])
    path, shown = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", f"/guilds/{guild}/members/{alice['id']}"
    given = []
    for method in ("DELETE", "DELETE", "PUT", "PUT"):
        _check(method, path, await rest(method, f"{shown}/roles/{below['id']}"))
        given.append((await rest("GET", shown)).body["roles"])
    refused = [
        await rest("PUT", f"/guilds/{guild}/members/{who}/roles/{role}")
        for who, role in ((alice["id"], own["id"]), (alice["id"], guild), (1, below["id"]), (bot, 1))
    ]
    for name in ("one", "two"):
        await control.change_thread((await control.create_thread(name))["id"], archived=True)
    listed = f"/channels/{sandbox.services.general.id}/threads/archived/public"
    archived = [await rest("GET", f"{listed}?limit=2")]
    since = archived[0].body["threads"][0]["thread_metadata"]["archive_timestamp"].replace("+", "%2B")
    archived.append(await rest("GET", f"{listed}?before={since}"))
    for each in archived:
        _check("GET", "/channels/{channel_id}/threads/archived/public", each)

    assert given == [[], [], [below["id"]], [below["id"]]]
    assert [(each.status, each.body["code"]) for each in refused] == [
        (403, 50013), (403, 50013), (404, 10007), (404, 10011),
    ]  # fmt: skip
    assert [[each["name"] for each in page.body["threads"]] for page in archived] == [["two", "one"], ["one"]]


async def test_messages_are_as_described(rest: Rest, sandbox: Sandbox, control: ControlClient) -> None:
    """Replies, embeds, attachments, reactions, mentions, threads."""
    base, path = "/channels/{channel_id}/messages", f"/channels/{sandbox.services.general.id}/messages"
    posted = await control.post("hi", mention="sandbox-bot", attachments=[{"filename": "a.txt", "size": 3}])
    await control.react(posted["id"], "👍")
    embed = {
        "title": "t",
        "description": "d",
        "color": 5,
        "url": None,
        "timestamp": "2026-01-01T00:00:00+00:00",
        "footer": {"text": "f"},
        "author": {"name": "a"},
        "fields": [{"name": "n", "value": "v"}],
    }
    button = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Why", "custom_id": "why"}]}
    body = {"content": "x", "embeds": [embed], "components": [button], "nonce": "n", "enforce_nonce": True}

    created = await rest("POST", path, {**body, "message_reference": {"message_id": posted["id"]}})
    one = f"{path}/{created.body['id']}"
    _check("POST", base, created)
    _check("PATCH", f"{base}/{{message_id}}", await rest("PATCH", one, {"content": "y"}))
    _check("POST", f"{base}/{{message_id}}/threads", await rest("POST", f"{one}/threads", {"name": "t"}))
    _check("POST", "/channels/{channel_id}/threads", await rest("POST", path[:-9] + "/threads", {"name": "u"}))
    _check("GET", f"{base}/{{message_id}}", await rest("GET", one))
    _check("GET", base, await rest("GET", path))
    reaction = f"{base}/{{message_id}}/reactions/{{emoji_name}}"
    _check("PUT", f"{reaction}/@me", await rest("PUT", f"{one}/reactions/👀/@me"))
    _check("GET", reaction, await rest("GET", f"{one}/reactions/👀"))
    _check("DELETE", f"{reaction}/@me", await rest("DELETE", f"{one}/reactions/👀/@me"))
    _check("POST", "/channels/{channel_id}/typing", await rest("POST", path[:-9] + "/typing", {}))
    _check("DELETE", f"{base}/{{message_id}}", await rest("DELETE", one))


async def test_gateway_messages_are_messages(connect: Connect, control: ControlClient) -> None:
    """The description has no gateway; MESSAGE_CREATE is a message with more."""
    socket = await connect(intents=1 + 512 + 32768)
    guild = await socket.expect("GUILD_CREATE")
    posted = await control.post("hi")
    await control.post("answer", reply_to=posted["id"])
    await control.edit(posted["id"], "hello")

    first, second = await socket.expect("MESSAGE_CREATE"), await socket.expect("MESSAGE_CREATE")
    edited = await socket.expect("MESSAGE_UPDATE")

    for message in (first, second, edited):
        _check_schema("MessageResponse", message)
    assert second["referenced_message"]["id"] == first["id"]
    _check_schema("GuildChannelResponse", guild["channels"][0])
    _check_schema("GuildMemberResponse", guild["members"][0])


async def test_commands_and_interactions_are_as_described(rest: Rest, sandbox: Sandbox, control: ControlClient) -> None:
    """From registering a command to the last follow-up."""
    application = sandbox.services.application.id
    option = {"type": 3, "name": "word", "description": "A word.", "required": True, "choices": []}
    command = {"name": "go", "description": "Do it.", "options": [option], "default_member_permissions": "8192"}
    menu = {"name": "Why?", "type": 3}

    registered = await rest("PUT", f"/applications/{application}/commands", [command, menu])
    _check("PUT", "/applications/{application_id}/commands", registered)
    listed = await rest("GET", f"/applications/{application}/commands")
    _check("GET", "/applications/{application_id}/commands", listed)
    used = await control.use_command("go", {"word": "x"})
    token = sandbox.services.interactions.by_id[int(used["id"])].token
    hook, described = f"/webhooks/{application}/{token}", "/webhooks/{webhook_id}/{webhook_token}"

    called = await rest("POST", f"/interactions/{used['id']}/{token}/callback?with_response=1", {"type": 5})
    _check("POST", "/interactions/{interaction_id}/{interaction_token}/callback", called)
    original = f"{hook}/messages/@original"
    _check("GET", f"{described}/messages/@original", await rest("GET", original))
    _check("PATCH", f"{described}/messages/@original", await rest("PATCH", original, {"content": "x"}))
    followup = await rest("POST", f"{hook}?wait=true", {"content": "y", "flags": 64})
    _check("POST", described, followup)
    one = f"{hook}/messages/{followup.body['id']}"
    _check("PATCH", f"{described}/messages/{{message_id}}", await rest("PATCH", one, {"content": "z"}))
    _check("DELETE", f"{described}/messages/{{message_id}}", await rest("DELETE", one))


async def test_an_immediate_answer_comes_back_as_described(
    rest: Rest, sandbox: Sandbox, control: ControlClient
) -> None:
    """with_response gives the message too."""
    application = sandbox.services.application.id
    await rest("PUT", f"/applications/{application}/commands", [{"name": "go", "description": "x"}])
    used = await control.use_command("go")
    token = sandbox.services.interactions.by_id[int(used["id"])].token
    body = {"type": 4, "data": {"content": "x"}}

    called = await rest("POST", f"/interactions/{used['id']}/{token}/callback?with_response=1", body)

    _check("POST", "/interactions/{interaction_id}/{interaction_token}/callback", called)
    assert called.body["resource"]["message"]["interaction_metadata"]["name"] == "go"


async def test_refusals_are_errors_as_described(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """Field errors carry codes as text, as the documents have them; the description would have numbers."""
    _check_schema("ErrorResponse", (await rest("GET", "/channels/1")).body)
    _check_schema("ErrorResponse", (await rest("GET", "/users/@me", headers={"Authorization": "x"})).body)
    _check_schema("Error", (await rest("POST", messages_path, {"content": "x" * 2001})).body)
    await control.change_settings(message_rate="1/60")
    await rest("POST", messages_path, {"content": "x"})
    limited = await rest("POST", messages_path, {"content": "x"})
    assert limited.status == 429
    _check_schema("RatelimitedResponse", limited.body)
