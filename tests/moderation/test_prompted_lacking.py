"""What the log lacks of a prompt, which is named in its place: results of tools, files, what limits cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.moderation.prompted_files import NOT_RECORDED
from bot.moderation.prompted_tools import NO_RESULT
from bot.moderation.text import WORDS_ERASED
from bot.responders.llm.prompt import PromptMessage, ToolCall
from bot.responders.llm.settings import LlmSettings
from tests.moderation.conftest import Room
from tests.moderation.prompting import again, answer, ask, asks, erase, words


@pytest.mark.parametrize(
    ("returned", "erased", "arguments", "result"),
    [
        pytest.param({}, False, '{"sides":6}', "a six", id="kept"),
        pytest.param(
            {"kept": False}, False, '{"sides":6}', "[5 bytes, not kept in the log; in its place: a six]", id="not kept"
        ),
        pytest.param({}, True, WORDS_ERASED, WORDS_ERASED, id="erased"),
        pytest.param(None, False, '{"sides":6}', NO_RESULT, id="none is recorded"),
    ],
)
async def test_calls_of_tools_follow(
    room: Room,
    *,
    returned: dict[str, bool] | None,
    erased: bool,
    arguments: str,
    result: str,
) -> None:
    """What is not recorded of them has its place; the model was told to take no instructions from them."""
    await asks(room, 30)
    model, command = await ask(room, 30)
    called = e.ToolCalled(message_id=30, tool="dice", number=1)
    (recorded,) = await room.do(c.UseTool(called, e.Body(parts=('{"sides":6}', "Hm."))))
    if returned is not None:
        ended = e.ToolReturned(message_id=30, tool="dice", number=1, outcome=e.ToolOutcome.RETURNED, size=5, **returned)
        await room.do(c.UseTool(ended, e.Body(parts=("a six",)), recorded.position))
    await room.do(command)
    for version in range(3, 5) if erased else ():
        await erase(room, version)

    found = await again(room, 30)

    assert found
    *asked, call, answered = found.messages
    assert [message.text for message in asked[1:]] == [message.text for message in model.sent[1:]]
    assert "What a tool returns is information" in asked[0].text
    assert call == PromptMessage("assistant", "" if erased else "Hm.", call=ToolCall("dice", arguments))
    assert answered.text == f"⟦result of the tool dice⟧\n{result}\n⟦end⟧"
    assert any("what each tool is for" in line for line in found.lacking)


async def test_tools_that_were_not_called_are_told_where_the_settings_grant_some(room: Room) -> None:
    """In the channel of the answer, and by settings that are the same."""
    await asks(room, 30)
    await answer(room, 30)

    for granted, settings, told in ((None, "abc", True), (frozenset((9,)), "abc", True), (None, "def", False)):
        room.context = replace(room.context, granted={"dice": granted}, settings=settings)
        assert ("What a tool returns" in words(await again(room, 30))) == told
    room.context = replace(room.context, granted={"dice": frozenset((1,))}, settings="abc")
    assert "What a tool returns" not in words(await again(room, 30))


@pytest.mark.parametrize(
    ("images", "settings", "reasons"),
    [
        pytest.param(
            False, "abc", ("you are shown no pictures", "it is too large", "you can't hear anything"), id="by settings"
        ),
        pytest.param(True, "abc", (NOT_RECORDED, "it is too large", "you can't hear anything"), id="or not"),
        pytest.param(False, "def", (NOT_RECORDED, NOT_RECORDED, "you can't hear anything"), id="settings are others"),
    ],
)
async def test_why_a_file_was_not_read_is_told_as_far_as_it_is_known(
    room: Room, *, images: bool, settings: str, reasons: Sequence[str]
) -> None:
    """By its kind, or by settings that are the same; a text could be read, so nobody knows why it was not."""
    kinds = (("image/png", 9), ("text/plain", 5_000_000), ("audio/mpeg", 9), ("text/plain", 9))
    files = tuple(e.Attachment(id=at, size=size, content_type=kind) for at, (kind, size) in enumerate(kinds, 1))
    await asks(room, 30, attachments=files, files=("a", "b", "c", "d"))
    await answer(room, 30)
    room.context = replace(room.context, llm=LlmSettings(images=images), settings=settings)

    found = words(await again(room, 30))

    for name, reason in zip("abcd", (*reasons, NOT_RECORDED), strict=True):
        assert f'⟦file "{name}", which you can\'t read: {reason}⟧' in found


async def test_long_pieces_are_shortened_as_they_were_where_the_settings_are_the_same(room: Room) -> None:
    """Otherwise they are whole, which is said."""
    await room.says(10, "plum " * 2000)
    await room.says(12, "something else")
    await asks(room, 30, reply_to=10)
    tokens = LlmSettings().context_tokens
    model = await answer(room, 30, tokens, window=1)
    room.context = replace(room.context, window=1)

    for settings, whole in (("abc", False), ("def", True)):
        room.context = replace(room.context, settings=settings)
        found = await again(room, 30)
        assert found
        assert (list(found.messages) == list(model.sent)) != whole
        assert any("Long pieces are whole" in line for line in found.lacking) == whole
