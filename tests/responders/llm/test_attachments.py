"""Files attached to a question: what the model is given, and what is noted of it."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from bot.core.events import MessageSkipped, ReplyComposed, ReplySent, SkipReason
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.responders.llm.made_files import picture
from tests.responders.llm.model_server import ModelServer

NOTES = {"filename": "notes.txt", "content_type": "text/plain; charset=utf-8", "content": "the moon is made of cheese"}
PNG = b64encode(picture()).decode()
PICTURE = {"filename": "moon.png", "content_type": "image/png", "base64": PNG}
HIDDEN = {"filename": "moon.txt", "content_type": "text/plain", "base64": PNG}
MISNAMED = {**NOTES, "filename": "notes.png", "content_type": "image/png"}


def _settings(server: ModelServer, **more: object) -> dict[str, object]:
    return {
        "replies": {"responder": "llm"},
        "llm": {"model": "openai:tiny", "base_url": server.url, "key_env": "", "stream": False, **more},
    }


async def _ask(control: ControlClient, *files: dict[str, Any]) -> str:
    posted = await control.post("what is in it?", mention="sandbox-bot", attachments=list(files))
    return posted["id"]


@pytest.mark.parametrize(
    ("llm", "files", "read", "told", "untold"),
    [
        pytest.param({}, [NOTES], [0], ["made of cheese", "notes.txt"], [], id="a text"),
        pytest.param({}, [NOTES, PICTURE], [0], ["made of cheese"], ["image/png"], id="no image for the blind"),
        pytest.param({"images": True}, [PICTURE, NOTES], [0, 1], ["image/png", "cheese"], [], id="an image"),
        pytest.param({}, [HIDDEN, MISNAMED], [1], ["shown no pictures", "cheese"], ["image/png"], id="wrong names"),
        pytest.param({"images": True}, [HIDDEN, MISNAMED], [0, 1], ["image/png", "cheese"], [], id="seen all the same"),
        pytest.param({"attachments_bytes": 10}, [NOTES], [], [], ["cheese"], id="larger than it may be"),
        pytest.param({"attachments_bytes": 0}, [NOTES], [], [], ["cheese"], id="none at all"),
        pytest.param(
            {"attachments_bytes": 40}, [NOTES, NOTES], [0], ["cheese", "too large together"], [], id="larger together"
        ),
    ],
)
async def test_what_a_model_reads(
    launch: Launch,
    control: ControlClient,
    server: ModelServer,
    llm: dict[str, object],
    files: list[dict[str, Any]],
    read: list[int],
    told: list[str],
    untold: list[str],
) -> None:
    """Within what the settings allow; the answer's event names the files that were read."""
    bot = await launch(**_settings(server, **llm))
    question = await _ask(control, *files)
    (composed,) = await bot.judge.expect(ReplyComposed)
    await bot.judge.expect(ReplySent)

    prompt = json.dumps(server.requests[0].body["messages"])
    ids = [int(file["id"]) for file in (await control.messages(author="alice"))[0]["attachments"]]
    assert composed.message_id == int(question)
    assert composed.attachments == tuple(ids[number] for number in read)
    assert [word for word in told if word not in prompt] == []
    assert [word for word in untold if word in prompt] == []


async def test_a_file_that_can_not_be_had_is_no_failure(
    launch: Launch, control: ControlClient, server: ModelServer
) -> None:
    """Its address answers with 404, and the question is answered all the same."""
    bot = await launch(**_settings(server))
    gone = {"filename": "gone.txt", "content_type": "text/plain", "size": 12}
    await _ask(control, gone, NOTES)
    (composed,) = await bot.judge.expect(ReplyComposed)
    await bot.judge.expect(ReplySent)

    ids = [int(file["id"]) for file in (await control.messages(author="alice"))[0]["attachments"]]
    assert composed.attachments == (ids[1],)
    assert "cheese" in json.dumps(server.requests[0].body["messages"])


async def test_a_message_that_can_not_be_read_again_is_no_failure(
    launch: Launch, control: ControlClient, server: ModelServer
) -> None:
    """Discord is out of order: the words are answered."""
    await control.add_fault("status", method="GET", path="/channels/*/messages/*", status=503)
    bot = await launch(**_settings(server))
    await _ask(control, NOTES)
    (composed,) = await bot.judge.expect(ReplyComposed)
    await bot.judge.expect(ReplySent)

    assert composed.attachments == ()


VIDEO = {"filename": "moon.mp4", "content_type": "video/mp4", "content": "MP4"}


@pytest.mark.parametrize(
    ("llm", "files", "told"),
    [
        pytest.param({}, [NOTES], "made of cheese", id="a text"),
        pytest.param({"images": True}, [PICTURE], "image/png", id="an image"),
        pytest.param({}, [PICTURE], "", id="an image for the blind"),
        pytest.param({"images": True}, [VIDEO], "", id="what no model reads"),
        pytest.param({"attachments_bytes": 10}, [NOTES], "", id="larger than it may be"),
        pytest.param({"attachments_bytes": 0}, [NOTES], "", id="none at all"),
        pytest.param({}, [], "", id="nothing but the mention"),
    ],
)
async def test_a_mention_without_words_is_answered_where_its_file_can_be_read(
    launch: Launch,
    control: ControlClient,
    server: ModelServer,
    llm: dict[str, object],
    files: list[dict[str, Any]],
    told: str,
) -> None:
    """What has neither words nor a file for the model is skipped, with that reason."""
    bot = await launch(**_settings(server, **llm))

    posted = await control.post(mention="sandbox-bot", attachments=files)

    if told:
        await bot.judge.expect(ReplySent)
        await bot.moderation.rehearse(int(posted["channel_id"]), message_id=int(posted["id"]))
        answered, rehearsed = (json.dumps(request.body["messages"]) for request in server.requests)
        assert told in answered
        assert told in rehearsed
        assert [event.message_id for event in await bot.judge.of(ReplyComposed)] == [int(posted["id"])]
    else:
        (skipped,) = await bot.judge.expect(MessageSkipped)
        assert skipped.reason is SkipReason.NO_ANSWER
        assert server.requests == []
