"""Looks of a client whose cache does not know what the bot may do."""

from __future__ import annotations

from bot.core.fate import Look
from bot.gateway.looks import look, stands
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.effects.making import connected


async def test_a_history_that_may_not_be_read_deletes_no_question(sandbox: Sandbox, control: ControlClient) -> None:
    """Discord shows an empty one. Whether a question is gone, it says when it is asked for that one."""
    kept, gone = int((await control.post("kept"))["id"]), int((await control.post("gone"))["id"])
    await control.delete(str(gone))
    channel_id = sandbox.services.general.id
    async with connected(sandbox.services.addresses.api, sandbox.services.application.token) as current:
        client = current.client
        assert client is not None
        assert await look(client, 1, channel_id, kept, [kept, gone]) == Look((), frozenset((kept,)))
        assert [await stands(client, channel_id, each) for each in (kept, gone)] == [True, False]

        await control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"])
        assert await look(client, 1, channel_id, kept, [kept, gone]) == Look((), readable=False)
        assert [await stands(client, channel_id, each) for each in (kept, gone)] == [True, True]
