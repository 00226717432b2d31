from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.gateway.commands.registration import FILE_NAME
from bot.moderation.command import PRIVACY
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator
from tests.harness import Launch
from tests.waiting import eventually

PATH = "/applications/*/commands"


async def _noted(folder: Path, before: str = "") -> str:
    """Wait until the folder's note changed and return it."""
    path = folder / FILE_NAME
    await eventually(lambda: path.exists() and path.read_text() not in ("", before))
    return path.read_text()


async def test_commands_are_put_once(launch: Launch, control: ControlClient, tmp_path: Path) -> None:
    """A second start finds that nothing changed."""
    first = await launch()
    await _noted(tmp_path / "log")
    await first.stop()
    second = await launch()
    await Moderator(control).ask("status")
    await second.stop()

    assert len(await control.requests(method="PUT", path=PATH)) == 1


async def test_commands_are_put_again_when_their_definition_changed(
    launch: Launch, control: ControlClient, tmp_path: Path
) -> None:
    """Here by another permission, which Discord is told as a hint."""
    first = await launch()
    before = await _noted(tmp_path / "log")
    await first.stop()
    await launch(moderation={"permission": "manage_messages"})
    await _noted(tmp_path / "log", before)

    assert len(await control.requests(method="PUT", path=PATH)) == 2
    hints = {
        command["default_member_permissions"] for command in await control.commands() if command["name"] != PRIVACY
    }
    assert hints == {str(1 << 13)}


@pytest.mark.parametrize(
    "note",
    [
        pytest.param("{", id="half a file"),
        pytest.param("[]", id="something else"),
        pytest.param('{"application": "1", "api_url": "", "hash": ""}', id="another application's"),
    ],
)
async def test_a_note_that_does_not_fit_means_putting_them(
    launch: Launch, control: ControlClient, tmp_path: Path, note: str
) -> None:
    """It is a note of what was done, and never an error."""
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / FILE_NAME).write_text(note)
    await launch()

    assert len(json.loads(await _noted(tmp_path / "log", note))["hash"]) == 64
    assert len(await control.requests(method="PUT", path=PATH)) == 1


async def test_a_failure_stops_nothing_and_is_tried_at_the_next_start(
    launch: Launch, control: ControlClient, tmp_path: Path
) -> None:
    """The bot answers messages meanwhile."""
    fault = await control.add_fault("status", status=503, when="before", path=PATH)
    first = await launch()
    await control.wait_for_requests(method="PUT", path=PATH)
    await control.post("ask one")
    await control.wait_for_messages(contains="re: one")
    await first.stop()
    assert not (tmp_path / "log" / FILE_NAME).exists()

    await control.call("DELETE", f"/faults/{fault['id']}")
    await launch()
    await _noted(tmp_path / "log")

    assert len(await control.commands()) == 10


async def test_every_limit_is_in_the_description_of_its_option(
    launch: Launch, control: ControlClient, tmp_path: Path
) -> None:
    """Nobody learns it from a refusal first."""
    await launch(replies={"ask": True})
    await _noted(tmp_path / "log")
    limited = {}
    options = [option for command in await control.commands() for option in command.get("options", ())]
    while options:
        option = options.pop()
        options += option.get("options", ())
        most = option.get("max_value") or option.get("max_length")
        if most:
            limited[option["name"]] = f"{most:,}" in option["description"]

    assert limited == {"last": True, "text": True, "words": True, "question": True}
