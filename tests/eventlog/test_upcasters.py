"""What older releases wrote becomes what this one writes: raised, renamed, split, retired; words too."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest

from bot.consumers import Batch, Consumer
from bot.core import events as e
from bot.errors import LogError
from bot.eventlog import codec
from bot.eventlog.codec import decode, decode_body, encode_body
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.pages import read_page
from bot.eventlog.query import Query
from bot.eventlog.upcasters import STEPS, Chain, Fields, Step, raised, renamed, retired, split
from bot.eventlog.verify import verify
from bot.moderation.text import Line
from tests.consumers.following import Table, caught_up, rows, running, wishes
from tests.newer import newer
from tests.waiting import eventually

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STOPPED = e.BotStopped.TYPE
PAUSED, USED, FOREIGN = e.RepliesPaused.TYPE, e.CommandUsed.TYPE, e.ForeignReplySeen.TYPE
STREAM = "channel:1"


def lifted(fields: dict[str, Any]) -> dict[str, Any]:
    """Lift a made-up v1, which named the reason ``why``, to a made-up v2, which names it ``cause``."""
    return {"cause": fields["why"]}


def lifted_again(fields: dict[str, Any]) -> dict[str, Any]:
    """Lift the made-up v2 to a v3, which is what the model says."""
    return {"reason": fields["cause"].lower()}


@pytest.mark.parametrize(
    ("v", "data"), [(1, {"why": "Signal"}), (2, {"cause": "Signal"}), (3, {"reason": "signal"})], ids="v{}".format
)
def test_an_old_event_is_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch, v: int, data: dict[str, str]) -> None:
    """Every version ever written gives the event of today."""
    monkeypatch.setattr(e.BotStopped, "V", 3)
    chain = Chain((raised(STOPPED, 1, lifted), raised(STOPPED, 2, lifted_again)), {STOPPED: 3})

    assert decode(STOPPED, v, json.dumps(data), chain) == e.BotStopped(reason="signal")


def forgets_a_field(fields: dict[str, Any]) -> dict[str, Any]:
    """Look for what is not there."""
    return {"reason": fields["reason"]}


def gives_nonsense(fields: dict[str, Any]) -> dict[str, Any]:
    """Give what does not fit the model."""
    return {"reason": fields}


@pytest.mark.parametrize("step", [forgets_a_field, gives_nonsense])
def test_an_old_event_that_can_not_be_lifted_is_damage(
    monkeypatch: pytest.MonkeyPatch, step: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Whatever an upcaster makes of damaged fields, the event can't be read, and no more than that."""
    monkeypatch.setattr(e.BotStopped, "V", 2)

    found = decode(STOPPED, 1, '{"why": "signal"}', Chain((raised(STOPPED, 1, step),), {STOPPED: 2}))

    assert found == e.Unreadable(stored=e.Form(STOPPED, 1), why=e.Unread.DATA)


def nothing(_fields: Fields) -> tuple[()]:
    """Lift to nothing."""
    return ()


B1, B2, C1, Y1, Z1 = (e.Form(*form) for form in (("b", 1), ("b", 2), ("c", 1), ("y", 1), ("z", 1)))
OF_A, OF_B = {"a": 3}, {"b": 1}


@pytest.mark.parametrize(
    ("steps", "written", "fault"),
    [
        pytest.param([], OF_A, "no step begins at a v1: add it", id="none"),
        pytest.param([raised("a", 2)], OF_A, "no step begins at a v1: add it", id="the first is missing"),
        pytest.param([raised("a", 1)], OF_A, "a v1 ends at a v2, .* no step leads on", id="the last is missing"),
        pytest.param([retired("z", 2)], OF_B, "no step begins at z v1: add it", id="one of a type that is gone"),
        pytest.param([renamed("z", 1, C1)], OF_B, "z v1 ends at c v1, which is not written", id="leads nowhere"),
        pytest.param([renamed("z", 1, B2)], OF_B, "z v1 ends at b v2, which is not written", id="what never was"),
        pytest.param([raised("a", 1), raised("a", 1)], OF_A, "2 steps begin at a v1: leave one", id="two of one form"),
        pytest.param([raised("b", 1)], OF_B, "b v1, and v1 is what is written: raise V", id="of what is written"),
        pytest.param([raised("a", 0)], OF_A, "a v0, and versions count from 1", id="before the first"),
        pytest.param([retired("a", 1)], OF_A, "a v1 is renamed or retired, and there is", id="retired and alive"),
        pytest.param([renamed("a", 1, B1)], OF_A | OF_B, "a v1 is renamed or retired, and", id="renamed and alive"),
        pytest.param([split("z", 1, (B1, B1), nothing)], OF_B, "z v1 is split into two events of one", id="alike"),
        pytest.param([renamed("y", 1, Z1), renamed("z", 1, Y1)], {}, "the steps from y v1 lead back", id="a cycle"),
        pytest.param([split("z", 1, (Z1, B1), nothing)], OF_B, "the steps from z v1 lead back to it", id="to itself"),
    ],
)
def test_steps_that_do_not_fit_are_told_with_what_to_do(steps: list[Step], written: dict[str, int], fault: str) -> None:
    """A version that nobody can reach, or two ways on from one, is found before any event is read."""
    with pytest.raises(LogError, match=rf"can't tell how to read what older ones wrote: .*{fault}.*STEPS in bot\."):
        Chain(steps, written)


async def test_steps_that_do_not_fit_open_no_log(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an owner nor a reader; nothing was made."""
    broken: Callable[[], Chain] = partial(Chain, (*STEPS, raised("bot.dreamt", 1)), codec.lifting().known)
    monkeypatch.setattr("bot.eventlog.log.lifting", broken)

    with pytest.raises(LogError, match=r"bot\.dreamt v1 ends at bot\.dreamt v2"):
        await open_log(location, clock=lambda: 1)
    assert not location.folder.exists()


def test_the_steps_of_this_release_fit() -> None:
    """And what is written goes through none of them."""
    chain = codec.lifting()

    assert not chain.splits
    assert all(list(chain.lift(e.Form(name, v), {})) == [(e.Form(name, v), {})] for name, v in chain.known.items())


@pytest.mark.parametrize(
    ("reason", "detail", "expected"),
    [
        ("answered together", "105", {"reason": "answered together", "together_with": 105}),
        ("answered together", "", {"reason": "answered together", "detail": ""}),
        ("answered together", "9" * 5000, {"reason": "answered together", "detail": "9" * 5000}),
        ("gave up", "105", {"reason": "gave up", "detail": "105"}),
    ],
    ids=["an id", "none", "no id", "another reason"],
)
def test_the_message_of_a_joint_answer_was_told_in_a_text(
    reason: str, detail: str, expected: dict[str, object]
) -> None:
    """And has a field of its own from version 2 on."""
    found = decode(e.ReplyAbandoned.TYPE, 1, json.dumps({"message_id": 7, "reason": reason, "detail": detail}))

    assert found == e.ReplyAbandoned.model_validate({"message_id": 7, **expected})


def of_words(fields: Fields) -> Fields:
    """Lift made-up words of before, in which the name was all there was."""
    return {"name": fields["name"].upper()}


@pytest.mark.parametrize("body", [e.Body(name="ADA"), e.Body()])
def test_words_have_a_version_too(monkeypatch: pytest.MonkeyPatch, body: e.Body) -> None:
    """From version 2 on it stands in their JSON. A release before that leaves them closed."""
    first, v = encode_body(e.Body(name="ada")), e.Body.V + 1
    monkeypatch.setattr(e.Body, "V", v)
    chain = Chain((raised(codec.WORDS, 1), raised(codec.WORDS, v - 1, of_words)), {codec.WORDS: v})
    second = encode_body(body)

    assert json.loads(second) == {"v": v, **({"name": "ADA"} if body.name else {})}
    assert decode_body(second, chain) == body
    assert decode_body(first, chain) == e.Body(name="ADA")
    assert decode_body(b'{"name":"ada"}', chain) == e.Body(name="ADA")
    assert decode_body(b'{"v":%d,"name":"ada"}' % (v + 1), chain) is None
    assert decode_body(b'{"v":1}', chain) is None
    monkeypatch.undo()
    assert decode_body(second) is None
    assert decode_body(first) == e.Body(name="ada")
    assert decode_body(b'{"name":"ada"}') == e.Body(name="ada")


def two_of_one(fields: Fields) -> tuple[Fields, Fields | None]:
    """Split a made-up pause, which was a command at the same time unless it came from a command line."""
    used = {"user_id": int(fields["by"]), "channel_id": 1, "command": "pause", "outcome": "done"}
    return {"by": fields["by"]}, used if fields["by"] != "0" else None


PRETENDED = (
    renamed("reply.elsewhere", 1, e.Form(FOREIGN, 1), lambda fields: {"message_id": fields["to"], "sent_id": 9}),
    split("bot.muted", 1, (e.Form(PAUSED, 1), e.Form(USED, 1)), two_of_one),
    raised("bot.dreamt", 1),
    retired("bot.dreamt", 2),
)
OLDER = (
    newer("reply.elsewhere", to=5, key=e.Key(e.KeyKind.FOREIGN, 9), about=5),
    newer("bot.muted", by="7"),
    newer("bot.dreamt", of="sheep"),
    newer("bot.dreamt", 2, of="goats"),
    newer("bot.muted", by="0"),
    e.Draft(e.CommandUsed(user_id=8, channel_id=1, command="help", outcome="done")),
)


@pytest.fixture
async def older(location: Location, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EventLog]:
    """Return a log of an older release, which knew other types, opened by one that has steps from them."""
    async with opened(location) as log:
        for draft in OLDER:
            await log.append(STREAM, [draft])
        chain = Chain((*STEPS, *PRETENDED), codec.lifting().known)
        monkeypatch.setattr(codec, "lifting", lambda: chain)
        yield log


async def test_what_another_release_named_otherwise_is_what_it_is_today(older: EventLog) -> None:
    """Each event is at its place, under its name of today; what is several today shares a place."""
    foreign = e.ForeignReplySeen(message_id=5, sent_id=9)
    muted, used = e.RepliesPaused(by="7"), e.CommandUsed(user_id=7, channel_id=1, command="pause", outcome="done")
    dreams = [e.Retired(stored=e.Form("bot.dreamt", v)) for v in (1, 2)]
    again, helped = e.RepliesPaused(by="0"), OLDER[-1].event

    found = [(each.position, each.event) async for each in older.reader.events(Query())]
    of_types = [(each.position, each.event) async for each in older.reader.events(Query(types=(FOREIGN, USED)))]
    state = (await older.reader.load(STREAM)).state

    assert found == [(1, foreign), (2, muted), (2, used), *enumerate(dreams, 3), (5, again), (6, helped)]
    assert of_types == [(1, foreign), (2, used), (6, helped)]
    assert [each.event async for each in older.reader.events(Query(types=(PAUSED,)), limit=1)] == [muted]
    assert [each.event for page in [page async for page in older.reader.tail(STREAM)] for each in page] == [
        event for _, event in found
    ]
    assert (state.version, state.paused, state.foreign, state.unreadable) == (6, True, 1, 0)
    assert len(older.reader.quarantine.events) == 0
    assert [finding async for page in verify(older.reader) for finding in page.findings] == []


async def test_what_is_retired_is_shown_as_such(older: EventLog) -> None:
    """By its name of then, without fields; consumers are not handed it."""
    (dream,) = await older.reader.at([3])
    page = await older.reader.connection.run(partial(read_page, 0, (), 10, None))
    line = Line(dream, None)

    assert (line.to_json()["type"], line.to_json()["data"], line.to_json()["retired"]) == ("bot.dreamt", None, True)
    assert line.to_text().endswith("bot.dreamt  [not recorded any more]")
    assert ([each.position for each in page.events], page.skipped, page.upto) == ([1, 2, 2, 5, 6], [], 6)


class Used(Table):
    """Wants one type; fails at a position."""

    name = "used"
    types = (e.CommandUsed,)


async def test_a_consumer_is_handed_what_it_is_today(older: EventLog, location: Location) -> None:
    """What was recorded as one event is handed over together, parked together, and has keys of its own."""
    table, used, keys = Table(), Used(), Keys()
    table.fails = {2: ValueError()}

    async with running(older, table, used, keys) as consumers:
        await caught_up(consumers)
        assert consumers.status("table").parked == 1
        assert (rows(location.folder), rows(location.folder, "used")) == ([1, 5, 6], [2, 6])
        table.fails.clear()
        wishes(older).add("table", "retry")
        await consumers.look(wishes(older))
        await eventually(lambda: consumers.status("table").parked == 0)

    assert rows(location.folder) == [1, 5, 6, 2, 2]
    assert keys.seen == ["0:1", f"0:2:{PAUSED}", f"0:2:{USED}", "0:5", "0:6"]


class Keys(Consumer):
    """Remembers the keys of what it is handed."""

    name = "keys"

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def handle(self, batch: Batch) -> None:
        """Remember."""
        self.seen += [batch.key(recorded) for recorded in batch.events]
