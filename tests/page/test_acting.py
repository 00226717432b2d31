"""What can be done from the page: over a log that is written, and not over one that is at rest."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest

from bot.app.bot import reading_context
from bot.app.responders import rules_of
from bot.config import Config
from bot.config.model import LogSettings
from bot.conversations import Conversations
from bot.core import events as e
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.query import Query
from bot.gateway.commands.command_answers import AT_WORK
from bot.moderation.context import WritableLog
from bot.page.acting import ACTIONS, AT_REST, LOOK_ONLY, MOVED_ON
from bot.page.serving import serve
from bot.page.sessions import Viewer, everything
from bot.page.site import Site
from bot.responders import Chain
from tests.page.conftest import ASKED, ELSEWHERE, FIRST, GENERAL, WAITING, Answered, Browser, Served, said

E = TypeVar("E", bound=e.Event)
ACT = f"/channel/{GENERAL}/act"
WRONG: list[tuple[str, dict[str, str], str]] = [
    ("rewind", {}, "takes one thing more"),
    ("rewind", {"to": "yesterday evening"}, "no point in time"),
    ("rewind", {"to": "99999"}, "there is no version 99999 yet"),
    ("drop", {}, "takes one thing more"),
    ("drop", {"message": "<b>"}, "That is no message"),
    ("drop", {"message": str(FIRST + 30)}, "has no unfinished reply"),
    ("again", {"message": str(FIRST + 30)}, str(FIRST + 30)),
    ("retry", {"message": str(FIRST + 30)}, str(FIRST + 30)),
    ("rehearse", {"message": str(FIRST + 30)}, str(FIRST + 30)),
    ("undo", {}, "no rewind or reset to take back"),
    ("rehearse", {"last": "11"}, "no number from 1 to 10"),
    ("rehearse", {"last": "²"}, "no number from 1 to 10"),
    ("rehearse", {}, "Say which messages"),
]
"""What can't be done, and what is said of it."""
RULES = [{"match": "!coffee", "reply": "Three spoons <b>a cup</b>."}]


@dataclass
class Person:
    """A moderator who may use some commands, and what was noted of them."""

    by: str = "77"
    allowed: frozenset[str] = frozenset(ACTIONS)
    noted: list[tuple[str, str, str]] = field(default_factory=list)

    async def refusal(self, command: str, _channel_id: int, *, anew: bool = True) -> str | None:
        """Refuse what is not allowed."""
        del anew
        return None if command in self.allowed else "You may not use this command."

    async def note(self, command: str, options: str, _channel_id: int, outcome: str) -> None:
        """Keep it."""
        self.noted.append((command, options, outcome))


async def sees_general(channels: Collection[int]) -> Collection[int]:
    """Return the one channel that a person sees."""
    return {GENERAL} & set(channels)


@dataclass
class Running:
    """The page over a log that this process writes."""

    served: Served
    log: EventLog
    conversations: Conversations

    async def events(self, kind: type[E]) -> list[E]:
        """Return the events of one kind in the channel."""
        found = self.log.reader.events(Query(stream=stream_of(GENERAL)))
        return [each.event async for each in found if isinstance(each.event, kind)]

    async def head(self) -> int:
        """Return the newest version of the channel."""
        return await self.log.reader.head(stream_of(GENERAL))

    async def person(self, **more: object) -> tuple[Person, Browser]:
        """Return a moderator and their browser."""
        person = Person(**more)  # type: ignore[arg-type]
        return person, await self.served.signed_in(Viewer("user 77", sees_general, person))


@pytest.fixture
async def running(folder: Path, tmp_path: Path) -> AsyncIterator[Running]:
    """Return the page over a copy of the log, with its writing side."""
    config = Config.model_validate(
        {"log": LogSettings(path=Path(shutil.copytree(folder, tmp_path / "log"))), "rules": RULES}
    )
    log = await open_log(Location(config.log.path), clock=lambda: 2 * 10**15, full=False)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(log.close)
        conversations = Conversations(log)
        stack.push_async_callback(conversations.close)
        context = reading_context(config, log.aside, Chain((rules_of(config),)))
        site = Site(lambda: (replace(context, owner=WritableLog(log, conversations)),))
        base = await stack.enter_async_context(serve(site, "127.0.0.1", 0))
        yield Running(Served(site, base, stack), log, conversations)


async def post(browser: Browser, command: str, fields: dict[str, str], channel_id: int = GENERAL) -> Answered:
    """Send the form of a command, with the page's own token."""
    path = f"/channel/{channel_id}/act/{command}"
    return await browser.ask("POST", path, {"Origin": browser.base}, {"csrf": browser.csrf, **fields})


def confirming(answered: Answered) -> dict[str, str]:
    """Return the fields of the form that confirms a preview."""
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answered.text))
    return {name: hidden[name] for name in ("to", "proof")}


async def test_a_rewind_is_previewed_confirmed_and_taken_back(running: Running) -> None:
    """The events name the person; each step is noted as in Discord; nothing is done before the confirmation."""
    person, browser = await running.person()
    before = await running.head()

    preview = await browser.post(f"{ACT}/rewind", to="3")
    assert preview.status == 200
    assert "turns leave the window" in preview.words
    assert await running.head() == before
    cancelled = await post(browser, "rewind", {"press": "cancel", **confirming(preview)})
    assert "Nothing was changed." in cancelled.words
    assert await running.head() == before
    done = await post(browser, "rewind", {"press": "confirm", "part": "1", **confirming(preview)})
    assert "is rewound to version 3" in done.words
    assert "<html" not in done.text
    assert f"{ACT}/undo" in (await browser.get(f"/channel/{GENERAL}")).text
    undone = await browser.post(f"{ACT}/undo")
    assert "Undone" in undone.words
    assert f"{ACT}/undo" not in (await browser.get(f"/channel/{GENERAL}")).text

    assert [each.by for each in await running.events(e.ConversationRewound)] == ["77", "77"]
    assert person.noted == [
        ("rewind preview", "to:3", "done"),
        ("rewind cancel", "to:3", "done"),
        ("rewind", "to:3", "done"),
        ("undo", "", "done"),
    ]


async def test_what_was_not_previewed_so_is_not_done(running: Running) -> None:
    """A message came since, the preview was another session's, there was none: the present preview comes instead."""
    person, browser = await running.person()
    _, other = await running.person()
    mine, theirs = [confirming(await each.post(f"{ACT}/rewind", to="3")) for each in (browser, other)]
    await running.conversations.handle(GENERAL, said(FIRST + 900, "one more"))
    before = await running.head()

    tried = (mine, theirs, {"to": "3"}, {"to": "3", "proof": "é"})
    refused = [await post(browser, "rewind", {"press": "confirm", **fields}) for fields in tried]
    assert [(each.status, MOVED_ON in each.words) for each in refused] == [(409, True)] * len(tried)
    assert person.noted[1:] == [("rewind", "to:3", "failed")] * len(tried)
    assert await running.head() == before

    assert (await post(browser, "rewind", {"press": "confirm", **confirming(refused[0])})).status == 200
    assert await running.head() > before


async def test_replies_are_dropped_retried_and_composed_anew(running: Running) -> None:
    """By the buttons at their messages; the newest event of each names the person."""
    _, browser = await running.person()
    page = await browser.get(f"/channel/{GENERAL}")
    assert re.search(rf'formaction="/page{ACT}/drop" name="message" value="{WAITING}"', page.text)
    assert re.search(rf'formaction="/page{ACT}/again" name="message" value="{ASKED}"', page.text)

    dropped = await browser.post(f"{ACT}/drop", message=str(WAITING))
    assert f"The reply to message {WAITING} is given up" in dropped.words
    assert re.search(rf'act/retry" name="message" value="{WAITING}"', (await browser.get(f"/channel/{GENERAL}")).text)
    for command, message_id in (("retry", WAITING), ("again", ASKED)):
        assert (await browser.post(f"{ACT}/{command}", message=str(message_id))).status == 200

    assert [each.detail for each in await running.events(e.ReplyAbandoned)] == ["77"]
    assert [each.by for each in await running.events(e.ReplyRetried)] == ["77", "77"]
    assert "0 replies are asked for again in channel 111" in (await browser.post(f"{ACT}/retry", message="all")).words


async def test_answers_are_paused_and_resumed(running: Running) -> None:
    """One of both is offered; the other says that it is so already."""
    _, browser = await running.person()
    for command, other in (("pause", "resume"), ("resume", "pause")):
        page = (await browser.get(f"/channel/{GENERAL}")).text
        assert f"{ACT}/{command}" in page
        assert f"{ACT}/{other}" not in page
        assert (await browser.post(f"{ACT}/{other}")).status == 409
        assert (await browser.post(f"{ACT}/{command}")).status == 200


async def test_a_rehearsal_stands_beside_what_was_said(running: Running) -> None:
    """Escaped, and nothing is recorded or sent."""
    _, browser = await running.person()
    before = await running.head()

    rehearsed = await browser.post(f"{ACT}/rehearse", message=str(ASKED))

    assert "Was said Two spoons a cup." in rehearsed.words
    assert "Would say Three spoons &lt;b&gt;a cup&lt;/b&gt;." in rehearsed.words
    assert await running.head() == before


async def test_what_cannot_be_done_says_why(running: Running) -> None:
    """Also for a message of another channel; it is noted, and nothing changes."""
    person, browser = await running.person()
    before = await running.head()

    for command, fields, told in WRONG:
        answered = await post(browser, command, fields)
        assert (answered.status, told in answered.words) == (409, True), (command, fields)

    assert await running.head() == before
    assert [outcome for *_, outcome in person.noted] == ["failed"] * len(WRONG)


async def test_every_action_is_refused_to_who_may_not(running: Running) -> None:
    """Unseen channel, no token, another page, GET, no permission: what is theirs is noted."""
    nobody = await running.served.browser()
    person, browser = await running.person(allowed=frozenset())
    looker = await running.served.signed_in(Viewer("user 8", everything))
    before = await running.head(), await running.log.reader.head(stream_of(ELSEWHERE))
    page = await browser.get(f"/channel/{GENERAL}")
    assert "/act/" not in page.text
    assert "/act/" not in (await looker.get(f"/channel/{GENERAL}")).text
    unknown = await browser.get("/channel/9")

    for command in ACTIONS:
        fields, origin = {"to": "3", "message": str(WAITING)}, {"Origin": browser.base}
        foreign = {"csrf": browser.csrf, **fields}
        assert (await post(nobody, command, fields)).status == 401
        assert (await browser.ask("POST", f"{ACT}/{command}", origin, fields)).status == 403
        assert (await browser.ask("POST", f"{ACT}/{command}", origin, {"csrf": looker.csrf, **fields})).status == 403
        assert (
            await browser.ask("POST", f"{ACT}/{command}", {"Origin": "https://evil.example"}, foreign)
        ).status == 403
        assert (await browser.get(f"{ACT}/{command}?csrf={browser.csrf}&to=3")).status == 405
        looked = await post(looker, command, fields)
        assert (looked.status, LOOK_ONLY in looked.words) == (403, True)
        assert person.noted == []
        hidden = await post(browser, command, fields, ELSEWHERE)
        assert (hidden.status, hidden.text) == (404, unknown.text)
        refused = await post(browser, command, fields)
        assert (refused.status, "You may not use this command." in refused.words) == (403, True)
        assert [(noted.split()[0], outcome) for noted, _, outcome in person.noted] == [(command, "refused")] * 2
        person.noted.clear()

    assert before == (await running.head(), await running.log.reader.head(stream_of(ELSEWHERE)))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_log_at_rest_is_only_read(served: Served) -> None:
    """By its owner, too; nothing is offered."""
    browser = await served.signed_in()
    assert "/act/" not in (await browser.get(f"/channel/{GENERAL}")).text
    for command in ACTIONS:
        answered = await browser.post(f"{ACT}/{command}", to="3", message=str(WAITING))
        assert (answered.status, AT_REST in answered.words) == (403, True)


async def test_the_owner_acts_as_the_terminal_does(running: Running) -> None:
    """Under its name in the log."""
    browser = await running.served.signed_in()

    assert (await browser.post(f"{ACT}/pause")).status == 200

    assert [each.by for each in await running.events(e.RepliesPaused)] == ["command line"]


async def test_a_session_is_served_one_use_at_a_time(running: Running) -> None:
    """Who presses twice does it once."""
    answers: list[Answered] = []

    class Slow(Person):
        async def refusal(self, command: str, channel_id: int, *, anew: bool = True) -> str | None:
            if anew and not answers:
                answers.append(await browser.post(f"{ACT}/undo"))
            return await super().refusal(command, channel_id, anew=anew)

    browser = await running.served.signed_in(Viewer("user 77", sees_general, Slow()))
    await browser.post(f"{ACT}/pause")

    assert [(each.status, AT_WORK in each.words) for each in answers] == [(409, True)]


async def test_a_use_is_answered_though_it_cannot_be_noted(running: Running) -> None:
    """What was done is done; an error that nobody expects says nothing of words."""

    class Broken(Person):
        async def note(self, *_args: object) -> None:
            raise RuntimeError("what alice wrote")

    browser = await running.served.signed_in(Viewer("user 77", sees_general, Broken()))

    answered = await browser.post(f"{ACT}/pause")

    assert answered.status == 200
    assert "alice wrote" not in answered.text
