"""Calls of an address: once by its key, again while it is away, and given up where it refuses for good."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog

from bot.core.events import EffectDone, EffectEnd, EffectFailed, EffectIntended, ErasureReason
from bot.effects import CallHttp
from bot.effects.http_calls import LONGEST_ANSWER
from bot.errors import EffectError, EffectGivenUp, FateUnknown, KeyTaken
from bot.eventlog.erasing import Wanted, erase
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from tests.effects.making import Shop, events_of, http_by, idle, making, told
from tests.waiting import eventually

SECRET = "Bearer of-nobody"


def order(shop: Shop, item: object = "tea", **more: object) -> CallHttp:
    """Return the call that orders something."""
    return CallHttp.model_validate({"url": shop.url, "body": item, **more})


async def test_it_is_made_once_and_its_answer_is_remembered(log: EventLog, shop: Shop) -> None:
    """By calls at the same time, by later ones, and by the next process."""
    for _ in range(2):
        async with making(log, http_by()) as effects:
            results = await asyncio.gather(*(effects.do(order(shop), key="order:1") for _ in range(3)))
            assert results == [{"status": 200, "body": '{"id": 1, "item": "tea"}'}] * 3

    assert len(shop.requests) == 1
    assert [type(each) for each in await events_of(log)] == [EffectIntended, EffectDone]


async def test_it_is_repeated_with_its_key(log: EventLog, shop: Shop) -> None:
    """Whatever fails, before it takes effect or afterwards: there is one order in the end."""
    failures: list[list[int | None]] = [[None], [500, 503], [429], [409, 425], [408, None, 502]]
    async with making(log, http_by()) as effects:
        for number, answers in enumerate([*failures, *failures]):
            (shop.answers if number < len(failures) else shop.late).extend(answers)
            shop.requests.clear()
            await effects.do(order(shop, number), key=f"order:{number}")

            assert len({headers["Idempotency-Key"] for headers in shop.requests}) == 1
            assert len(shop.requests) == len(answers) + 1
            assert len(shop.orders) == number + 1


async def test_a_retry_after_is_honoured(log: EventLog, shop: Shop) -> None:
    """It is longer than our own pauses, so the next attempt has not come yet."""
    shop.answers, shop.headers = [503], {"Retry-After": "3000"}
    with structlog.testing.capture_logs() as lines:
        async with making(log, http_by()) as effects:
            call = asyncio.ensure_future(effects.do(order(shop), key="order:1"))
            await eventually(lambda: lines)
            assert effects.open == 1
    await asyncio.gather(call, return_exceptions=True)

    assert [(line["event"], line["reason"], line["seconds"]) for line in lines] == [
        ("effect.held", "status 503", 3000.0)
    ]


async def test_a_refusal_for_good_is_raised_and_tried_again_by_a_later_call(log: EventLog, shop: Shop) -> None:
    """With another key: a server may remember what it answered to the first one."""
    statuses = {400: "refused", 404: "refused", 302: "refused", 403: "forbidden", 401: "forbidden"}
    async with making(log, http_by()) as effects:
        for status, reason in statuses.items():
            shop.answers = [status]
            with pytest.raises(EffectGivenUp, match=rf"{reason} \(status {status}\)"):
                await effects.do(order(shop), key=f"order:{status}")
            await effects.do(order(shop), key=f"order:{status}")

            keys = [headers["Idempotency-Key"] for headers in shop.requests[-2:]]
            assert keys[1] == f'{keys[0][:-1]}-2"'

    kinds = [EffectIntended, EffectFailed, EffectIntended, EffectDone]
    assert [type(each) for each in await events_of(log)] == kinds * len(statuses)


async def test_a_refusal_after_an_unknown_fate_stays_unknown(log: EventLog, shop: Shop) -> None:
    """The first call may have been taken: it is not tried under another key, now or later."""
    shop.answers = [None, 422]
    async with making(log, http_by()) as effects:
        for _ in range(2):
            with pytest.raises(FateUnknown, match=r"Look by hand.*another key"):
                await effects.do(order(shop), key="order:1")

    assert len(shop.requests) == 2


async def test_a_secret_is_sent_and_never_recorded(log: EventLog, shop: Shop, location: Location) -> None:
    """A header names the variable that holds it."""
    call = order(shop, headers={"X-Shop": "1"}, headers_env={"Authorization": "SHOP_TOKEN"})
    async with making(log, http_by(SHOP_TOKEN=SECRET)) as effects:
        await effects.do(call, key="order:1")
    async with making(log, http_by()) as effects:
        with pytest.raises(EffectError, match=r"environment variable SHOP_TOKEN .* set it"):
            await effects.do(call, key="order:2")

    bodies = await log.reader.bodies(each.position for each in await told(log))
    held = [path.read_bytes() for path in Path(location.folder).iterdir() if path.is_file()]
    assert shop.requests[0]["Authorization"] == SECRET
    assert all(SECRET not in body.text for body in bodies.values())
    assert not any(SECRET.encode() in data for data in held)


@pytest.mark.parametrize(
    ("more", "told_to"),
    [
        ({"url": "ftp://shop.example"}, "http://"),
        ({"url": "https://shop.example:65536"}, "http://"),
        ({"url": "https://shop.example:0"}, "http://"),
        ({"url": "https://anna:secret@shop.example"}, "headers_env"),
        ({"url": "https://anna:secret@shop\u2100.example"}, "http://"),
        ({"headers": {"Idempotency-Key": "mine"}}, "set by itself"),
        ({"headers_env": {"Authorization": SECRET}}, "names of environment variables"),
        ({"method": "GET"}, "POST"),
        ({"about": 0}, "greater than 0"),
    ],
)
def test_a_call_that_cannot_be_is_refused_at_once(more: dict[str, object], told_to: str) -> None:
    """And the error quotes no secret."""
    with pytest.raises(ValueError, match=told_to) as caught:
        CallHttp.model_validate({"url": "https://shop.example", **more})

    assert "secret@" not in str(caught.value)
    assert SECRET not in str(caught.value)


async def test_a_key_is_one_calls_alone(log: EventLog, shop: Shop) -> None:
    """Be the other one done, by this process or by an earlier one."""
    async with making(log, http_by()) as effects:
        await effects.do(order(shop), key="order:1")
        with pytest.raises(KeyTaken):
            await effects.do(order(shop, "coffee"), key="order:1")


async def test_a_long_answer_is_cut(log: EventLog, shop: Shop) -> None:
    """And says so."""
    async with making(log, http_by()) as effects:
        result = await effects.do(order(shop, "x" * LONGEST_ANSWER), key="order:1")

    assert isinstance(result, dict)
    assert (len(str(result["body"])), result["cut"]) == (LONGEST_ANSWER, True)


async def test_what_is_intended_is_made_by_the_next_process_in_order(log: EventLog, shop: Shop) -> None:
    """Nobody's code has to call again."""
    shop.answers = [503] * 3
    shop.headers = {"Retry-After": "3000"}
    async with making(log, http_by()) as effects:
        calls = [asyncio.ensure_future(effects.do(order(shop, number), key=f"order:{number}")) for number in range(3)]
        await shop.asked.wait()
        await eventually(lambda: effects.open == 3)
    await asyncio.gather(*calls, return_exceptions=True)
    assert not shop.orders
    shop.answers.clear()

    async with making(log, http_by()) as effects:
        await eventually(lambda: len(shop.orders) == 3 and not effects.open)

    assert [placed["item"] for placed in shop.orders.values()] == [0, 1, 2]


async def test_words_that_are_erased_meanwhile_are_not_sent(log: EventLog, shop: Shop) -> None:
    """The effect is given up."""
    shop.answers, shop.headers = [429], {"Retry-After": "3000"}
    async with making(log, http_by()) as effects:
        call = asyncio.ensure_future(effects.do(order(shop, about=7), key="order:1"))
        await shop.asked.wait()
    await asyncio.gather(call, return_exceptions=True)
    await erase(log, Wanted(person_id=7), ErasureReason.PERSON)
    async with making(log, http_by()) as effects:
        await idle(effects)

    assert len(shop.requests) == 1
    failed = [each for each in await events_of(log) if isinstance(each, EffectFailed)]
    assert [each.reason for each in failed] == [EffectEnd.UNKNOWN_FATE]
