from __future__ import annotations

import aiohttp
import pytest

from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import RateLimit, SandboxOptions
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Rest


@pytest.fixture
def options(request: pytest.FixtureRequest) -> SandboxOptions:
    """No limits, but where a test asks for its own."""
    return getattr(request, "param", None) or SandboxOptions(message_rate=None, global_rate=None)


async def test_answers_are_json_without_a_charset(rest: Rest) -> None:
    """discord.py takes any other content type for text."""
    answer = await rest("GET", "/users/@me")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Via"]
    assert (answer.body["username"], answer.body["bot"]) == ("sandbox-bot", True)


async def test_multipart_carries_the_message_and_its_files(rest: Rest, messages_path: str) -> None:
    """payload_json is the message, the files are its attachments."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", '{"content": "look"}')
    form.add_field("files[0]", b"12345", filename="a b.txt", content_type="text/plain")

    answer = await rest("POST", messages_path, data=form)

    [attachment] = answer.body["attachments"]
    assert (answer.body["content"], attachment["filename"], attachment["size"]) == ("look", "a b.txt", 5)
    assert attachment["url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("nonce", ["word", 12345, "12345"])
async def test_the_nonce_is_in_the_answer_and_not_in_history(rest: Rest, messages_path: str, nonce: int | str) -> None:
    """History does not carry nonces."""
    answer = await rest("POST", messages_path, {"content": "x", "nonce": nonce})

    assert answer.body["nonce"] == nonce
    assert "nonce" not in (await rest("GET", messages_path)).body[0]
    assert "nonce" not in (await rest("GET", f"{messages_path}/{answer.body['id']}")).body


async def test_a_nonce_counts_for_the_author_in_every_channel_while_the_window_lasts(
    rest: Rest, sandbox: Sandbox, control: ControlClient, messages_path: str
) -> None:
    """The key is (author, nonce); a number and its digits are one nonce; not enforced means not looked at."""
    other = await control.create_channel("other")
    enforced = {"nonce": 7, "enforce_nonce": True}
    first = (await rest("POST", messages_path, {"content": "a", **enforced})).body["id"]

    elsewhere = await rest("POST", f"/channels/{other['id']}/messages", {"content": "b", **enforced, "nonce": "7"})
    plain = await rest("POST", messages_path, {"content": "c", "nonce": 7})
    again = await rest("POST", messages_path, {"content": "d", **enforced})
    await control.change_settings(nonce_window=0)
    after = await rest("POST", messages_path, {"content": "e", **enforced})

    assert (elsewhere.body["id"], elsewhere.body["content"]) == (first, "a")
    assert plain.body["id"] != first
    assert again.body["id"] == plain.body["id"]
    assert after.body["content"] == "e"
    assert len(sandbox.world.messages) == 3


@pytest.mark.parametrize("as_number", [True, False])
async def test_a_reply_names_its_message(
    rest: Rest, control: ControlClient, messages_path: str, *, as_number: bool
) -> None:
    """Ids may be numbers or text, as discord.py sends one and the documents say the other."""
    posted = await control.post("question", author="alice")
    message_id: object = int(posted["id"]) if as_number else posted["id"]

    answer = await rest("POST", messages_path, {"content": "answer", "message_reference": {"message_id": message_id}})

    assert (answer.body["type"], answer.body["message_reference"]["message_id"]) == (19, posted["id"])
    assert answer.body["referenced_message"]["content"] == "question"
    assert [user["username"] for user in answer.body["mentions"]] == ["alice"]


async def test_a_reply_to_a_message_that_is_gone_can_go_without_it(
    rest: Rest, control: ControlClient, messages_path: str
) -> None:
    """fail_if_not_exists=false posts an ordinary message."""
    posted = await control.post("question")
    await control.delete(posted["id"])
    reference = {"message_id": posted["id"], "fail_if_not_exists": False}

    answer = await rest("POST", messages_path, {"content": "answer", "message_reference": reference})

    assert (answer.status, answer.body["type"]) == (200, 0)
    assert "message_reference" not in answer.body


async def test_a_reply_keeps_its_reference_when_the_message_goes(
    rest: Rest, control: ControlClient, messages_path: str
) -> None:
    """The reference stays, the referenced message is null."""
    posted = await control.post("question")
    await rest("POST", messages_path, {"content": "answer", "message_reference": {"message_id": posted["id"]}})
    await control.delete(posted["id"])

    [reply] = (await rest("GET", messages_path)).body

    assert (reply["message_reference"]["message_id"], reply["referenced_message"]) == (posted["id"], None)


async def test_mentions_are_those_that_are_allowed(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """allowed_mentions decides, with everything allowed when it is absent."""
    alice, bob = await control.create_user("alice"), await control.create_user("bob")
    text = f"<@{alice['id']}> <@!{bob['id']}> @everyone"

    async def mentioned(allowed: object) -> list[str]:
        body = {"content": text, "allowed_mentions": allowed}
        return [user["username"] for user in (await rest("POST", messages_path, body)).body["mentions"]]

    assert await mentioned(None) == ["alice", "bob"]
    assert await mentioned({"parse": []}) == []
    assert await mentioned({"users": [bob["id"]]}) == ["bob"]


async def test_history_is_newest_first_and_its_anchors_are_exclusive(
    rest: Rest, control: ControlClient, messages_path: str
) -> None:
    """Pages are cut as the documents say."""
    ids = await control.post_many({"content": str(number)} for number in range(120))
    await control.delete(ids[60])

    async def page(query: str) -> list[int]:
        return [int(message["content"]) for message in (await rest("GET", f"{messages_path}?{query}")).body]

    assert await page("") == list(range(119, 69, -1))
    assert await page("limit=2") == [119, 118]
    assert await page(f"after={ids[58]}&limit=3") == [62, 61, 59]
    assert await page(f"before={ids[61]}&limit=2") == [59, 58]
    assert await page(f"around={ids[10]}&limit=3") == [11, 10, 9]
    assert await page(f"after={ids[119]}") == []


async def test_deleting_twice_and_others_messages_is_refused(
    rest: Rest, control: ControlClient, messages_path: str
) -> None:
    """The second deletion finds nothing; people's messages need MANAGE_MESSAGES."""
    own = (await rest("POST", messages_path, {"content": "x"})).body["id"]
    foreign = (await control.post("x"))["id"]

    statuses = [(await rest("DELETE", f"{messages_path}/{own}")).status for _ in range(2)]
    refused = await rest("DELETE", f"{messages_path}/{foreign}")
    unedited = await rest("PATCH", f"{messages_path}/{foreign}", {"content": "y"})
    await control.set_permissions("general", allow=["MANAGE_MESSAGES"])
    allowed = await rest("DELETE", f"{messages_path}/{foreign}")

    assert statuses == [204, 404]
    assert (refused.status, refused.body["code"]) == (403, 50013)
    assert (unedited.status, unedited.body["code"]) == (403, 50005)
    assert allowed.status == 204


async def test_bulk_deletion_has_its_limits(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """2 to 100 messages, none older than two weeks."""
    ids = await control.post_many({"content": "x"} for _ in range(3))
    await control.set_permissions("general", allow=["MANAGE_MESSAGES"])

    async def attempt(messages: object) -> tuple[int, int]:
        answer = await rest("POST", f"{messages_path}/bulk-delete", {"messages": messages})
        return answer.status, answer.body["code"] if answer.status >= 400 else 0

    assert await attempt(ids[:1]) == (400, 50016)
    assert await attempt([ids[0], "1"]) == (400, 50034)
    assert await attempt([ids[0], ids[0]]) == (400, 50035)
    assert await attempt(ids) == (204, 0)
    assert (await rest("GET", messages_path)).body == []


@pytest.mark.parametrize("options", [SandboxOptions(message_rate=RateLimit(2, 60), global_rate=None)], indirect=True)
async def test_a_full_bucket_is_429_until_it_empties(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """Headers count down; another channel has its own bucket."""
    other = await control.create_channel("other")
    remaining = [
        (await rest("POST", messages_path, {"content": "x"})).headers["X-RateLimit-Remaining"] for _ in range(2)
    ]

    limited = await rest("POST", messages_path, {"content": "x"})

    assert remaining == ["1", "0"]
    assert limited.status == 429
    assert (limited.body["global"], limited.headers["X-RateLimit-Scope"]) == (False, "user")
    assert 0 < limited.body["retry_after"] <= 60
    assert int(limited.headers["Retry-After"]) >= limited.body["retry_after"]
    assert limited.headers["Via"]
    assert {"X-RateLimit-Limit", "X-RateLimit-Reset", "X-RateLimit-Reset-After", "X-RateLimit-Bucket"} <= set(
        limited.headers
    )
    assert (await rest("POST", f"/channels/{other['id']}/messages", {"content": "x"})).status == 200
    assert len(await control.messages(channel="general")) == 2


@pytest.mark.parametrize("options", [SandboxOptions(global_rate=RateLimit(3, 60))], indirect=True)
async def test_the_global_limit_spares_interactions(rest: Rest) -> None:
    """All routes count but those of interactions."""
    statuses = [(await rest("GET", "/users/@me")).status for _ in range(4)]
    last = await rest("GET", "/gateway/bot")

    assert statuses == [200, 200, 200, 429]
    assert (last.status, last.body["global"], last.headers["X-RateLimit-Global"]) == (429, True, "true")
    assert (await rest("POST", "/interactions/1/x/callback", {"type": 1})).status == 404


async def test_threads_can_be_archived_and_locked(rest: Rest, control: ControlClient, sandbox: Sandbox) -> None:
    """A locked one takes no messages, an archived one is not active."""
    thread = await control.create_thread("t")
    active = f"/guilds/{sandbox.services.guild.id}/threads/active"
    listed = [item["id"] for item in (await rest("GET", active)).body["threads"]]

    await control.change_thread(thread["id"], archived=True, locked=True)
    refused = await rest("POST", f"/channels/{thread['id']}/messages", {"content": "x"})

    assert listed == [thread["id"]]
    assert (await rest("GET", active)).body["threads"] == []
    assert (refused.status, refused.body["code"]) == (400, 50083)


async def test_reactions_are_counted_for_the_viewer(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """``me`` is the bot; plain letters are no emoji."""
    posted = await control.post("x")
    await control.react(posted["id"], "👍", user="alice")
    one = f"{messages_path}/{posted['id']}"

    put = await rest("PUT", f"{one}/reactions/%F0%9F%91%8D/@me")
    bad = await rest("PUT", f"{one}/reactions/abc/@me")

    [reaction] = (await rest("GET", one)).body["reactions"]
    assert (put.status, bad.body["code"]) == (204, 10014)
    assert (reaction["count"], reaction["me"], reaction["emoji"]["name"]) == (2, True, "👍")
    assert len((await rest("GET", f"{one}/reactions/%F0%9F%91%8D")).body) == 2
