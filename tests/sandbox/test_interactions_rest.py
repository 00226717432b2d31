from __future__ import annotations

import pytest

from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Rest


@pytest.fixture
def options() -> SandboxOptions:
    """No limits of its own."""
    return SandboxOptions(message_rate=None, global_rate=None)


async def test_commands_are_overwritten_and_keep_their_ids(rest: Rest, sandbox: Sandbox) -> None:
    """A bulk PUT replaces the scope; guild and global commands are apart."""
    base = f"/applications/{sandbox.services.application.id}"
    guild = f"{base}/guilds/{sandbox.services.guild.id}/commands"
    one, two = ({"name": name, "description": "x"} for name in ("one", "two"))

    first = (await rest("PUT", f"{base}/commands", [one, two])).body
    second = (await rest("PUT", f"{base}/commands", [one])).body
    own = (await rest("POST", guild, two)).status
    again = (await rest("POST", guild, two)).status
    doubled = await rest("PUT", f"{base}/commands", [one, one])
    bad = await rest("PUT", f"{base}/commands", [{"name": "Bad Name", "description": ""}])

    assert [item["id"] for item in second] == [first[0]["id"]]
    assert (own, again, len((await rest("GET", guild)).body)) == (201, 200, 1)
    assert (doubled.status, bad.status, bad.body["code"]) == (400, 400, 50035)
    assert (await rest("DELETE", f"{base}/commands/{first[0]['id']}")).status == 204
    assert (await rest("GET", f"{base}/commands/{first[0]['id']}")).body["code"] == 10063


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"type": 99}, 50035, id="an unknown type"),
        pytest.param({"type": 1}, 50035, id="a pong"),
        pytest.param({"type": 8, "data": {"choices": []}}, 50035, id="choices for a command"),
        pytest.param({"type": 6}, 50035, id="a deferred update of a command"),
        pytest.param({"type": 4}, 50006, id="an empty message"),
        pytest.param({"type": 4, "data": []}, 50035, id="data that is a list"),
        pytest.param({"type": 9, "data": {}}, 50035, id="a form without name"),
        pytest.param([], 50035, id="a list"),
    ],
)
async def test_a_bad_callback_is_refused_and_the_interaction_stays_open(
    rest: Rest, sandbox: Sandbox, control: ControlClient, body: object, code: int
) -> None:
    """It can still be answered afterwards."""
    application = sandbox.services.application.id
    await rest("PUT", f"/applications/{application}/commands", [{"name": "go", "description": "x"}])
    used = await control.use_command("go")
    token = sandbox.services.interactions.by_id[int(used["id"])].token
    path = f"/interactions/{used['id']}/{token}/callback"

    early = await rest("POST", f"/webhooks/{application}/{token}", {"content": "x"})
    refused = await rest("POST", path, body)
    fine = await rest("POST", path, {"type": 5})

    assert (early.status, early.body["code"]) == (404, 10015)
    assert (refused.status, refused.body["code"]) == (400, code)
    assert fine.status == 204
