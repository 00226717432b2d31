from __future__ import annotations

import discord
import pytest

from bot.gateway.commands.access import ADMINISTRATOR, DIRECT, PERMISSIONS, AccessRules, Named
from bot.gateway.invocation import Asker

MANAGE_GUILD, MANAGE_MESSAGES = PERMISSIONS["manage_guild"][0], PERMISSIONS["manage_messages"][0]
GUILD, SOMEBODY, OWNER, HELPER, MOD, SENIOR = 1, 10, 11, 12, 20, 21

ACCESS = AccessRules(
    permission="manage_guild",
    named=Named(roles=frozenset({MOD}), people=frozenset({HELPER})),
    commands={"rewind": Named(roles=frozenset({SENIOR}))},
    owners=frozenset({OWNER}),
    direct=frozenset({"forget-conversation"}),
)


def _asker(user: int = SOMEBODY, permissions: int = 0, roles: tuple[int, ...] = (), guild: int | None = GUILD) -> Asker:
    return Asker(user, permissions, frozenset(roles), guild)


@pytest.mark.parametrize(
    ("asker", "command", "may"),
    [
        pytest.param(_asker(), "state", False, id="a member may nothing"),
        pytest.param(_asker(permissions=MANAGE_GUILD), "state", True, id="the permission is enough"),
        pytest.param(_asker(permissions=MANAGE_MESSAGES), "state", False, id="another permission is not"),
        pytest.param(_asker(permissions=ADMINISTRATOR), "state", True, id="an administrator has every permission"),
        pytest.param(_asker(roles=(MOD,)), "state", True, id="a role is enough"),
        pytest.param(_asker(roles=(SENIOR,)), "state", False, id="a role for another command is not"),
        pytest.param(_asker(HELPER), "state", True, id="a name is enough"),
        pytest.param(_asker(roles=(SENIOR,)), "rewind", True, id="a command has roles of its own"),
        pytest.param(_asker(roles=(MOD,)), "rewind", False, id="which stand in place of the others"),
        pytest.param(_asker(HELPER), "rewind", False, id="and its people do, too"),
        pytest.param(_asker(permissions=MANAGE_GUILD), "rewind", True, id="the permission is enough for each command"),
        pytest.param(_asker(OWNER), "rewind", True, id="the bot's owner may all"),
        pytest.param(_asker(OWNER, guild=None), "state", True, id="also in private"),
        pytest.param(_asker(HELPER, guild=None), "state", False, id="nobody else in private, named"),
        pytest.param(_asker(roles=(MOD,), guild=None), "state", False, id="nobody else in private, by a role"),
        pytest.param(_asker(permissions=~0, guild=None), "state", False, id="nobody else in private, by permissions"),
        pytest.param(_asker(guild=None), "forget-conversation", True, id="everybody in private what is for that"),
        pytest.param(_asker(), "forget-conversation", False, id="and in a server not"),
        pytest.param(_asker(roles=(MOD,)), "forget-conversation", True, id="but who moderates it"),
    ],
)
def test_who_may(asker: Asker, command: str, may: bool) -> None:  # noqa: FBT001 - a table's column
    """Each row of the rules."""
    assert (ACCESS.refusal(asker, command) is None) == may


def test_a_refusal_says_what_it_takes() -> None:
    """In the words of Discord's client, and in private where to go."""
    refusal = ACCESS.refusal(_asker(), "state")

    assert refusal is not None
    assert "Manage Server" in refusal
    assert ACCESS.refusal(_asker(guild=None), "state") == DIRECT


@pytest.mark.parametrize("name", PERMISSIONS)
def test_bits_are_those_of_discord_py(name: str) -> None:
    """Written out, because the check knows no discord.py."""
    assert PERMISSIONS[name][0] == discord.Permissions(**{name: True}).value
