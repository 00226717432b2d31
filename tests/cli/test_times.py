"""Times, messages and channels on the command line: what is printed can be typed back, in every command."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bot.cli.points import LocalZone
from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.moderation.command import ModerationError
from bot.moderation.control_socket import listening
from bot.moderation.points import parse_point
from bot.times import iso_time, utc_time
from tests.cli.conftest import FIRST_SECOND, Run
from tests.laws.strategies import TIMES
from tests.moderation.conftest import furnish

BUSY, ALICE = 111, 41
STEP = 1_234_567
"""Microseconds between two events: no two in one millisecond, none at its beginning."""
MESSAGES = [1_300_000_000_000_000_000 + number for number in range(1, 6)]
ANSWER = MESSAGES[0] + 100
A_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?")
ZONED = re.compile(r"Z|\+00:00")

PRINTING = [
    ("log", "show"),
    ("log", "show", "--json"),
    ("log", "export"),
    ("log", "stats"),
    ("log", "stats", "--json"),
    ("usage",),
    ("stats", "--since", "9000d"),
    ("replay", "--channel", BUSY),
    ("replay", "--channel", BUSY, "--json"),
    ("replay", "state", "--channel", BUSY),
    ("replay", "timeline", "--channel", BUSY),
    ("replay", "why", MESSAGES[0]),
    ("replay", "export", "--channel", BUSY),
    ("replay", "pending", "--json"),
    ("replay", "status"),
]
TYPING = [
    ("log", "show", "--since"),
    ("log", "show", "--until"),
    ("log", "export", "--since"),
    ("log", "export", "--until"),
    ("usage", "--since"),
    ("stats", "--since"),
    ("replay", "--channel", BUSY, "--at"),
    ("replay", "state", "--channel", BUSY, "--at"),
    ("replay", "timeline", "--channel", BUSY, "--since"),
    ("replay", "diff", "--channel", BUSY, 0),
    ("replay", "export", "--channel", BUSY, "--since"),
]


@contextmanager
def zone(name: str) -> Iterator[None]:
    """Let this process be in a zone for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(autouse=True)
def tokyo() -> Iterator[None]:
    """Let this process be nine hours ahead of UTC."""
    with zone("Asia/Tokyo"):
        yield


async def _write(folder: Path) -> None:
    now = FIRST_SECOND * 1_000_000 + 1
    log = await open_log(Location(folder), clock=lambda: now, full=False)
    conversations = Conversations(log)
    await log.append("bot", (e.Draft(e.DirectChannelOpened(channel_id=BUSY)),))
    for message_id in MESSAGES:
        received = e.MessageReceived(message_id=message_id, author_id=ALICE, sent_at=now, guild_id=5)
        composed = e.ReplyComposed(message_id=message_id, parts=1, responder="llm", model="m", tokens_in=5)
        call = e.Call.MENTION
        for command in (
            c.Receive(received, e.Body(name="ada", parts=("so?",)), call=call, responder="llm"),
            c.Compose(composed, e.Body(parts=("so",))),
        ):
            now += STEP
            await conversations.handle(BUSY, command)
    now += STEP
    await conversations.handle(BUSY, c.Confirm(MESSAGES[0], 0, ANSWER, e.Proof.ECHO))
    await log.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a log whose events have times to the microsecond."""
    folder = tmp_path_factory.mktemp("written") / "log"
    asyncio.run(_write(folder))
    return folder


@pytest.fixture
def busy(written: Path, tmp_path: Path) -> Path:
    """Return the folder of a copy of it, for one test."""
    return Path(shutil.copytree(written, tmp_path / "busy"))


@pytest.fixture
def times(busy: Path, run: Run) -> list[tuple[int, str]]:
    """Return the version of each event, and the time that the timeline prints beside it."""
    out = run("replay", "timeline", "--log", busy, "--channel", BUSY, "--limit", 100).out
    return [(int(version), at) for at, version in re.findall(rf"(?m)^({A_TIME.pattern})  v(\d+)", out)]


def test_the_printed_time_of_a_version_is_a_way_to_it(busy: Path, run: Run, times: list[tuple[int, str]]) -> None:
    """As ``--at`` it gives that version, as ``--since`` that event and those after it."""
    assert [version for version, _ in times] == list(range(16, 0, -1))

    for version, at in times:
        (state,) = run("replay", "--log", busy, "--channel", BUSY, "--json", "--at", at).rows
        shown = run("log", "show", "--log", busy, "--json", "--since", at).rows
        exported = run("replay", "export", "--log", busy, "--channel", BUSY, "--since", at).rows

        assert state["version"] in (version, version + 1)
        assert state["recorded_at"][:23] == at[:23].replace(" ", "T")
        assert version in [row["version"] for row in shown]
        assert len(shown) == len(exported) == 16 - shown[0]["version"] + 1


@pytest.mark.parametrize("printing", PRINTING, ids=lambda command: " ".join(map(str, command)))
def test_every_printed_time_can_be_typed(busy: Path, run: Run, printing: tuple[object, ...]) -> None:
    """It has its zone, and every command that takes a point reads it."""
    ran = run(*printing, "--log", busy)
    assert ran.code == 0, ran.err
    printed = set(A_TIME.findall(ran.out))
    assert printed or "log" not in printing
    for at in printed:
        assert ZONED.search(at), f"{at} has no zone"

    for typing in TYPING:
        for at in sorted(printed)[:2]:
            typed = run(*typing, at, "--log", busy)
            assert (typed.code, typed.err) == (0, "")


def test_a_rewind_takes_a_printed_time(busy: Path, run: Run, times: list[tuple[int, str]]) -> None:
    """Nine hours earlier there was nothing: another version would be previewed."""
    version, at = times[-3]

    (rewound,) = run("replay", "rewind", "--log", busy, "--channel", BUSY, at, "--yes", "--json").rows

    assert rewound["to"] in (version, version + 1)
    assert run("replay", "undo", "--log", busy, "--channel", BUSY).code == 0


def test_a_time_without_a_zone_is_local_everywhere(busy: Path, run: Run) -> None:
    """And is what a zone of nine hours says."""
    moment = FIRST_SECOND * 1_000_000 + 3 * STEP
    local = iso_time(moment + 9 * 3600 * 1_000_000)[:26]

    for typing in TYPING:
        there, here = (run(*typing, at, "--log", busy) for at in (f"{local}+09:00", local))
        assert (there.code, there.out) == (here.code, here.out)
    assert run("log", "show", "--log", busy, "--since", local).out.startswith(utc_time(moment - 2))


@pytest.mark.parametrize("typing", TYPING, ids=lambda command: " ".join(map(str, command)))
@pytest.mark.parametrize(
    ("at", "said"),
    [
        pytest.param("soon", "or a time like 2026-11-20 14:00 (local time; UTC with Z behind it).", id="no point"),
        pytest.param("999999999d", "an age has at most 36500 days", id="an age past the calendar"),
        pytest.param("9" * 400 + "d ago", "an age has at most 36500 days", id="an age of 400 digits"),
        pytest.param("0001-01-01", "outside of the calendar", id="a year out of range"),
        pytest.param(77 * 10**15, "Message 77000000000000000 ", id="a message that nobody knows"),
    ],
)
def test_what_is_no_point_is_refused_in_every_command(
    busy: Path, run: Run, typing: tuple[object, ...], at: object, said: str
) -> None:
    """With the same sentence, and no traceback."""
    ran = run(*typing, at, "--log", busy)

    assert ran.code in (1, 2)
    assert said in " ".join(ran.err.split())


@pytest.mark.parametrize("typing", TYPING, ids=lambda command: " ".join(map(str, command)))
def test_the_hour_that_comes_twice_is_asked_about(busy: Path, run: Run, typing: tuple[object, ...]) -> None:
    """In the zone of this machine."""
    with zone("Europe/Berlin"):
        twice = run(*typing, "2026-10-25 02:30", "--log", busy)
        never = run(*typing, "2026-03-29 02:30", "--log", busy)
        said = run(*typing, "2026-10-25 02:30+02:00", "--log", busy)

    assert "2026-10-25 02:30 happens twice here: add +02:00 or +01:00." in " ".join(twice.err.split())
    assert "2026-03-29 02:30 never happens here" in " ".join(never.err.split())
    assert said.code == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TIMES)
def test_no_time_breaks_the_local_zone(text: str) -> None:
    """Whatever the system makes of the first and the last years."""
    try:
        point = parse_point(text, 0, LocalZone())
    except ModerationError:
        return
    assert point == parse_point(str(point), 0)


async def test_a_running_bot_is_told_what_was_meant_here(tmp_path: Path, run: Run) -> None:
    """Whatever the zone of its process: a point travels as a time in UTC."""
    now = [FIRST_SECOND * 1_000_000]
    log = await open_log(Location(tmp_path / "log"), clock=lambda: now[-1], full=False)
    room = furnish(log, tmp_path / "log", lambda: now[-1])
    async with listening(room.context, tmp_path / "log"):
        for message_id in MESSAGES:
            now.append(now[-1] + STEP)
            await room.says(message_id)
        local = iso_time(now[2] + 9 * 3600 * 1_000_000)[:23]
        asked = ("replay", "state", "--log", tmp_path / "log", "--json", "--channel", room.id, "--at")
        by_local, by_printed, by_message = [
            await asyncio.to_thread(run, *asked, at) for at in (local, utc_time(now[2]), MESSAGES[1])
        ]
    await room.conversations.close()
    await log.close()

    assert [2, 2, 2] == [ran.rows[0]["version"] for ran in (by_local, by_printed, by_message)]


@pytest.mark.parametrize("key", ["there", "missing", "another"])
def test_names_stand_beside_ids_where_the_key_is(
    busy: Path, run: Run, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Without it, or with another log's, all else is shown."""
    if key == "missing":
        (busy / "vault.key").unlink()
    elif key == "another":
        monkeypatch.setenv("ECHOLESS_VAULT_KEY", "AB" * 21 + "A=")
    name = "ada" if key == "there" else None

    (usage,) = run("usage", "--log", busy, "--json").rows
    (stats,) = run("log", "stats", "--log", busy, "--json").rows

    assert usage["people"][str(ALICE)] == {
        "name": name, "replies": 5, "failed": 0, "tokens": 25, "cost_micros": 0, "unpriced": 0, "rehearsed": 0,
    }  # fmt: skip
    assert usage["channels"][str(BUSY)]["name"] == name
    assert stats["names"] == ({f"channel:{BUSY}": name} if name else {})
    assert stats["by_stream"][f"channel:{BUSY}"] == 16
    for eyes in (run("usage", "--log", busy).out, run("log", "stats", "--log", busy).out):
        assert ("ada" in eyes) == (key == "there")


@pytest.mark.parametrize(
    "command",
    [
        ("why", MESSAGES[1]),
        ("why", ANSWER),
        ("state", "--at", MESSAGES[1]),
        ("timeline", "--since", MESSAGES[1]),
        ("diff", MESSAGES[0], MESSAGES[1]),
        ("diff", 1, MESSAGES[1]),
        ("export", "--since", MESSAGES[1]),
        ("rehearse", "--message", MESSAGES[1]),
        ("rewind", MESSAGES[1], "--yes"),
        ("drop", MESSAGES[1]),
    ],
    ids=lambda command: " ".join(map(str, command)),
)
def test_a_message_names_its_channel_itself(busy: Path, run: Run, command: tuple[object, ...]) -> None:
    """No ``--channel`` is needed where a message says which; one that nobody knows is refused."""
    unknown = [77 * 10**15 if argument in (*MESSAGES, ANSWER) else argument for argument in command]

    ran = run("replay", *command, "--log", busy)
    refused = run("replay", *unknown, "--log", busy)

    assert ran.code == 0, ran.err
    assert (refused.code, refused.out) == (1, "")
    assert "Message 77000000000000000 is not in this log." in refused.err


@pytest.mark.parametrize(
    ("command", "said"),
    [("retry", "it is still being tried"), ("again", "it is still being tried"), ("drop", "has no unfinished reply")],
)
def test_a_reply_finds_its_channel_itself(busy: Path, run: Run, command: str, said: str) -> None:
    """Also where there is nothing to do about it, which is said of that channel."""
    message = MESSAGES[0] if command == "drop" else MESSAGES[1]

    ran = run("replay", command, message, "--log", busy)

    assert ran.code == 1
    assert said in ran.err
