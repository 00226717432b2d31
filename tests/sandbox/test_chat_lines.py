"""What a typed line means: options, values, names; and what of a bot's text reaches a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.chat.components import pressables
from bot.sandbox.chat.screen import printable, printable_lines
from bot.sandbox.chat.session import Names
from bot.sandbox.chat.slash_commands import follow, quoted_name, read_options, scan
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Channel, Message
from bot.sandbox.options import SandboxOptions
from bot.sandbox.posting import post
from bot.sandbox.services import Services

TEXT = {"type": 3, "name": "text", "required": True, "max_length": 60}
SCOPE = {"type": 3, "name": "scope", "choices": [{"name": "Server", "value": "s"}, {"name": "Channel", "value": "c"}]}
LAST = {"type": 4, "name": "last", "min_value": 1, "max_value": 20}
OPTIONS = [
    TEXT,
    SCOPE,
    LAST,
    {"type": 5, "name": "private"},
    {"type": 6, "name": "person"},
    {"type": 7, "name": "channel"},
    {"type": 8, "name": "role"},
    {"type": 9, "name": "whom"},
    {"type": 10, "name": "share"},
    {"type": 11, "name": "file"},
]
SET = {"type": 1, "name": "set", "options": OPTIONS}
COMMAND = {"name": "persona", "type": 1, "options": [SET, {"type": 1, "name": "show", "options": []}]}


class House:
    """A server with some names in it."""

    def __init__(self) -> None:
        self.services = Services(SandboxOptions())
        self.world = self.services.world
        self.general: Channel = self.services.general
        self.alice = self.world.create_user("alice")
        self.ann = self.world.create_user("ann")
        self.help = self.world.create_channel(self.services.guild, "help")
        self.mods = self.world.create_role(self.services.guild, "mods", 0)
        self.names = Names(self.world)

    def read(self, text: str) -> Json:
        """Read the options behind ``/persona``."""
        return read_options(follow(COMMAND, text), self.names, self.general)


@pytest.fixture
def house() -> House:
    """Return one."""
    return House()


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        pytest.param("set text:be brief", {"text": "be brief"}, id="blanks"),
        pytest.param("set text:be brief scope:server", {"text": "be brief", "scope": "s"}, id="until the next name"),
        pytest.param("SET Text:x Scope:SERVER", {"text": "x", "scope": "s"}, id="capitals"),
        pytest.param('set text:"of scope: and so" scope:c', {"text": "of scope: and so", "scope": "c"}, id="quotes"),
        pytest.param(r'set text:"say \"hi\""', {"text": 'say "hi"'}, id="quotes in quotes"),
        pytest.param('set text:say "hi" to all', {"text": 'say "hi" to all'}, id="quotes in the middle"),
        pytest.param("set be brief scope:server", {"text": "be brief", "scope": "s"}, id="the first required one"),
        pytest.param("set text:see https://a.example/x:y", {"text": "see https://a.example/x:y"}, id="other colons"),
        pytest.param("set text:x last:5", {"text": "x", "last": 5}, id="whole number"),
        pytest.param("set text:x private:yes", {"text": "x", "private": True}, id="yes"),
        pytest.param("set text:x private:false", {"text": "x", "private": False}, id="no"),
        pytest.param("set text:x share:0.5", {"text": "x", "share": 0.5}, id="number"),
        pytest.param("show", {}, id="none"),
    ],
)
def test_options_as_discord_shows_them(house: House, typed: str, values: Json) -> None:
    """``name:value``, converted by the type that the bot registered."""
    assert house.read(typed) == values


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        pytest.param("", "Say which: /persona set, show.", id="no subcommand"),
        pytest.param("shw", "no /persona shw: did you mean show?", id="nearly a subcommand"),
        pytest.param("dance", "no /persona dance; there are set, show", id="no such subcommand"),
        pytest.param("set scop:server", "no option 'scop': did you mean scope:?", id="nearly an option"),
        pytest.param("set text:be brief scop:server", "did you mean scope:?.*quotation marks", id="lost in a text"),
        pytest.param("show me", "/persona show has no option 'me'", id="no options at all"),
        pytest.param("set text:x text:y", "text: is given twice", id="twice"),
        pytest.param("set text:", "Write something behind text:", id="nothing"),
        pytest.param('set text:"x', "Close the quotation marks of text:", id="open quotes"),
        pytest.param("set text:" + "x" * 61, "takes 0 to 60 characters", id="too long"),
        pytest.param("set text:x scope:serve", "scope: can't be 'serve': did you mean Server?", id="no choice"),
        pytest.param("set text:x last:five", "takes a whole number, not 'five'", id="no number"),
        pytest.param("set text:x last:21", "takes a number from 1 to 20", id="too large"),
        pytest.param("set text:x share:nan", "takes a number", id="not a number at all"),
        pytest.param("set text:x private:perhaps", "private: is true or false", id="neither"),
        pytest.param("set text:x person:alise", "no person 'alise': did you mean alice?", id="nobody"),
        pytest.param("set text:x channel:#hepl", "no channel 'hepl': did you mean help?", id="no channel"),
        pytest.param("set text:x role:@admins", "no role 'admins'", id="no role"),
        pytest.param("set text:x file:a.txt", "takes a file", id="a file"),
        pytest.param("set text:^7", "only 0 messages here", id="no such message"),
    ],
)
def test_mistakes_are_told(house: House, typed: str, sentence: str) -> None:
    """Nothing is sent; the sentence says what was meant, where it can."""
    with pytest.raises(SandboxError, match=sentence):
        house.read(typed)


def test_names_become_what_they_name(house: House) -> None:
    """People, channels, roles and the last messages by their names, as Discord's client fills them in."""
    first, second = (post(house.world, Message(house.general, house.alice, text)) for text in ("one", "two"))

    values = house.read("set text:^2 person:@ann channel:#help role:mods whom:@mods")

    assert values == {
        "text": str(first.id),
        "person": str(house.ann.id),
        "channel": str(house.help.id),
        "role": str(house.mods.id),
        "whom": str(house.mods.id),
    }
    assert house.read("set text:in #help by @ann") == {"text": f"in <#{house.help.id}> by <@{house.ann.id}>"}
    assert house.read('set text:"^1"') == {"text": "^1"}
    assert house.names.message(f"https://discord.com/channels/1/2/{second.id}", house.general) is second
    with pytest.raises(SandboxError, match="is no message"):
        house.names.message("because", house.general)


@pytest.mark.parametrize(
    ("line", "content"),
    [
        ("sandbox-bot, what is this?", "<@BOT> what is this?"),
        ("@sandbox-bot: hello", "<@BOT> hello"),
        ("Sandbox-Bot hello", "<@BOT> hello"),
        ("sandbox-bot", "<@BOT>"),
        ("sandbox-bots are many", "sandbox-bots are many"),
        ("I told @ann and @sandbox-bot.", "I told <@ANN> and <@BOT>."),
        ("@anna, see #help", "@anna, see <#HELP>"),
        ("mail ann@help.example", "mail ann@help.example"),
        ("ask @mods", "ask <@&MODS>"),
    ],
)
def test_names_are_mentions(house: House, line: str, content: str) -> None:
    """The bot's at the start of the line, everybody's behind an @, and back again for the eyes."""
    ids = {
        "BOT": house.services.application.id,
        "ANN": house.ann.id,
        "HELP": house.help.id,
        "MODS": house.mods.id,
    }
    for name, key in ids.items():
        content = content.replace(name, str(key))

    written = house.names.marked_up(house.names.addressed(line))

    assert written == content
    assert "<" not in house.names.plain(written)


def test_what_nobody_has_stays_as_it_is(house: House) -> None:
    """A mention of somebody unknown is shown as it was written."""
    assert house.names.plain("<@1> <#2> <@&3>") == "<@1> <#2> <@&3>"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"Why this reply?" 12', ("Why this reply?", "12")),
        ("why this reply? ^1", ("Why this reply?", "^1")),
        ("Why this", ("Why this", "")),
    ],
)
def test_a_menus_name_may_have_blanks(text: str, found: tuple[str, str]) -> None:
    """In quotation marks or without."""
    assert quoted_name(text, ["Why this reply?"]) == found


@given(st.text(), st.text())
def test_no_text_is_lost_between_options(lead: str, value: str) -> None:
    """Whatever stands behind a name is its value, but for the blanks around it."""
    found = scan(
        f"{lead.replace(':', '').replace(chr(34), '')} text: {value.replace(':', '').replace(chr(34), '')}", [TEXT]
    )

    assert [each.name for each in found] == ["", "text"]
    assert found[-1].text == value.replace(":", "").replace('"', "").strip()


@given(st.text(alphabet=st.characters(codec=None)))
def test_nothing_reaches_the_terminal_raw(text: str) -> None:
    """Controls, escapes, lone surrogates and marks of direction are spelled out; spelling out twice changes nothing."""
    shown = printable(text)

    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(shown) & set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert printable(shown) == shown
    assert all(line == printable(line) for line in printable_lines(text))


def test_lines_stay_lines() -> None:
    """Discord's line ends, and no other."""
    assert printable_lines("one\ntwo\r\nthree\rfour\x85five") == ["one", "two", r"three\rfour\x85five"]


def test_what_can_be_pressed() -> None:
    """Buttons and selects are numbered through, links are not; what is no component is passed over."""
    buttons = [
        {"type": 2, "custom_id": "a", "label": "Go"},
        {"type": 2, "url": "https://a.example", "label": "Read"},
        {"type": 2, "custom_id": "b", "emoji": {"name": "👍"}, "disabled": True},
    ]
    options = [{"label": "Red", "value": "r"}, {"label": "Blue", "value": "b"}]
    select = {"type": 3, "custom_id": "c", "options": options, "max_values": 2}
    found = pressables([{"type": 1, "components": buttons}, {"type": 1, "components": [select, "nonsense"]}, {}])
    names = House().names

    assert [each.text for each in found] == ["[1] Go", "[2] 👍 (disabled)", "[3] Choose: Red, Blue"]
    assert found[2].values("red, b", names) == ["r", "b"]
    for number, typed, sentence in ((0, "x", "is a button"), (2, "", "is a list"), (2, "reed", "did you mean Red")):
        with pytest.raises(SandboxError, match=sentence):
            found[number].values(typed, names)
