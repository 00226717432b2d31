from __future__ import annotations

import asyncio
import re
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.sandbox.control.api import all_routes
from bot.sandbox.control_client import ControlClient
from bot.sandbox.errors import SandboxError
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from bot.sandbox.snowflakes import Snowflakes
from tests.sandbox.conftest import Rest


@pytest.fixture
def options() -> SandboxOptions:
    """No limits, but where a test asks for its own."""
    return SandboxOptions(message_rate=None, global_rate=None)


async def test_it_lists_its_routes_with_what_they_do(sandbox: Sandbox) -> None:
    """GET /control is the documentation."""
    async with aiohttp.ClientSession() as session, session.get(sandbox.services.addresses.control) as response:
        answer = await response.json()

    assert answer["sandbox"]["api_url"] == sandbox.services.addresses.api
    assert len(answer["routes"]) > 40
    assert all(route["does"] for route in answer["routes"])


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "evil.example"}, id="another name that leads here"),
        pytest.param({"Host": "localhost.evil.example:80"}, id="a name that begins like ours"),
        pytest.param({"Host": "127.0.0.1.evil.example"}, id="a name that begins like an address"),
        pytest.param({"Host": "192.168.1.5:8091"}, id="another machine"),
        pytest.param({"Host": "[::]"}, id="any machine"),
        pytest.param({"Host": ""}, id="no name"),
        pytest.param({"Host": "["}, id="half a name"),
        pytest.param({"Origin": "https://evil.example"}, id="a page of another host"),
        pytest.param({"Origin": "null"}, id="a page of no host"),
        pytest.param({"Origin": "http://127.0.0.1@evil.example"}, id="a page with our name before its host"),
    ],
)
async def test_nobody_of_another_host_is_answered(sandbox: Sandbox, headers: dict[str, str]) -> None:
    """Neither for reading nor for writing, and nothing happens."""
    control = sandbox.services.addresses.control
    async with aiohttp.ClientSession(headers=headers) as session:
        for method, path in (("GET", ""), ("GET", "/world"), ("POST", "/users"), ("GET", "/nowhere")):
            async with session.request(method, control + path, data='{"name": "mallory"}') as response:
                assert response.status == 403
                assert "Only this machine" in (await response.json())["error"]

    assert "mallory" not in [user.name for user in sandbox.world.users.values()]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:8091"},
        {"Host": "LOCALHOST"},
        {"Host": "[::1]:8091"},
        {"Host": "127.0.0.2"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://[::1]"},
    ],
)
async def test_this_machine_is_answered_by_any_of_its_names(sandbox: Sandbox, headers: dict[str, str]) -> None:
    """And a page of its own, too."""
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(sandbox.services.addresses.control) as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        pytest.param(
            "POST",
            "/messages",
            {"content": "x", "channel": "nowhere"},
            "There is no channel 'nowhere'.",
            id="an unknown channel",
        ),
        pytest.param("POST", "/messages", {"content": 5}, "content must be text.", id="a text that is a number"),
        pytest.param(
            "POST", "/messages", {"content": "x", "author": "123"}, "There is no user '123'.", id="an unknown user id"
        ),
        pytest.param(
            "POST", "/messages", {"content": "x", "author": " "}, "There is no user ' '.", id="a user without name"
        ),
        pytest.param(
            "POST", "/messages", {"content": "x", "reply_to": "1"}, "There is no message '1'.", id="a reply to nothing"
        ),
        pytest.param(
            "POST", "/messages", {"attachments": [{}]}, "An attachment needs a filename,", id="a file without name"
        ),
        pytest.param(
            "POST", "/messages", {"attachments": 5}, "An attachment needs a filename,", id="files that are no list"
        ),
        pytest.param(
            "POST",
            "/messages",
            {"content": " "},
            "A message has 1 to 4000 characters, or attachments.",
            id="an empty message",
        ),
        pytest.param(
            "POST",
            "/messages",
            {"content": "x" * 4001},
            "A message has 1 to 4000 characters, or attachments.",
            id="a message that is too long",
        ),
        pytest.param("POST", "/messages/batch", {}, "messages is missing.", id="no messages"),
        pytest.param(
            "POST",
            "/messages/batch",
            {"messages": ["x"]},
            "messages[0] must be an object.",
            id="a message that is a text",
        ),
        pytest.param("PATCH", "/messages/1", {"content": "x"}, "There is no message '1'.", id="an edit of nothing"),
        pytest.param(
            "POST",
            "/messages/bulk-delete",
            {"messages": []},
            "Name messages of one channel.",
            id="a deletion of nothing",
        ),
        pytest.param(
            "POST", "/channels", {"name": ""}, "name must have 1 to 100 characters.", id="a channel without name"
        ),
        pytest.param(
            "POST",
            "/channels",
            {"name": "x", "type": "voice"},
            "type must be one of text, announcement.",
            id="a kind of channel it does not have",
        ),
        pytest.param(
            "POST",
            "/dms",
            {"user": "sandbox-bot"},
            "A DM is between the bot and a person.",
            id="a private channel with a bot",
        ),
        pytest.param(
            "POST",
            "/threads",
            {"name": "x", "channel": "nowhere"},
            "There is no channel 'nowhere'.",
            id="a thread nowhere",
        ),
        pytest.param(
            "PUT",
            "/channels/general/permissions",
            {"deny": ["FLY"]},
            "'FLY' is not a permission: choose from",
            id="an unknown permission",
        ),
        pytest.param("DELETE", "/guilds/none", None, "There is no guild 'none'.", id="an unknown guild"),
        pytest.param(
            "POST",
            "/applications",
            {"name": "x", "token": ""},
            "token must be a new, non-empty text.",
            id="an empty token",
        ),
        pytest.param(
            "POST",
            "/interactions/modal",
            {"custom_id": "x", "fields": 1, "channel": "general"},
            "fields must be an object.",
            id="no form",
        ),
        pytest.param("GET", "/interactions/1", None, "There is no such interaction.", id="an unknown interaction"),
        pytest.param(
            "GET", "/interactions/x", None, "interaction must be a whole number.", id="an interaction id that is none"
        ),
        pytest.param("POST", "/wait", {}, "Say what to wait for: messages,", id="waiting for nothing"),
        pytest.param(
            "POST",
            "/wait",
            {"ready": True, "timeout": "long"},
            "timeout must be a number.",
            id="a deadline that is no number",
        ),
        pytest.param(
            "POST",
            "/wait",
            {"ready": True, "timeout": 1e9},
            "timeout must be between 0 and 600 seconds.",
            id="a deadline too far away",
        ),
        pytest.param("POST", "/wait", {"messages": 5}, "messages must be an object.", id="a filter that is no object"),
        pytest.param(
            "POST",
            "/gateway/drop",
            {"code": 5},
            "code must be 1000, 1001 or between 4000 and 4999.",
            id="a close code that is none",
        ),
        pytest.param(
            "POST",
            "/gateway/repeat",
            {"probability": 3},
            "probability must be between 0 and 1.",
            id="a probability of three",
        ),
        pytest.param(
            "POST", "/gateway/shuffle", {"size": -1}, "size and delay must not be negative.", id="a negative size"
        ),
        pytest.param(
            "POST", "/outage", {"seconds": 0}, "seconds must be more than 0 and at most 3600.", id="no outage"
        ),
        pytest.param(
            "PATCH", "/settings", {"colour": "red"}, "'colour' is not a setting: choose from", id="an unknown setting"
        ),
        pytest.param(
            "PATCH",
            "/settings",
            {"nonce_window": -1},
            "Times and sessions_left must not be negative.",
            id="a negative time",
        ),
        pytest.param(
            "PATCH", "/settings", {"message_rate": "fast"}, "'fast' is not a rate: write", id="a rate that is none"
        ),
        pytest.param(
            "PATCH",
            "/settings",
            {"denied_intents": ["flying"]},
            "denied_intents are among members,",
            id="an unknown intent",
        ),
        pytest.param("GET", "/nothing", None, "Not Found: GET /control lists what there is.", id="an unknown path"),
        pytest.param("DELETE", "/faults/7", None, "There is no fault 7.", id="an unknown fault"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_sentence(
    control: ControlClient, method: str, path: str, body: dict[str, Any] | None, said: str
) -> None:
    """The sentence says why and ends with a stop, and nothing was posted."""
    with pytest.raises(SandboxError, match=rf"^{re.escape(said)}.*(?<=\.)$"):
        await control.call(method, path, body)

    assert (await control.counts())["total"] == 0


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
# fmt: off
_NAMES = st.sampled_from([
    "content", "channel", "author", "user", "name", "guild", "message", "messages", "emoji", "mention",
    "attachments", "reply_to", "command", "options", "permissions", "allow", "deny", "target", "fields",
    "custom_id", "requests", "count", "after", "event", "data", "without", "times", "size", "delay",
    "seed", "probability", "owner", "type",
])
# fmt: on


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(_NAMES, _JSON | st.sampled_from(["general", "alice", "go"]), max_size=6))
async def test_no_json_makes_it_fail(rest: Rest, sandbox: Sandbox, body: dict[str, Any]) -> None:
    """Whatever a person sends, the answer is a result or a sentence, never a 500."""
    await rest("PUT", f"/applications/{sandbox.services.application.id}/commands", [{"name": "go", "description": "x"}])
    base = sandbox.services.addresses.control
    # Not those that wait, stop the server or change what the next example stands on.
    spared = {"/wait", "/outage", "/faults", "/settings"}
    for route in all_routes():
        if route.method != "GET" and "{" not in route.path and route.path not in spared:
            async with rest.session.request(route.method, base + route.path, json=body) as response:
                assert response.status < 500, (route.path, body)


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(sandbox: Sandbox, data: bytes) -> None:
    """400 with a sentence."""
    url = f"{sandbox.services.addresses.control}/messages"
    async with aiohttp.ClientSession() as session, session.post(url, data=data) as response:
        answer = await response.json()

    assert (response.status, list(answer)) == (400, ["error"])


async def test_no_two_edits_have_one_time(sandbox: Sandbox, control: ControlClient) -> None:
    """Nor within a millisecond: an edit is known by its time, and Discord's have microseconds."""
    sandbox.world.snowflakes = Snowflakes(lambda: 1_800_000_000_000)
    message = await control.post("one")

    edits = [await control.edit(message["id"], text) for text in ("two", "three")]

    assert len({each["edited_at"] for each in edits}) == 2


async def test_messages_are_filtered(control: ControlClient) -> None:
    """By channel, author, id, reference, text, and what became of them."""
    await control.create_channel("other")
    first = await control.post("one", author="alice")
    second = await control.post("two", author="bob", channel="other")
    third = await control.post("three", author="alice", reply_to=first["id"])
    await control.delete(third["id"])
    await control.edit(second["id"], "2")

    async def ids(**chosen: object) -> list[str]:
        return [message["id"] for message in await control.messages(**chosen)]

    assert await ids() == [first["id"], second["id"], third["id"]]
    assert await ids(channel="other") == [second["id"]]
    assert await ids(author="alice") == [first["id"], third["id"]]
    assert await ids(after=first["id"]) == [second["id"], third["id"]]
    assert await ids(reference=first["id"]) == [third["id"]]
    assert await ids(deleted=True) == [third["id"]]
    assert await ids(edited=True) == await ids(contains="2") == [second["id"]]
    assert await ids(limit=1) == [first["id"]]
    assert await control.counts() == {"total": 3, "deleted": 1, "by_channel": {"general": 2, "other": 1}}


async def test_the_report_shows_doubled_replies(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """Deleted replies count too; people's replies do not."""
    asked, other = await control.post("question"), await control.post("another")
    replies = [
        await rest("POST", messages_path, {"content": content, "message_reference": {"message_id": asked["id"]}})
        for content in ("answer", "answer again")
    ]
    await rest("DELETE", f"{messages_path}/{replies[1].body['id']}")
    await control.post("mine", reply_to=other["id"])

    report = await control.report(answered=True)

    assert (report["answered"], report["doubled"], report["replies"]) == (1, 1, 2)
    [row] = report["messages"]
    assert (row["id"], [reply["content"] for reply in row["replies"]]) == (asked["id"], ["answer", "answer again"])
    assert [reply["deleted"] for reply in row["replies"]] == [False, True]


async def test_waiting_ends_when_it_is_so_or_when_time_is_up(control: ControlClient) -> None:
    """No sleeping: the answer comes with the message."""
    waiting = asyncio.create_task(control.wait_for_messages(2, contains="x"))
    await control.post("x1")
    assert not waiting.done()
    await control.post("x2")

    assert [message["content"] for message in await waiting] == ["x1", "x2"]
    with pytest.raises(TimeoutError):
        await control.wait_for_messages(3, contains="x", within=0.05)
    with pytest.raises(TimeoutError):
        await control.wait_for_ready(within=0.05)


async def test_many_messages_go_in_one_call_or_not_at_all(control: ControlClient) -> None:
    """One that is refused keeps all of them out."""
    many = [{"content": str(number), "author": f"user {number % 7}"} for number in range(1000)]
    with pytest.raises(SandboxError, match="There is no message '1'"):
        await control.post_many([*many, {"content": "x", "reply_to": "1"}])
    assert (await control.counts())["total"] == 0

    ids = await control.post_many(many)

    assert ids == sorted(ids, key=int)
    assert [message["content"] for message in await control.messages()] == [str(number) for number in range(1000)]


async def test_roles_give_permissions(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """A role with MANAGE_MESSAGES lets the bot delete what people write."""
    posted = await control.post("x")
    refused = await rest("DELETE", f"{messages_path}/{posted['id']}")
    await control.call("POST", "/roles", {"name": "mods", "permissions": ["MANAGE_MESSAGES"], "users": ["sandbox-bot"]})

    assert refused.status == 403
    assert (await rest("DELETE", f"{messages_path}/{posted['id']}")).status == 204


async def test_another_application_is_another_bot(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """Its token is its own, its nonces too."""
    made = await control.call("POST", "/applications", {"name": "other-bot", "token": "t2"})
    body = {"content": "x", "nonce": "n", "enforce_nonce": True}

    first = await rest("POST", messages_path, body)
    second = await rest("POST", messages_path, body, headers={"Authorization": "Bot t2"})

    assert first.body["author"]["username"] == "sandbox-bot"
    assert second.body["author"]["id"] == made["id"]
    assert first.body["id"] != second.body["id"]


async def test_the_world_and_the_requests_can_be_read(rest: Rest, control: ControlClient) -> None:
    """What was built and what was asked."""
    await control.create_webhook("builds")
    await rest("GET", "/users/@me")
    await rest("GET", "/nothing")

    world = await control.world()
    requests = await control.requests(path="/users/*")

    assert [guild["name"] for guild in world["guilds"]] == ["Sandbox"]
    assert [hook["name"] for hook in world["webhooks"]] == ["builds"]
    assert [(item["method"], item["path"], item["status"]) for item in requests] == [("GET", "/users/@me", 200)]
    await control.call("DELETE", "/requests")
    assert await control.requests() == []
