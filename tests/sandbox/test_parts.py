"""The pure parts: ids, nonces, rate limits, permissions, recordings, options."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.changes import Changes
from bot.sandbox.errors import ControlError, SandboxError
from bot.sandbox.json_codec import decode
from bot.sandbox.models import Channel, ChannelKind, Message, User
from bot.sandbox.nonces import Nonces
from bot.sandbox.options import RateLimit, SandboxOptions
from bot.sandbox.permissions import ALL, Permission, effective, parse
from bot.sandbox.ratelimits import RateLimits
from bot.sandbox.recordings import read_recording
from bot.sandbox.snowflakes import Snowflakes, iso_moment, iso_time, timestamp_ms
from bot.sandbox.world import World


@given(st.lists(st.integers(min_value=1_420_070_400_001, max_value=4_000_000_000_000), min_size=1, max_size=50))
def test_ids_ascend_whatever_the_clock_does(times: list[int]) -> None:
    """A clock that stands still or steps back makes no id twice; the latest time is in the id."""
    clock = iter(times)
    snowflakes = Snowflakes(lambda: next(clock))

    made = [snowflakes.next() for _ in times]

    assert made == sorted(set(made))
    assert timestamp_ms(made[-1]) == max(times)


def test_times_are_written_as_discord_writes_them() -> None:
    """The documents' example id."""
    assert iso_time(timestamp_ms(175928847299117063)) == "2016-04-30T11:18:25.796000+00:00"


def test_no_two_moments_are_one() -> None:
    """Whoever pages by them would miss one."""
    snowflakes = Snowflakes(lambda: 1_461_995_905_796)

    assert [iso_moment(snowflakes.next()) for _ in range(3)] == [
        f"2016-04-30T05:58:25.79600{number}+00:00" for number in range(3)
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NaN", "NaN is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("{'a': 1}", "line 1 column 2"),
        ("", "line 1 column 1"),
    ],
    ids=["no number", "no end", "no bottom", "no quotation marks", "nothing"],
)
def test_what_is_no_json_is_no_json(text: str, said: str) -> None:
    """Python's extensions and bottomless nesting are refused alike."""
    with pytest.raises(ValueError, match=said):
        decode(text)


def _message(number: int, author: User, nonce: int | str | None) -> Message:
    return Message(Channel(1, ChannelKind.TEXT), author, "x", number, nonce=nonce)


def test_nonces_are_forgotten_when_the_window_is_over() -> None:
    """The window counts from the message, and a change of it counts at once."""
    now = [0.0]
    nonces = Nonces(300, lambda: now[0])
    author, other = User(1, "a"), User(2, "b")
    message = _message(10, author, "n")
    nonces.remember(message)
    nonces.remember(_message(11, author, None))

    assert nonces.find(1, "n") is message
    assert nonces.find(other.id, "n") is None
    now[0] = 299.9
    assert nonces.find(1, "n") is message
    now[0] = 300.0
    assert nonces.find(1, "n") is None
    nonces.window = 1000
    assert nonces.find(1, "n") is message


def test_a_window_of_requests_fills_and_empties() -> None:
    """Limit, remaining and reset are those of the bucket; other buckets are other channels."""
    now = [1000.0]
    limits = RateLimits(RateLimit(2, 5), None, lambda: now[0])

    def check(major: str = "c") -> tuple[bool, str, str]:
        verdict = limits.check("messages.create", major, exempt=False)
        return verdict.allowed, verdict.headers["X-RateLimit-Remaining"], verdict.headers["X-RateLimit-Reset-After"]

    assert check() == (True, "1", "5.000")
    now[0] = 1004.0
    assert check() == (True, "0", "1.000")
    assert check() == (False, "0", "1.000")
    assert check("d") == (True, "1", "5.000")
    now[0] = 1005.0
    assert check() == (True, "1", "5.000")


def test_the_window_for_all_requests_begins_with_the_first() -> None:
    """Also on a clock that began a moment ago."""
    limits = RateLimits(None, RateLimit(1, 5), lambda: 1.0)

    assert limits.check("messages.create", "c", exempt=False).allowed
    assert limits.check("messages.create", "c", exempt=False).retry_after == 5.0


def test_permissions_add_up_as_documented() -> None:
    """Guild, then @everyone's, roles' and the member's overwrites; no VIEW_CHANNEL means nothing."""
    world = World()
    owner, member = world.create_user("owner"), world.create_user("member")
    guild = world.create_guild("g", owner)
    world.add_member(guild, member)
    channel = world.create_channel(guild, "c")
    role = world.create_role(guild, "r", int(Permission.MANAGE_MESSAGES))

    def has(permission: Permission, user: User = member) -> bool:
        return bool(effective(channel, user.id) & permission)

    assert effective(channel, owner.id) == int(ALL)
    assert effective(channel, 12345) == 0
    assert not has(Permission.MANAGE_MESSAGES)
    guild.members[member.id].role_ids.append(role.id)
    world.set_overwrite(channel, guild.id, allow=0, deny=parse(["SEND_MESSAGES"]))
    assert (has(Permission.MANAGE_MESSAGES), has(Permission.SEND_MESSAGES)) == (True, False)
    world.set_overwrite(channel, role.id, allow=parse(["send_messages"]), deny=0)
    assert has(Permission.SEND_MESSAGES)
    world.set_overwrite(channel, member.id, allow=0, deny=parse(["VIEW_CHANNEL"]))
    assert effective(channel, member.id) == 0
    assert effective(world.create_thread(channel, "t", owner), member.id) == 0
    with pytest.raises(ControlError):
        parse(["FLY"])


def test_an_administrator_may_everything() -> None:
    """Overwrites do not touch administrators."""
    world = World()
    guild = world.create_guild("g", world.create_user("owner"))
    admin = world.create_user("admin")
    role = world.create_role(guild, "r", int(Permission.ADMINISTRATOR))
    world.add_member(guild, admin).role_ids.append(role.id)
    channel = world.create_channel(guild, "c")
    world.set_overwrite(channel, guild.id, allow=0, deny=int(ALL))

    assert effective(channel, admin.id) == int(ALL)


def _nothing() -> int | None:
    return None


async def test_waiting_looks_once_more_when_time_is_up() -> None:
    """What became true without a notice is still seen at the deadline."""
    changes = Changes()
    facts: list[int] = []
    waiting = asyncio.create_task(changes.wait_for(lambda: facts or None, 0.05))
    await asyncio.sleep(0)
    facts.append(1)

    assert await waiting == [1]
    assert await changes.wait_for(_nothing, 0.01) is None


def test_a_recording_keeps_its_pace_and_not_its_date(tmp_path: Path) -> None:
    """Channels of different years start together; lines of one moment keep the file's order."""
    lines = [
        {"channel": "a", "at": "2006-01-01T00:00:00Z", "author": "x", "content": "1"},
        {"channel": "a", "at": "2006-01-01T00:01:00Z", "author": "x", "content": "4"},
        {"channel": "b", "at": "2014-01-01T10:00:00+02:00", "author": "y", "bot": True, "content": "2"},
        {"channel": "b", "at": "2014-01-01T08:00:30", "author": "y", "content": "3"},
    ]
    path = tmp_path / "chat.jsonl"
    path.write_text("\n\n".join(map(json.dumps, lines)))

    played = read_recording(path)

    assert [(line.content, line.offset, line.bot) for line in played] == [
        ("1", 0, False),
        ("2", 0, True),
        ("3", 30, False),
        ("4", 60, False),
    ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"host": "10.0.0.1"}, r"'10\.0\.0\.1' is not a loopback address"),
        ({"port": -1}, "port must be between 0"),
        ({"control_port": 70000}, "control_port must be between 0"),
        ({"token": ""}, "The token must be plain characters"),
        ({"token": "ü"}, "The token must be plain characters"),
        ({"nonce_window": -1.0}, "nonce_window must not be negative"),
        ({"queue_limit": 0}, "queue_limit must be more than zero"),
        ({"heartbeat_interval": 0.0}, "heartbeat_interval must be more than zero"),
        ({"denied_intents": frozenset({"flying"})}, "'flying' is not a privileged intent"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], said: str) -> None:
    """Nothing is opened before they are right."""
    with pytest.raises(SandboxError, match=rf"^{said}.*\.$"):
        SandboxOptions(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_has_several_names(host: str) -> None:
    """All of them are this machine."""
    assert SandboxOptions(host=host).host == host
