"""The responder ``http`` against a real server: what it posts, what it takes, and what it makes of every failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import structlog
from aiohttp import web

from bot.responders import Answer, Attached, Context, ModelFailed, Question, Trouble, Utterance, ask
from bot.responders.http import call
from bot.responders.http.responder import HttpResponder
from tests.responders.http.answerer import Answerer, Script, answering, dropping, saying, streaming
from tests.suite.clock import Clock

QUESTION = Question(
    1, 2, 3, "Ada", "is <@7> here?", reply_to=9, files=(Attached("image/png", 70, 5, "cat.png"),), names={"@7": "Bob"}
)
CONTEXT = Context(
    history=[
        Utterance(8, "Bob", "hi <@3>", by_bot=False, author_id=7, names={"@3": "Ada"}),
        Utterance(9, "Echo", "yes", by_bot=True),
    ],
    persona="a pirate", topic="ships", bot_name="Echo", now=1_700_000_000_000_000, key="2.1.0", so_far="Well,",
)  # fmt: skip


@pytest.fixture
async def answerer() -> AsyncIterator[Answerer]:
    """Serve an answerer."""
    async with answering() as served:
        yield served


async def asked(responder: HttpResponder, question: Question = QUESTION, context: Context = CONTEXT) -> Answer | None:
    """Return the answer of a responder that is closed then."""
    try:
        return await ask(responder, question, context)
    finally:
        await responder.close()


async def failure(responder: HttpResponder) -> ModelFailed:
    """Return how a responder fails that is closed then."""
    with pytest.raises(ModelFailed) as failed:
        await asked(responder)
    return failed.value


async def test_a_question_is_posted_with_all_that_belongs_to_it(answerer: Answerer) -> None:
    """Names stand where Discord has marks, ids are texts, and nothing compressed is asked for."""
    answer = await asked(answerer.responder())

    (posted,) = answerer.posted
    assert answer == Answer("hello", finish="stop", messages=("hello",))
    assert posted.json == {
        "version": 1,
        "type": "question",
        "key": "2.1.0",
        "generation": 1,
        "rehearsal": False,
        "now": "2023-11-14T22:13:20.000000+00:00",
        "bot": "Echo",
        "persona": "a pirate",
        "channel": {"id": "1", "topic": "ships", "thread": ""},
        "question": {
            "id": "2",
            "author": {"id": "3", "name": "Ada"},
            "text": "is @Bob here?",
            "raw": "is <@7> here?",
            "shown": "",
            "reply_to": "9",
            "files": [{"id": "5", "name": "cat.png", "type": "image/png", "bytes": 70}],
        },
        "so_far": "Well,",
        "summary": "",
        "quoted": [],
        "history": [
            {"id": "8", "author": {"id": "7", "name": "Bob"}, "by_bot": False, "text": "hi @Ada", "reply_to": None},
            {"id": "9", "author": {"id": None, "name": "Echo"}, "by_bot": True, "text": "yes", "reply_to": None},
        ],
    }
    assert posted.headers["idempotency-key"] == '"2.1.0"'
    assert (posted.headers["x-team"], posted.headers["accept-encoding"]) == ("chat", "identity")


async def test_a_long_history_is_cut_to_what_fits(answerer: Answerer) -> None:
    """The oldest go first, and their number is told."""
    turns = [Utterance(number, "Bob", "\N{SNOWMAN}" * 100, by_bot=False) for number in range(20)]
    context = Context(history=turns, key="2.1.0")

    answer = await asked(answerer.responder(request_bytes=4000), context=context)

    (posted,) = answerer.posted
    kept = [turn["id"] for turn in posted.json["history"]]
    assert answer is not None
    assert kept == [str(number) for number in range(answer.cut, 20)]
    size = int(posted.headers["content-length"])
    assert 0 < len(kept)
    assert 4000 - 400 < size <= 4000


async def test_rasa_is_posted_what_its_channel_takes(answerer: Answerer) -> None:
    """A sender for each person in each channel, unsigned if there is no secret; buttons become text."""
    answerer.signed = False
    answerer.script = saying([{"text": "which?", "buttons": [{"title": "one"}]}, {"image": "http://x/cat.png"}])

    answer = await asked(answerer.responder(format="rasa"))

    (posted,) = answerer.posted
    assert answer is not None
    assert answer.messages == ("which?\n- one", "http://x/cat.png")
    assert (posted.json["sender"], posted.json["message"]) == ("1-3", "is @Bob here?")
    assert posted.json["metadata"]["key"] == posted.key == "2.1.0"
    assert "webhook-signature" not in posted.headers


@pytest.mark.parametrize(
    "script",
    [
        streaming(b'{"text": "one "}\n', b'{"te', b'xt": "word"}\n{"next": true, "text": "two"}\n{"done": true}\n'),
        streaming(
            b': hi\n\ndata: {"text": "one "}\n\n', b'data: {"text": "word"}\r\n\r\ndata: {"next": true, "text":',
            b' "two"}\n\nevent: end\ndata: {"done": true}\n\nxxx', kind="text/event-stream; charset=utf-8",
        ),
    ],
    ids=["lines", "events"],
)  # fmt: skip
async def test_a_stream_is_shown_as_it_comes(answerer: Answerer, script: Script) -> None:
    """Both forms, several messages."""
    answerer.script = script
    shown: list[object] = []
    responder = answerer.responder()

    answer = await ask(responder, QUESTION, CONTEXT, shown.append)
    await responder.close()

    assert answer is not None
    assert (answer.messages, answer.finish) == (("one word", "two"), "stop")
    assert "".join(map(str, shown)) == answer.text == "one word\n\ntwo"


async def nothing(_request: web.Request, _asked: object) -> web.StreamResponse:
    """Answer with no content."""
    return web.Response(status=204)


@pytest.mark.parametrize("script", [nothing, saying({"text": None}), streaming(b'{"done": true}\n')])
async def test_an_answerer_may_have_no_answer(answerer: Answerer, script: Script) -> None:
    """In each form."""
    answerer.script = script

    assert await asked(answerer.responder()) is None


async def stalling(request: web.Request, _asked: object) -> web.StreamResponse:
    """Say something, and then nothing for ever."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    await response.write(b'{"text": "Well"}\n')
    await asyncio.Event().wait()
    raise AssertionError


async def test_what_came_in_time_is_the_answer(answerer: Answerer, clock: Clock) -> None:
    """At the end of the whole time."""
    answerer.script = stalling
    responder = answerer.responder(total="1m", between="2m")

    answer = await ask(responder, QUESTION, CONTEXT, lambda _piece: clock.go_on(90))
    await responder.close()

    assert answer is not None
    assert (answer.text, answer.finish) == ("Well", "time")


@pytest.mark.parametrize(("begun", "cut"), [(True, True), (False, False)])
async def test_one_that_is_silent_counts_as_away(answerer: Answerer, clock: Clock, *, begun: bool, cut: bool) -> None:
    """In the middle of an answer, or before it."""
    responder, loop = answerer.responder(begin="20s", between="20s"), asyncio.get_running_loop()

    def passing() -> None:
        loop.call_soon(clock.go_on, 50)

    async def silent(request: web.Request, asked: object) -> web.StreamResponse:
        clock.go_on(0 if begun else 50)
        return await stalling(request, asked) if begun else await asyncio.Event().wait()  # type: ignore[return-value]

    answerer.script = silent
    with pytest.raises(ModelFailed) as failed:
        # Time passes once it waits for the next piece.
        await ask(responder, QUESTION, CONTEXT, lambda _piece: passing())
    await responder.close()

    assert failed.value.reason == "http: the answerer is silent for 20 s"
    assert (failed.value.waits, failed.value.cut) == (True, cut)


async def test_an_answer_is_ended_where_nobody_wants_the_rest(answerer: Answerer) -> None:
    """And one that is too long."""
    answerer.script = streaming(b'{"text": "a"}\n' * 3)
    stopped = await asked(answerer.responder(), context=Context(key="2.1.0", stopped=lambda: True))
    answerer.script = saying({"text": "a" * 40_001})
    long = await asked(answerer.responder())
    answerer.script = saying({"text": "a", "more": True})
    more = await asked(answerer.responder())

    assert [each and (len(each.text), each.finish) for each in (stopped, long, more)] == [
        (1, "stopped"), (40_000, "length"), (1, "length"),
    ]  # fmt: skip


async def elsewhere(_request: web.Request, _asked: object) -> web.StreamResponse:
    """Say that it is somewhere else."""
    return web.Response(status=308, headers={"Location": "/elsewhere"})


async def squeezed(_request: web.Request, _asked: object) -> web.StreamResponse:
    """Compress what nobody asked to be compressed."""
    return web.Response(body=b"SECRET", headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


async def page(_request: web.Request, _asked: object) -> web.StreamResponse:
    """Show a page for people."""
    return web.Response(text="<html>SECRET</html>", content_type="text/html")


UNREADABLE = "the answerer's answer can't be read: "
CUT = "the answerer's answer was cut off (ClientPayloadError)"
LATER = (408, 409, 425, 429, 500, 503)
FAILURES: list[tuple[Script, Trouble, str]] = [
    *((saying("SECRET", status), Trouble.AWAY, f"the answerer answers {status}") for status in LATER),
    (saying("SECRET", 401), Trouble.KEY, "the answerer answers 401: check the secret and the headers of"),
    (saying("SECRET", 404), Trouble.UNKNOWN, "the answerer answers 404: check the url of [responders.http]"),
    (saying("SECRET", 410), Trouble.UNKNOWN, "the answerer answers 410: check the url of [responders.http]"),
    (elsewhere, Trouble.UNKNOWN, "the answerer answers 308, and redirects are not followed: set the"),
    (saying("SECRET", 413), Trouble.TOO_LONG, "the answerer answers 413: lower request_bytes of"),
    (saying("SECRET", 422), Trouble.REFUSED, "the answerer answers 422: it refuses the question, and"),
    (dropping, Trouble.AWAY, "the answerer can't be reached (ServerDisconnectedError)"),
    (streaming(b'{"text": "SECRET"}\n'), Trouble.AWAY, CUT),
    (streaming(b'{"text": "SECRET"}\n', ends=False), Trouble.AWAY, CUT),
    (streaming(b"SECRET\n"), Trouble.UNREADABLE, f"{UNREADABLE}it is no JSON: docs/howto/http-an"),
    (streaming(b"x" * 2**20, b"y"), Trouble.UNREADABLE, f"{UNREADABLE}a line of its stream has more"),
    (saying({"answer": "SECRET"}), Trouble.UNREADABLE, f"{UNREADABLE}it has neither"),
    (squeezed, Trouble.UNREADABLE, f"{UNREADABLE}it is compressed, which was not asked for"),
    (page, Trouble.UNREADABLE, f"{UNREADABLE}its Content-Type is none of application/json, text/ev"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "trouble", "said"), FAILURES)
async def test_a_failure_says_whether_to_wait_and_what_to_do(
    answerer: Answerer, script: Script, trouble: Trouble, said: str
) -> None:
    """Nothing that the answerer said, and neither the address nor its password, is told to anybody."""
    answerer.script = script
    responder = answerer.responder()

    with structlog.testing.capture_logs() as logged:
        failed = await failure(responder)

    assert failed.trouble is trouble
    assert failed.reason.startswith(f"http: {said}")
    everything = f"{failed.reason}{failed.args}{logged}{vars(responder)!r}{failed.__cause__!r}"
    assert [] == [word for word in ("SECRET", "pass-word", "/ask", str(answerer.port)) if word in everything]
    assert len(answerer.posted) == 1


async def test_an_endless_answer_is_broken_off(answerer: Answerer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it fills the memory."""
    monkeypatch.setattr(call, "LONGEST_ANSWER", 1000)
    answerer.script = saying({"text": "x" * 1000})

    failed = await failure(answerer.responder())

    assert (failed.trouble, "more than 1000 bytes" in failed.reason) == (Trouble.UNREADABLE, True)


async def test_one_that_is_away_is_not_asked_for_a_while(answerer: Answerer) -> None:
    """As long as it says, at least; then one question asks for all, and it is told once."""
    answerer.script = saying({}, 429, **{"Retry-After": "40"})
    responder = answerer.responder()

    with structlog.testing.capture_logs() as logged:
        with pytest.raises(ModelFailed) as first:
            await ask(responder, QUESTION, CONTEXT)
        with pytest.raises(ModelFailed) as second:
            await ask(responder, QUESTION, CONTEXT)
    absence, (condition,) = responder.absence(), responder.condition()
    await responder.close()

    assert len(answerer.posted) == 1
    assert absence is not None
    for seconds in (first.value.retry_after, second.value.retry_after, absence.seconds):
        assert seconds is not None
        assert 30 < seconds <= 50
    assert absence.reason == "http: the answerer answers 429"
    assert (condition.name, condition.trouble, condition.tries) == ("http", "the answerer answers 429", 1)
    assert [line["event"] for line in logged] == ["model.away"]


async def test_a_question_at_which_it_fails_is_told_from_an_outage(answerer: Answerer) -> None:
    """By how many others it has answered meanwhile; a whole answer also makes pauses short again."""
    responder = answerer.responder()
    found = []
    for script in (saying({}, 500), saying({"text": "hi"}), saying({}, 500)):
        answerer.script = script
        responder._breaker._due = 0.0
        try:
            await ask(responder, QUESTION, CONTEXT)
        except ModelFailed as failed:
            found.append((failed.others, responder.condition()[0].tries))
    await responder.close()

    assert found == [(1, 1), (2, 1)]


async def test_a_whole_answer_is_not_shown_in_pieces(answerer: Answerer) -> None:
    """Its messages would be one at first; and what can't be read to its end is not shown at all."""
    shown: list[object] = []
    responder = answerer.responder()
    answerer.script = saying({"messages": ["one", "two"]})
    await ask(responder, QUESTION, CONTEXT, shown.append)
    answerer.script = saying({"messages": ["one", 2]})
    with pytest.raises(ModelFailed):
        await ask(responder, QUESTION, CONTEXT, shown.append)
    await responder.close()

    assert shown == []


async def test_one_that_is_not_there_says_so() -> None:
    """A refused connection is no fault of the question."""
    async with answering() as gone:
        responder = gone.responder()

    failed = await failure(responder)

    assert failed.reason == "http: the answerer can't be reached (ClientConnectorError)"
    assert (failed.waits, failed.others) == (True, 0)


async def test_a_check_asks_no_question(answerer: Answerer) -> None:
    """Its type says so."""
    responder = answerer.responder()

    assert await responder.check() is None
    await responder.close()

    assert [posted.json for posted in answerer.posted] == [json.loads('{"version":1,"type":"check"}')]


@pytest.mark.parametrize(
    ("question", "claimed"),
    [
        (QUESTION._replace(text="", files=()), False),
        (QUESTION._replace(text=" ", files=()), False),
        (QUESTION._replace(text=""), True),
        (QUESTION._replace(text="", files=(), shown="a poll"), True),
        (QUESTION._replace(files=()), True),
    ],
)
async def test_it_answers_whatever_shows_something(answerer: Answerer, question: Question, claimed: bool) -> None:  # noqa: FBT001 - a table
    """If only a file."""
    assert answerer.responder().claims(question) is claimed
