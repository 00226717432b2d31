"""The list and a conversation, as the handlers answer: over a real server and a real log."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from bot.moderation import overview
from bot.page.markdown import markdown
from bot.page.sessions import Viewer
from tests.page.conftest import (
    ANOTHER,
    ASKED,
    CHATTER,
    ELSEWHERE,
    FIRST,
    FORMATTED,
    GENERAL,
    LONG,
    PRIVATE,
    QUIET,
    REPLY,
    UNKNOWN,
    WAITING,
    Answered,
    Served,
    serving,
)  # fmt: skip

pytestmark = pytest.mark.asyncio(loop_scope="module")


def listed(answered: Answered) -> list[str]:
    """Return the conversations of a list, in order."""
    return re.findall(r'href="/page/channel/(\d+)"', answered.text)


def versions(answered: Answered) -> tuple[int, int]:
    """Return the version that is shown, and the newest."""
    found = re.search(r"Version ([\d,]+) of ([\d,]+)", answered.words)
    assert found, answered.words
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


async def test_the_list_has_every_conversation_with_what_waits_and_what_is_wrong(served: Served) -> None:
    """The newest activity first; a private one has the name of the person."""
    answered = await (await served.signed_in()).get("/")

    assert listed(answered) == list(map(str, (ELSEWHERE, PRIVATE, QUIET, GENERAL)))
    assert "alice direct message Direct messages 1 0 1 2023-11-14 22:13Z" in answered.words
    assert "222 channel Server 5 2 0 3 2023-11-14 22:13Z its history may not be read" in answered.words
    assert "general channel Server 5 5 3" in answered.words
    assert "1 a reply waits after 3 failed attempts" in answered.words


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        pytest.param("gener", [GENERAL], id="a part of a name"),
        pytest.param("ALICE", [PRIVATE], id="a person"),
        pytest.param("server 5 22", [QUIET], id="words, each anywhere"),
        pytest.param("333", [ELSEWHERE], id="an id"),
        pytest.param("coffee", [], id="what people wrote is not looked through"),
    ],
)
async def test_conversations_are_found_by_typing(served: Served, typed: str, found: list[int]) -> None:
    """The words come in a form, so they stand in no address; a script gets the rows alone."""
    browser = await served.signed_in()

    page, rows = await browser.post("/", words=typed), await browser.post("/", words=typed, rows="1")

    assert listed(page) == listed(rows) == list(map(str, found))
    assert "<html" in page.text
    assert "<html" not in rows.text


async def test_a_conversation_is_counted_once_snapshots_are_near(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it was not is not kept."""
    async with serving(folder) as served:
        monkeypatch.setattr(overview, "NEAR", -1)
        browser = await served.signed_in()
        first = await browser.get("/")
        monkeypatch.undo()
        later = await browser.get("/")

    assert "not counted" in first.text
    assert "not counted" not in later.text


async def test_one_server_is_chosen_by_its_link(served: Served) -> None:
    """Direct messages have one, too."""
    browser = await served.signed_in()

    assert listed(await browser.get(f"/?server={ANOTHER}")) == [str(ELSEWHERE)]
    assert listed(await browser.get("/?server=0")) == [str(PRIVATE)]


async def test_a_conversation_now(served: Served) -> None:
    """Edits with what was there before, deletions, reactions, answers, what waits, the persona; all of it escaped."""
    answered = await (await served.signed_in()).get(f"/channel/{GENERAL}")
    words = answered.words

    assert versions(answered)[0] == versions(answered)[1]
    assert "second wording &lt;script&gt;alert(1)&lt;/script&gt; &amp; \\u202e" in words
    assert "<script>alert" not in answered.text
    assert "1 earlier wording 2023-11-14 22:13:20.000Z first wording" in words
    assert "deleted in the window" not in words
    assert "to be gone" not in words
    assert "[words erased]" in words
    assert "👍 1" in words
    assert "in reply to alice: !coffee" in words
    assert "first part" in words
    assert "second part" in words
    assert "rules, coffee" in words
    assert "Persona You speak like a pirate." in words
    assert f"{WAITING} asked by 41 at" in words
    assert "3 failed attempts" in words


async def test_words_are_shown_with_their_markdown(served: Served) -> None:
    """Of a person and of the bot, without spoilers where it is replied to; elsewhere it is as it was written."""
    answered = await (await served.signed_in()).get(f"/channel/{QUIET}")

    assert f'<div class="words">{markdown(FORMATTED)}</div>' in answered.text
    assert "<strong>bold</strong>" in answered.text
    assert "alice: **bold** ||nobody knows||" in answered.words
    assert "in reply to alice: bold … @someone, a page: code quoted Heading one x &lt; 1" in answered.words


async def test_a_conversation_as_it_was(served: Served) -> None:
    """At version 3 the answer was asked for, the other message had its first wording, and nothing was sent."""
    browser = await served.signed_in()
    answered = await browser.get(f"/channel/{GENERAL}?at=3")

    assert versions(answered)[0] == 3
    assert "first wording" in answered.words
    assert "second wording" not in answered.words
    assert "Two spoons" not in answered.words
    assert f"{ASKED} asked by 41" in answered.words

    written = await browser.get(f"/channel/{GENERAL}?at=4")
    assert "not sent yet" in written.words
    assert "Two spoons a cup." in written.words

    before = await browser.get(f"/channel/{GENERAL}?at=0")
    assert "before the first event" in before.words


@pytest.mark.parametrize(
    ("at", "version"),
    [
        pytest.param("2", 2, id="a version"),
        pytest.param(str(CHATTER), 3, id="a message"),
        pytest.param(str(REPLY), 5, id="a message of the bot"),
        pytest.param("2023-11-14T22:13:22Z", 3, id="a time"),
        pytest.param("2020-01-01", 0, id="a time before all"),
    ],
)
async def test_a_moment_has_an_address(served: Served, at: str, version: int) -> None:
    """A version, a message, a time: what `/replay` takes."""
    assert versions(await (await served.signed_in()).get(f"/channel/{GENERAL}/moment?at={at}"))[0] == version


@pytest.mark.parametrize("at", ["9999", "nonsense", "1300000000000000777"])
async def test_a_moment_that_is_none_is_refused_with_a_sentence(served: Served, at: str) -> None:
    """The sentence is that of the command."""
    answered = await (await served.signed_in()).get(f"/channel/{GENERAL}?at={at}")

    assert answered.status == 404
    assert any(part in answered.words for part in ("there is no version", "That is no point", "never recorded"))


async def test_the_change_between_two_points(served: Served) -> None:
    """What came, what was edited, what is gone; whichever is named first."""
    browser = await served.signed_in()

    for query in ("from=3&at=9", "from=9&at=3"):
        answered = await browser.get(f"/channel/{GENERAL}/moment?{query}")
        assert "Change from version 3 to 9" in answered.words
        assert f"+ {REPLY} bot Two spoons a cup." in answered.words
        assert f"outbox - reply to {ASKED}" in answered.words
    forward = await browser.get(f"/channel/{GENERAL}/moment?from=3&at=9")
    kinds = dict(re.findall(r'<li id="m(\d+)" class="[^"]* (came|edited|gone)"', forward.text))
    assert kinds[str(CHATTER)] == "edited"
    assert kinds[str(REPLY)] == "came"


async def test_older_messages_come_by_windows_as_they_are_now(served: Served) -> None:
    """120 messages in windows of 30; what was edited since then is."""
    browser, path, seen, words = await served.signed_in(), f"/channel/{ELSEWHERE}", list[str](), ""
    while path:
        answered = await browser.get(path)
        words = answered.words + words
        seen = [*re.findall(r'<li id="m(\d+)"', answered.text), *seen]
        link = re.search(r'class="older"><a href="/page([^"]+)"', answered.text)
        path = link[1].replace("&amp;", "&").replace(f"{ELSEWHERE}?", f"{ELSEWHERE}/older?") if link else ""

    assert seen == [str(FIRST + 30), *(str(FIRST + 50 + number) for number in range(120))]
    assert "number zero" in words


async def test_numbers_are_those_of_stats_for_what_the_viewer_may_see(served: Served) -> None:
    """By channel, and as a picture; of other channels nothing is counted."""

    async def general(channels: Collection[int]) -> Collection[int]:
        return {GENERAL} & set(channels)

    owner, moderator = await served.signed_in(), await served.signed_in(Viewer("user 7", general))
    everything, own = [await each.get("/numbers?since=2023-11-01") for each in (owner, moderator)]
    picture = await moderator.get("/numbers/0.svg?since=2023-11-01")

    assert "129 messages, 2 people, 2 replies" in everything.words
    assert f"{ELSEWHERE} 121 1 0" in everything.words
    assert "5 messages, 2 people, 2 replies" in own.words
    assert str(ELSEWHERE) not in own.text
    assert (picture.headers["Content-Type"], picture.text[:4]) == ("image/svg+xml; charset=utf-8", "<svg")
    assert (await moderator.get("/numbers/1.svg")).status == 404


async def test_numbers_of_models_and_of_the_process(served: Served) -> None:
    """Tokens and money by day, channel, person and model; log, sessions and consumers for the owner alone."""

    async def elsewhere(channels: Collection[int]) -> Collection[int]:
        return {ELSEWHERE} & set(channels)

    owner, moderator = await served.signed_in(), await served.signed_in(Viewer("user 7", elsewhere))
    everything, own = [(await each.get("/numbers?since=2023-11-01")).words for each in (owner, moderator)]

    assert "1 reply, 1,230 tokens, $0.0045" in everything
    for row in ("2023-11-14Z", "general", "alice", "test:model"):
        assert f"{row} 1 0 0 1,230 $0.0045" in everything
    assert "gateway sessions: 1 new one, 0 resumed, 1 break" in everything
    assert "log: " in everything
    assert f"{ELSEWHERE} 1 3 2023-11-14" in everything
    assert f"{ELSEWHERE} 1 3 2023-11-14" in own
    assert not [word for word in ("1,230", "general", "alice", "gateway", "log: ", "Log and process") if word in own]


async def test_the_prompt_of_a_model_is_shown_to_who_may_read_words(served: Served) -> None:
    """The instructions, then what people and the bot said; what may have been different then."""
    browser = await served.signed_in()

    by_model, by_rule = [await browser.get(f"/channel/{GENERAL}/why/{each}") for each in (LONG, ASKED)]

    assert "Instructions" in by_model.words
    assert "second wording" in by_model.words.partition("Prompt")[2]
    assert "!tea" in by_model.words.partition("Prompt")[2]
    assert "The settings are others than at that time" in by_model.words
    assert "<script>alert" not in by_model.text
    assert "Instructions" not in by_rule.words


async def test_why_is_what_the_command_tells_with_the_events_as_bars(served: Served) -> None:
    """Of the question, and of the answer that it got."""
    browser = await served.signed_in()

    pages = [await browser.get(f"/channel/{GENERAL}/why/{each}") for each in (ASKED, REPLY, WAITING)]
    asked, answered, waiting = pages

    assert asked.text == answered.text
    assert "Why: answered in 1 part" in asked.words
    assert "answer: by rules, rule coffee" in asked.words
    assert "reactions: 1 up" in asked.words
    assert "message.received" in asked.words
    bars = re.findall(r'class="bar" x="([0-9.]+)%" width="([0-9.]+)%"', asked.text)
    assert bars == [("0.00", "0.60"), ("0.00", "0.60"), ("0.00", "66.67"), ("66.67", "33.33")]
    assert asked.words.count("message_id=") == 1
    assert "failed attempts: 1, the last one: no connection" in waiting.words
    assert "retry_at=2023-11-14T22:14:59" in waiting.words
    assert (await browser.get(f"/channel/{GENERAL}/why/9")).status == 404
    assert (await browser.get(f"/channel/{ELSEWHERE}/why/{ASKED}")).status == 404


async def test_why_of_a_message_that_is_known_by_a_reaction_alone(served: Served) -> None:
    """Its events are shown all the same; of a number that is no id nothing is recorded."""
    browser = await served.signed_in()

    known, none = [await browser.get(f"/channel/{ELSEWHERE}/why/{each}") for each in (UNKNOWN, 2**63)]

    assert (known.status, "reaction.added" in known.words, none.status) == (200, True, 404)


async def test_a_log_without_its_key_shows_all_but_words(folder: Path, tmp_path: Path) -> None:
    """And says so."""
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "events.db").write_bytes((folder / "events.db").read_bytes())
    async with serving(tmp_path / "log") as served:
        answered = await (await served.signed_in()).get(f"/channel/{GENERAL}")

    assert "[no words without the log&#39;s key]" in answered.words
    assert "coffee" not in answered.words.replace("rules, coffee", "")
