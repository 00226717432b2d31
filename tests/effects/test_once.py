"""``once``: the caller's own code runs once under a key, and what it returned is remembered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.core.events import Body, Draft, EffectBegun, EffectDone, EffectEnd, EffectFailed, ErasureReason
from bot.core.named_keys import digest_of
from bot.core.streams import EFFECTS_STREAM
from bot.effects import AddRole
from bot.errors import FateUnknown, KeyTaken, ResultLost
from bot.eventlog.erasing import Wanted, erase
from bot.eventlog.log import EventLog
from tests.effects.making import events_of, http_by, making, told

BEGUN = EffectBegun(key_digest=digest_of("order:1"))


class Counted:
    """An effect that counts how often it ran."""

    def __init__(self, *results: object) -> None:
        self.ran = 0
        self.results = list(results)

    async def __call__(self) -> object:
        """Return the next result, or raise it."""
        self.ran += 1
        await asyncio.sleep(0)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


@pytest.mark.parametrize("result", [{"id": 7}, [1, "two", None], "text", 0, None, False])
async def test_it_runs_once_and_its_result_is_remembered(log: EventLog, result: Any) -> None:  # noqa: ANN401 - JSON
    """By this process, and by the next one."""
    effect = Counted(result)
    async with making(log) as effects:
        told_at_once = [await effects.once("order:1", effect) for _ in range(2)]
    async with making(log) as effects:
        later = await effects.once("order:1", effect)

    assert [*told_at_once, later] == [result] * 3
    assert effect.ran == 1
    assert [type(each) for each in await events_of(log)] == [EffectBegun, EffectDone]


async def test_two_calls_at_the_same_time_run_it_once(log: EventLog) -> None:
    """The second waits for the first one's result, also where the first caller is gone."""
    effect = Counted(7)
    async with making(log) as effects:
        calls = [asyncio.ensure_future(effects.once("order:1", effect)) for _ in range(3)]
        await asyncio.sleep(0)
        calls[0].cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)

    assert results[1:] == [7, 7]
    assert isinstance(results[0], asyncio.CancelledError)
    assert effect.ran == 1


async def test_an_exception_is_recorded_by_its_type_and_a_later_call_runs_it_again(log: EventLog) -> None:
    """Its words are nobody's to tell."""
    effect = Counted(RuntimeError("anna's address"), ConnectionError("again"), 7)
    async with making(log) as effects:
        with pytest.raises(RuntimeError, match="anna's address"):
            await effects.once("order:1", effect)
    async with making(log) as effects:
        with pytest.raises(ConnectionError):
            await effects.once("order:1", effect)
        assert [await effects.once("order:1", effect) for _ in range(2)] == [7, 7]

    failed = [each for each in await events_of(log) if isinstance(each, EffectFailed)]
    assert [(each.attempt, each.reason, each.detail) for each in failed] == [
        (1, EffectEnd.RAISED, "RuntimeError"),
        (2, EffectEnd.RAISED, "ConnectionError"),
    ]
    assert effect.ran == 3


async def left_in_the_middle(log: EventLog) -> None:
    """Leave a log as a process does that was killed while an effect ran."""
    await log.append(EFFECTS_STREAM, (Draft(BEGUN, Body(parts=("order:1",))),))


async def test_after_a_crash_its_fate_is_unknown_and_the_error_says_what_to_do(log: EventLog) -> None:
    """It is not run on a guess."""
    effect = Counted(7)
    await left_in_the_middle(log)
    async with making(log) as effects:
        with pytest.raises(FateUnknown, match=r"look=.*repeatable=True") as caught:
            await effects.once("order:1", effect)

    assert (effect.ran, caught.value.key) == (0, "order:1")
    assert "order:1" not in str(caught.value)


@pytest.mark.parametrize(
    ("seen", "ran", "found"),
    [({"id": 3}, 0, True), (None, 1, False)],
)
async def test_a_look_tells_after_a_crash(
    log: EventLog,
    seen: object,
    ran: int,
    found: bool,  # noqa: FBT001 - a table
) -> None:
    """Its result, or None: then it runs."""
    effect, look = Counted({"id": 4}), Counted(seen)
    await left_in_the_middle(log)
    async with making(log) as effects:
        results = [await effects.once("order:1", effect, look=look) for _ in range(2)]

    assert results == [seen or {"id": 4}] * 2
    assert (effect.ran, look.ran) == (ran, 1)
    assert (await events_of(log))[-1] == EffectDone.model_construct(key_digest="", found=found)


@pytest.mark.parametrize(("seen", "result", "ran"), [(3, 3, 1), (None, 7, 2)])
async def test_a_look_tells_after_an_exception_too(log: EventLog, seen: object, result: int, ran: int) -> None:
    """A shop may have taken an order, and then fail to say so."""
    effect, look = Counted(ConnectionError("reset"), 7), Counted(seen)
    async with making(log) as effects:
        with pytest.raises(ConnectionError):
            await effects.once("order:1", effect, look=look)
        assert look.ran == 0
        assert [await effects.once("order:1", effect, look=look) for _ in range(2)] == [result] * 2

    assert (effect.ran, look.ran) == (ran, 1)


async def test_what_is_repeatable_runs_again_after_a_crash(log: EventLog) -> None:
    """And the log says so."""
    effect = Counted(7)
    await left_in_the_middle(log)
    async with making(log) as effects:
        assert await effects.once("order:1", effect, repeatable=True) == 7

    assert (await events_of(log))[-1] == EffectDone.model_construct(key_digest="", again=True)


@pytest.mark.parametrize("result", [object(), {"a": float("nan")}, "x" * 300_000])
async def test_a_result_that_cannot_be_kept_is_told_and_nothing_runs_twice(log: EventLog, result: object) -> None:
    """It ran: a later call says so, too."""
    effect = Counted(result)
    async with making(log) as effects:
        for _ in range(2):
            with pytest.raises(ResultLost, match="no JSON, or over 256 KiB"):
                await effects.once("order:1", effect)

    assert effect.ran == 1


async def test_key_and_result_are_sealed_and_go_with_the_person(log: EventLog) -> None:
    """Then the effect does not run again, and whoever asks for its result is told."""
    effect = Counted({"to": "anna"})
    async with making(log) as effects:
        await effects.once("order:anna", effect, about=7)
        before = await log.reader.bodies(each.position for each in await told(log))
        await erase(log, Wanted(person_id=7), ErasureReason.PERSON)
        with pytest.raises(ResultLost, match="erased"):
            await effects.once("order:anna", effect)

    assert [body.parts for body in before.values()] == [("order:anna",), ('{"to": "anna"}',)]
    assert not await log.reader.bodies(each.position for each in await told(log))
    assert effect.ran == 1


async def test_a_key_is_one_effects_alone(log: EventLog) -> None:
    """Be the other one under way or done."""
    role = AddRole(guild_id=1, user_id=2, role_id=3)
    async with making(log, ((role.kind,), http_by()[1])) as effects:
        await effects.once("order:1", Counted(7))
        with pytest.raises(KeyTaken, match="key of its own"):
            await effects.do(role, key="order:1")
        with pytest.raises(ValueError, match="must not be empty"):
            await effects.once("", Counted(7))


async def test_what_is_cut_off_by_the_end_is_of_unknown_fate(log: EventLog) -> None:
    """An effect that does not end is not waited for for ever."""
    running = asyncio.Event()

    async def endless() -> None:
        running.set()
        await asyncio.Event().wait()

    async with making(log) as effects:
        call = asyncio.ensure_future(effects.once("order:1", endless))
        await running.wait()
        await effects.stop(0.01)
        assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], asyncio.CancelledError)
    async with making(log) as effects:
        with pytest.raises(FateUnknown):
            await effects.once("order:1", Counted(7))
