"""A log with a bit of everything that people see of a conversation, and the page over it, as a browser asks for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bot.cli.page import contexts_of
from bot.config import Config
from bot.config.model import LogSettings
from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.core.place_settings import PERSONA
from bot.core.streams import BOT_STREAM
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.page.application import sign_in_link
from bot.page.serving import serve
from bot.page.sessions import Viewer
from bot.page.site import Names, Site

ALICE, BOB = 41, 42
GENERAL, QUIET, ELSEWHERE, PRIVATE = 111, 222, 333, 444
"""Two channels of server 5, one of another server, and a private one."""
ANOTHER = 1_300_000_000_000_000_000
"""A server's id has 19 digits since 2022."""
FIRST = 1_300_000_000_000_000_000
ASKED, CHATTER, DELETED, LONG, WAITING = (FIRST + number for number in range(1, 6))
UNKNOWN = FIRST + 999
"""A message of which the log has a reaction alone."""
REPLY, PART_1, PART_2 = (FIRST + number for number in range(11, 14))
BEGAN = 1_700_000_000
"""2023-11-14T22:13:20Z: each command comes a second after the one before."""
FORMATTED = (
    "**bold** ||nobody knows|| <@41>, [a page](https://example.com/page/channel/222): `code`\n> quoted\n# Heading\n"
    "- one\n```py\nx < 1\n```\n-# small"
)
"""A text with some of Discord's markdown."""
SECRET = "<script>alert(1)</script> & \u202e"


def said(message_id: int, text: str, who: int = ALICE, guild_id: int | None = 5, **more: object) -> c.Receive:
    """Return a message that came."""
    event = e.MessageReceived(message_id=message_id, author_id=who, sent_at=BEGAN * 1_000_000, guild_id=guild_id)
    name = {ALICE: "alice", BOB: "bob"}[who]
    return c.Receive(event, e.Body(name=name, parts=(text,)), responder="rules", **more)  # type: ignore[arg-type]


def edited(message_id: int, text: str, second: int) -> c.Edit:
    """Return an edit."""
    event = e.MessageEdited(message_id=message_id, author_id=BOB, edited_at=(BEGAN + second) * 1_000_000)
    return c.Edit(event, e.Body(name="bob", parts=(text,)))


def composed(message_id: int, *parts: str) -> c.Compose:
    """Return an answer that was written."""
    event = e.ReplyComposed(message_id=message_id, parts=len(parts), responder="rules", rule="coffee")
    return c.Compose(event, e.Body(parts=parts))


def by_model(message_id: int, *parts: str) -> c.Compose:
    """Return an answer that a model wrote."""
    event = e.ReplyComposed(
        message_id=message_id,
        parts=len(parts),
        responder="llm",
        model="test:model",
        tokens_in=1200,
        tokens_out=30,
        cost_micros=4500,
        priced=True,
    )
    return c.Compose(event, e.Body(parts=parts))


def script() -> Iterator[tuple[int, c.Command]]:
    """Return what happens, in order."""
    yield GENERAL, said(ASKED, "!coffee", call=e.Call.RULE)
    yield GENERAL, said(CHATTER, "first wording", BOB)
    yield GENERAL, composed(ASKED, "Two spoons a cup.")
    yield GENERAL, c.Confirm(ASKED, 0, REPLY, e.Proof.ECHO)
    yield GENERAL, edited(CHATTER, f"second wording {SECRET}", 9)
    reaction = e.ReactionAdded(message_id=REPLY, author_id=BOB, feeling=e.Feeling.UP)
    yield GENERAL, c.React(reaction, e.Body(parts=("👍",)))
    yield GENERAL, said(DELETED, "to be gone", BOB)
    yield GENERAL, c.Delete(DELETED)
    yield GENERAL, c.Choose(PERSONA, "7", "You speak like a pirate.")
    yield GENERAL, said(LONG, "!tea", call=e.Call.RULE)
    yield GENERAL, by_model(LONG, "first part", "second part")
    yield GENERAL, c.Confirm(LONG, 0, PART_1, e.Proof.ECHO)
    yield GENERAL, c.Confirm(LONG, 1, PART_2, e.Proof.ECHO)
    yield GENERAL, said(WAITING, "!milk", call=e.Call.RULE)
    yield GENERAL, c.Delay(WAITING, 0, "no connection", 3, (BEGAN + 99) * 1_000_000)
    yield QUIET, c.Record(e.HistoryForbidden())
    yield QUIET, said(FIRST + 20, FORMATTED)
    reply = e.MessageReceived(
        message_id=FIRST + 21, author_id=BOB, sent_at=BEGAN * 1_000_000, reply_to=FIRST + 20, guild_id=5
    )
    yield QUIET, c.Receive(reply, e.Body(name="bob", parts=("me neither",)), responder="rules")
    yield ELSEWHERE, said(FIRST + 30, "on the other server", BOB, ANOTHER)
    yield PRIVATE, said(FIRST + 40, "in private", ALICE, None)
    for number in range(120):
        yield ELSEWHERE, said(FIRST + 50 + number, f"number {number}", BOB, ANOTHER)
    yield ELSEWHERE, edited(FIRST + 50, "number zero", 50)
    yield ELSEWHERE, c.Record(e.CatchupCompleted(after=FIRST, upto=FIRST + 169, count=3))
    yield ELSEWHERE, c.React(e.ReactionAdded(message_id=UNKNOWN, author_id=BOB, feeling=e.Feeling.UP), e.Body())


async def write(folder: Path) -> None:
    """Write the log."""
    second = BEGAN
    log = await open_log(Location(folder), clock=lambda: second * 1_000_000, full=False)
    try:
        conversations = Conversations(log)
        connected = (e.GatewayReady(session="s", guilds=2), e.GatewayLost())
        await log.append(BOT_STREAM, [*map(e.Draft, (e.DirectChannelOpened(channel_id=PRIVATE), *connected))])
        for channel, command in script():
            second += 1
            await conversations.handle(channel, command)
        await conversations.close()
    finally:
        await log.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the log; no bot runs, and nobody writes to it."""
    folder = tmp_path_factory.mktemp("paged") / "log"
    asyncio.run(write(folder))
    return folder


@dataclass
class Answered:
    """An answer to a browser."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def words(self) -> str:
        """Return the text without marks, on one line."""
        return " ".join(re.sub(r"<[^>]*>", " ", self.text).split())


@dataclass
class Browser:
    """Asks the page, keeps its cookie, and sends along what a browser does."""

    base: str
    client: aiohttp.ClientSession
    csrf: str = ""

    async def get(self, path: str, **headers: str) -> Answered:
        """Ask for an address below ``/page``."""
        return await self.ask("GET", path, headers)

    async def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> Answered:
        """Send a form, with the page's own token."""
        return await self.ask("POST", path, {"Origin": self.base, **(headers or {})}, {"csrf": self.csrf, **form})

    async def ask(
        self, method: str, path: str, headers: dict[str, str], form: dict[str, str] | None = None
    ) -> Answered:
        """Ask, and don't follow where the answer leads."""
        url = f"{self.base}/page{path}"
        async with self.client.request(method, url, headers=headers, data=form, allow_redirects=False) as response:
            return Answered(response.status, await response.text(), response.headers)

    async def enter(self, token: str) -> Answered:
        """Sign in with a token."""
        answered = await self.post("/enter", token=token)
        page = await self.get("/")
        found = re.search(r'<meta name="csrf" content="([^"]+)">', page.text)
        self.csrf = found[1] if found else ""
        return answered


@dataclass
class Served:
    """The page that is served, and browsers for it."""

    site: Site
    base: str
    stack: AsyncExitStack

    def token(self, viewer: Viewer | None = None) -> str:
        """Return a token for the owner, or for another viewer."""
        return self.site.sessions.invite(viewer) if viewer else sign_in_link(self.site, self.base).partition("#")[2]

    async def browser(self) -> Browser:
        """Return one that is not signed in."""
        jar = aiohttp.CookieJar(unsafe=True)
        return Browser(self.base, await self.stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar)))

    async def signed_in(self, viewer: Viewer | None = None) -> Browser:
        """Return one that is."""
        browser = await self.browser()
        await browser.enter(self.token(viewer))
        return browser


@asynccontextmanager
async def serving(folder: Path, names: Names = Names()) -> AsyncIterator[Served]:  # noqa: B008 - frozen
    """Serve the page over a log at rest."""
    async with AsyncExitStack() as stack:
        contexts = await stack.enter_async_context(contexts_of(Config(log=LogSettings(path=folder))))
        site = Site(lambda: contexts, names)
        yield Served(site, await stack.enter_async_context(serve(site, "127.0.0.1", 0)), stack)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(folder: Path) -> AsyncIterator[Served]:
    """Return the page over the log, one for all tests of a file; channel 111 has a name."""
    names = Names(lambda channel_id: "general" if channel_id == GENERAL else "", lambda _guild_id: "")
    async with serving(folder, names) as served:
        yield served
