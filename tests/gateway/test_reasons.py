from __future__ import annotations

import errno

import aiohttp
import discord
import pytest

from bot.gateway.reasons import GATEWAY, complaint, reason
from bot.gateway.requests import ServerFault
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "no answer in time"),
        (TimeoutError(errno.ETIMEDOUT, "alice said hello"), "no answer in time"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "alice said hello"), "Connection refused"),
        (ConnectionResetError(), "the connection was cut"),
        (aiohttp.ServerDisconnectedError("alice said hello"), "the connection was cut"),
        (aiohttp.ClientPayloadError("alice said hello"), "the connection was cut"),
        (aiohttp.InvalidURL("wss://alice:secret@host"), "the address can't be used"),
        (discord.RateLimited(61.2), "asked to wait for 61 s"),
        (ServerFault(503), "status 503"),
        (KeyError("alice said hello"), "what it says can't be read: KeyError"),
        (AttributeError("alice said hello"), "what it says can't be read: AttributeError"),
    ],
)
def test_what_failed_is_said_in_words(error: Exception, words: str) -> None:
    """And nothing of what came along."""
    assert reason(error) == words


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ServerFault(502), "http://here fails (status 502)."),
        (TimeoutError(), "http://here does not answer (no answer in time)."),
        (ConnectionResetError(), "http://here does not answer (the connection was cut)."),
        (
            KeyError("d"),
            "http://here answers, but not as a gateway of Discord does (what it says can't be read: KeyError).",
        ),
    ],
)
def test_who_failed_is_said_too(error: Exception, sentence: str) -> None:
    """Away, unwell or somebody else."""
    assert complaint("http://here", error, GATEWAY) == sentence


async def test_a_path_that_holds_a_token_stays_unsaid(launch: Launch, control: ControlClient) -> None:
    """Others say what was asked."""
    bot = await launch()
    client = bot.supervisor.client
    assert client is not None
    await control.add_fault("missing", method="GET", count=None)

    with pytest.raises(discord.NotFound) as plain:
        await client.fetch_user(5)
    with pytest.raises(discord.NotFound) as secret:
        await client.fetch_webhook(5)

    assert reason(plain.value) == "GET /users/5: status 404"
    assert reason(secret.value) == "status 404"
