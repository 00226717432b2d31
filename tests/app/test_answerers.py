"""A bot whose answers come from elsewhere over HTTP, and the programs of docs/howto/http-answerer.md."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.app.responders import responders_of, why_unasked
from bot.cli.check_answerer import check_answerer
from bot.config import Config, load
from bot.core.events import (
    AbandonReason,
    MessageDeleted,
    MessageEdited,
    MessagePreviewed,
    ReplyAbandoned,
    ReplyComposed,
    ReplyDelayed,
)
from bot.errors import ConfigError
from bot.sandbox.child_process import tethered
from bot.sandbox.control.records import MessageRecord
from bot.sandbox.control_client import ControlClient
from bot.signed_post import signature
from tests.harness import Launch, RunningBot, Spawn
from tests.responders.http.answerer import KEY, SECRET, Answerer, answering, saying
from tests.waiting import eventually

BOT = "sandbox-bot"
PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "http-answerer.md").read_text(encoding="utf-8")
PROGRAMS = {"js": ("node", "answerer.mjs"), "python": (sys.executable, "answerer.py")}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the secret of all answerers here."""
    monkeypatch.setenv("ANSWERER", SECRET)


@pytest.fixture
async def answerer() -> AsyncIterator[Answerer]:
    """Serve an answerer."""
    async with answering() as served:
        yield served


async def asking(launch: Launch, table: dict[str, object], **more: Any) -> RunningBot:  # noqa: ANN401 - sections
    """Start a bot that asks an answerer."""
    replies = {"responder": "http", "buttons": "all", **more}
    return await launch(replies=replies, responders={"http": table}, llm={"edit_every": "10ms"})


async def messages(control: ControlClient) -> list[MessageRecord]:
    """Return the bot's messages that everybody sees, oldest first."""
    return [message for message in await control.messages(author=BOT) if not message["ephemeral"]]


async def said(control: ControlClient) -> list[str]:
    """Return what the bot says in Discord, oldest first."""
    return [message["content"] for message in await messages(control)]


async def shows(control: ControlClient, *texts: str) -> None:
    """Wait until the bot's messages show these texts, whatever stands in small print below."""

    async def shown() -> bool:
        return [text.partition("\n-#")[0].strip() for text in await said(control)] == list(texts)

    await eventually(shown)


async def press(control: ControlClient, label: str) -> None:
    """Press a button below the newest message of the bot."""
    newest = (await messages(control))[-1]
    buttons = [button for row in newest["components"] for button in row["components"]]
    (custom_id,) = [button["custom_id"] for button in buttons if button["label"] == label]
    pressed = await control.use_component(newest["id"], custom_id)
    await control.wait_for_answer(pressed["id"], until="acknowledged")


class Held:
    """A script whose answers a test gives, piece by piece."""

    def __init__(self) -> None:
        self.streams: list[web.StreamResponse] = []
        self.cut = 0

    async def __call__(self, request: web.Request, _asked: object) -> web.StreamResponse:
        """Begin an answer, and let the test write it."""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        self.streams.append(stream)
        try:
            await asyncio.Event().wait()
        finally:
            self.cut += 1
        raise AssertionError

    async def say(self, **piece: object) -> None:
        """Write a piece of the newest answer."""
        await self.streams[-1].write(f"data: {json.dumps(piece)}\n\n".encode())


async def test_an_answerer_answers_declines_and_refuses(
    launch: Launch, control: ControlClient, answerer: Answerer
) -> None:
    """In several messages; each outcome is recorded with its reason, and ``why`` tells it."""
    bot = await asking(launch, answerer.settings())
    answerer.script = saying({"messages": ["one", "two"]})
    file = {"filename": "notes.txt", "content_type": "text/plain", "content": "cheese"}
    await control.post("first", mention=BOT, attachments=[file])
    await control.wait_for_messages(2, author=BOT)
    answerer.script = saying({"text": None})
    await control.post("second", mention=BOT)
    await bot.judge.expect(ReplyAbandoned)
    answerer.script = saying({"error": "SECRET"}, 422)
    third = await control.post("third", mention=BOT)
    declined, refused = await bot.judge.expect(ReplyAbandoned, 2)

    assert await said(control) == ["one", "two"]
    assert declined.reason is AbandonReason.NO_ANSWER
    reason = "http: the answerer answers 422: it refuses the question, and what it logs says why"
    assert (refused.reason, refused.detail) == (AbandonReason.POISON, reason)
    (composed,) = await bot.judge.of(ReplyComposed)
    assert (composed.responder, composed.parts, composed.finish) == ("http", 2, "stop")
    assert (composed.tokens_in, composed.cost_micros) == (0, 0)
    assert [turn["text"] for turn in answerer.posted[2].json["history"]] == [
        f"@{BOT} first\n[file] notes.txt", "one", "two", f"@{BOT} second",
    ]  # fmt: skip
    (told,) = answerer.posted[0].json["question"]["files"]
    assert (told["name"], told["type"], told["bytes"]) == ("notes.txt", "text/plain", 6)
    assert not await control.requests(method="GET", path="/channels/*/messages/*")
    why = await bot.moderation.why(int(third["channel_id"]), int(third["id"]))
    assert any(reason in line for line in (why.title, *why.lines))


async def test_an_answer_is_shown_while_it_is_written_and_follows_its_question(
    launch: Launch, control: ControlClient, answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edited, it is posted anew under another key; deleted or stopped, nobody waits for the rest."""
    monkeypatch.setattr("bot.replies.writing.STOP_GRACE", 0.01)
    held = answerer.script = Held()
    bot = await asking(launch, answerer.settings())
    asked = await control.post("tell me", mention=BOT)
    await eventually(lambda: held.streams)
    await held.say(text="Once")
    await shows(control, "Once")
    await control.edit(asked["id"], f"{asked['content']} more")
    await bot.judge.expect(MessageEdited)
    await eventually(lambda: len(held.streams) == 2)
    await held.say(text="Twice")
    await shows(control, "Twice")
    await held.say(text=" upon", done=True)
    await shows(control, "Twice upon")
    gone = await control.post("tell me", mention=BOT)
    await eventually(lambda: len(held.streams) == 3)
    await control.delete(gone["id"])
    await bot.judge.expect(MessageDeleted)
    await eventually(lambda: held.cut == 3)
    stopped = await control.post("tell me", mention=BOT)
    await eventually(lambda: len(held.streams) == 4)
    await held.say(text="Half")
    await shows(control, "Twice upon", "Half")
    await held.say(text=" of it")
    await shows(control, "Twice upon", "Half of it")
    await press(control, "Stop")
    await eventually(lambda: held.cut == 4)

    ids = [f"{asked['id']}.1.0", f"{asked['id']}.1.1", f"{gone['id']}.1.0", f"{stopped['id']}.1.0"]
    assert answerer.keys == ids
    assert [posted.json["question"]["text"] for posted in answerer.posted[:2]] == ["tell me", "tell me more"]
    composed = await bot.judge.expect(ReplyComposed, 2)
    assert [each.finish for each in composed] == ["stop", "stopped"]
    await shows(control, "Twice upon", "Half of it")


async def test_somebody_wants_the_rest_another_answer_or_a_rehearsal(
    launch: Launch, control: ControlClient, answerer: Answerer
) -> None:
    """Go on brings what there is, Again another generation; what is only compared says so, under the old key."""
    bot = await asking(launch, answerer.settings())
    answerer.script = saying({"text": "Once upon", "more": True})
    asked = await control.post("tell me", mention=BOT)
    number, channel = asked["id"], asked["channel_id"]
    await shows(control, "Once upon")
    await bot.judge.settled(channel)
    answerer.script = saying({"text": "upon a time"})
    await press(control, "Go on")
    await bot.judge.settled(channel)
    await shows(control, "Once upon a time")
    answerer.script = saying({"text": "Never"})
    await press(control, "Again")
    await bot.judge.settled(channel)
    await shows(control, "Never")
    rehearsed = await bot.moderation.rehearse(int(channel), message_id=int(number))

    assert answerer.keys == [f"{number}.1.0", f"{number}.2.0", f"{number}.3.0", f"{number}.3.0"]
    assert [posted.json["so_far"] for posted in answerer.posted] == ["", "Once ", "", ""]
    assert [posted.json["generation"] for posted in answerer.posted] == [1, 2, 3, 3]
    assert [posted.json["rehearsal"] for posted in answerer.posted] == [False, False, False, True]
    assert "0 answered differently" in rehearsed.title


async def test_an_answerer_that_is_away_is_waited_for(
    launch: Launch, control: ControlClient, answerer: Answerer
) -> None:
    """The same key at each attempt, one answer; its health says why questions wait.

    Discord's preview of a link is no edit of whoever asked, and changes no key.
    """
    bot = await asking(launch, answerer.settings())
    answerer.script = saying({}, 404)
    asked = await control.post("hello", mention=BOT)
    (delayed,) = await bot.judge.expect(ReplyDelayed)
    health = bot.bot.health()
    await control.preview(asked["id"], {"title": "A page"})
    await bot.judge.expect(MessagePreviewed)
    tried = len(answerer.keys)
    await eventually(lambda: len(answerer.keys) > tried)
    answerer.script = saying({"text": "hi"})
    await shows(control, "hi")

    reason = "the answerer answers 404: check the url of [responders.http]"
    assert (delayed.attempt, delayed.reason) == (0, f"http: {reason}")
    assert (health.model, health.reasons) == (f"http: {reason}", ())
    assert answerer.posted[-1].json["question"]["shown"] != answerer.posted[0].json["question"]["shown"] == ""
    assert {*answerer.keys} == {f"{asked['id']}.1.0"}


async def test_a_kill_between_the_post_and_the_record_asks_again_under_the_same_key(
    spawn: Spawn, launch: Launch, control: ControlClient, answerer: Answerer
) -> None:
    """The answer was made already; Discord shows it once. Then a bot that waits for another answer ends at once."""
    held = answerer.script = Held()
    doomed = await spawn(**{"replies": {"responder": "http"}, "responders.http": answerer.settings()})
    asked = await control.post("order tea", mention=BOT)
    await eventually(lambda: held.streams)
    await doomed.kill()
    await eventually(lambda: held.cut == 1)
    answerer.script = saying({"text": "That is order 1."})
    bot = await asking(launch, answerer.settings())
    await bot.judge.settled(asked["channel_id"])

    answerer.script = held
    await control.post("order more", mention=BOT)
    await eventually(lambda: len(held.streams) == 2)
    await bot.stop()

    await eventually(lambda: held.cut == 2)
    assert answerer.keys[:2] == [f"{asked['id']}.1.0"] * 2
    assert await said(control) == ["That is order 1."]


@asynccontextmanager
async def program(language: str, folder: Path) -> AsyncIterator[str]:
    """Run a program of the page in a folder of its own, and yield its address."""
    interpreter, name = PROGRAMS[language]
    if shutil.which(interpreter) is None:
        pytest.skip(f"{interpreter} is not installed")
    (code,) = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", PAGE)
    (folder / name).write_text(code, encoding="utf-8")
    environment = {**os.environ, "ANSWERER_SECRET": SECRET, "PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        *tethered(shutil.which(interpreter) or interpreter, name),
        cwd=folder, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def posted(url: str, asked: dict[str, Any], key: bytes = KEY) -> tuple[int, str]:
    """Post a question by hand, signed; return the status and the body."""
    number, moment, body = asked.get("key", "check"), str(int(time.time())), json.dumps(asked).encode()
    headers = {
        "webhook-id": number, "webhook-timestamp": moment, "Idempotency-Key": f'"{number}"',
        "webhook-signature": signature(key, number, moment, body),
    }  # fmt: skip
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        return response.status, await response.text()


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("js", ["alice orders tea.", "That is order 1.", "alice orders cake.", "That is order 2."]),
        (
            "python",
            [
                "alice, you said: order tea. Before that I heard 0 messages.",
                "alice, you said: order cake. Before that I heard 2 messages.",
            ],
        ),
    ],
)
async def test_a_program_of_the_page_answers_each_question_once(
    launch: Launch, control: ControlClient, tmp_path: Path, language: str, expected: list[str]
) -> None:
    """What is asked again gets the same answer; it takes nothing that somebody else signed."""
    async with program(language, tmp_path) as url:
        await asking(launch, {"url": url, "secret_env": "ANSWERER"})
        await control.post("order tea", mention=BOT)
        await shows(control, *expected[: len(expected) // 2])
        await control.post("order cake", mention=BOT)
        await shows(control, *expected)
        question = {"author": {"name": "alice"}, "text": "order tea"}
        body = {"type": "question", "key": "9.1.0", "rehearsal": False, "history": [], "question": question}
        first, again = await posted(url, body), await posted(url, body)
        forged, checked = await posted(url, body, b"x" * 32), await posted(url, {"type": "check"})

    assert first[0] == again[0] == 200
    assert "".join(re.findall(r'"text": ?"(.*?)"', first[1])) == "".join(re.findall(r'"text": ?"(.*?)"', again[1]))
    assert ("order 3" in first[1], "order 3" in again[1]) == ((language == "js",) * 2)
    assert (forged[0], checked[0]) == (401, 204)


def config(table: dict[str, object], **more: object) -> Config:
    """Return settings with a responder ``http``."""
    return Config.model_validate({"replies": {"responder": "http"}, "responders": {"http": table}, **more})


@pytest.mark.parametrize(
    ("status", "result", "said"),
    [
        (204, "ok", "is there, and takes what is posted"),
        (200, "ok", "is there, and takes what is posted"),
        (401, "fail", "the answerer answers 401: check the secret and the headers of [responders.http]"),
        (503, "fail", "the answerer answers 503"),
        (422, "warn", "the answerer answers 422: it refuses the question, and what it logs says why"),
    ],
)
async def test_check_says_whether_it_is_there(answerer: Answerer, status: int, result: str, said: str) -> None:
    """Without a question."""
    answerer.script = saying({}, status)
    answering = responders_of(config(answerer.settings()))

    (found,) = await check_answerer(answering)
    await answering.close()

    assert (found.name, found.status, found.found) == ("answerer", result, said)
    assert bool(found.todo) == (result != "ok")
    assert answerer.keys == []


async def test_check_says_that_nobody_is_there() -> None:
    """Also of Rasa, which is asked by a GET."""
    async with answering() as gone:
        tables: list[dict[str, object]] = [gone.settings(), {"url": gone.url, "format": "rasa"}]
        rasa = responders_of(config(tables[1]))
        assert [each.status for each in await check_answerer(rasa)] == ["ok"]
        await rasa.close()

    for table in tables:
        chain = responders_of(config(table))
        (found,) = await check_answerer(chain)
        await chain.close()
        assert (found.status, found.found) == ("fail", "the answerer can't be reached (ClientConnectorError)")
        assert "Start it" in found.todo


def test_the_settings_of_the_page_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its defaults are ours."""
    monkeypatch.setenv("ANSWERER_SECRET", SECRET)
    first, more = re.findall(r"(?ms)^```toml\n(.*?)^```$", PAGE)
    (tmp_path / "config.toml").write_text(first + more.partition("\n")[2], encoding="utf-8")

    given = responders_of(load(tmp_path / "config.toml", {})).members[-1]
    plain = responders_of(config({"url": "http://127.0.0.1:8000/", "secret_env": "ANSWERER_SECRET"})).members[-1]

    assert given._settings == plain._settings  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "there is no table [responders.http]: write one with the url of your answerer"),
        ({"url": "ftp://x", "secret_env": "ANSWERER"}, "responders.http.url has to be an http:// or https:// address."),
        ({"url": "http://x"}, "[responders.http] names no secret to sign with: name the environment variable"),
        ({"url": "http://x", "secret_env": "UNSET"}, "no secret in the environment variable UNSET: put"),
        ({"url": "http://x", "secret": SECRET}, "[responders.http] has no setting 'secret': it has begin, between,"),
        ({"url": "http://x", "secret_env": "ANSWERER", "format": "x"}, 'http.format has to be "echoless" or "rasa".'),
        ({"url": "http://x", "secret_env": "ANSWERER", "begin": "11m"}, "responders.http.begin has to be a duration"),
        ({"url": "http://x", "secret_env": "ANSWERER", "total": 5}, "responders.http.total has to be a duration"),
        ({"url": "http://x", "secret_env": "ANSWERER", "headers": {"Host": "x"}}, "http.headers has to be a table"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(table: dict[str, object], said: str) -> None:
    """With what they have to be, and without the secret."""
    with pytest.raises(ConfigError) as refused:
        responders_of(config(table))

    assert said in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_rule_that_leaves_nothing_to_it_is_named() -> None:
    """As before a model."""
    found = config({}, rules=[{"match": "(?s).*", "reply": "hello"}])
    both = found.replies.model_copy(update={"responder": ("rules", "http")})

    assert why_unasked(found.model_copy(update={"replies": both})).endswith('take it out, or put "http" first.')
    assert why_unasked(found) == ""
