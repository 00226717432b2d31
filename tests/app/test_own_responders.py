"""Responders that are not ours: a file beside the settings, a module in reach of Python, an installed package."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from importlib import invalidate_caches
from pathlib import Path

import pytest

from bot.app.responders import answered, responders_of, why_silent
from bot.config import Config, answering_version, load
from bot.core.events import AbandonReason, MessageReceived, ReplyAbandoned, ReplyComposed, ReplyRequested, ReplySent
from bot.errors import ConfigError
from bot.responders import Answer, Context, Question, ask
from bot.responders.load import GROUP
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch, Spawn, judging

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "responder.md").read_text(encoding="utf-8")
SHOUT = """
from bot.responders import Answer, Context, Question, Responder


class Shout(Responder):
    def claims(self, question: Question) -> bool:
        return question.text.startswith("!shout ")

    def answer(self, question: Question, context: Context) -> str:
        return question.text.removeprefix("!shout ").upper()


class Slow(Responder):
    answers_everything = True
    wants_history = True

    async def answer(self, question, context):
        yield f"{question.author} said: "
        yield question.text


class Broken(Responder):
    def claims(self, question):
        if question.text == "worse":
            raise KeyError(question.text)
        return question.text == "break"

    def answer(self, question, context):
        raise ValueError(question.text)


class Odd(Responder):
    answers = {"number": 5, "wrapped": Answer(5), "half": "\\ud83d", "rule": Answer("x", rule=5), "list": ["x"]}

    def claims(self, question):
        return question.text in self.answers

    def answer(self, question, context):
        return self.answers[question.text]


class Mute(Responder):
    def answer(self, question, context):
        return "hm"


class Nothing(Responder):
    answers_everything = True


class Stranger:
    pass


class Dice(Responder):
    answers_everything = True

    def __init__(self, *, sides: int = 6):
        self.sides = 60 // (sides - 1)

    def answer(self, question, context):
        return str(self.sides)


NOTHING = None
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a bot's settings and a module of its owner's; what is imported from it is forgotten."""
    (tmp_path / "shout.py").write_text(SHOUT, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path])
    invalidate_caches()
    before = {*sys.modules}
    yield tmp_path
    for name, module in [*sys.modules.items()]:
        if name not in before and str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def settings(folder: Path, responder: str, text: str = "") -> Config:
    """Return the settings of a file that names responders."""
    path = folder / "config.toml"
    path.write_text(f"[replies]\nresponder = {responder}\n{text}", encoding="utf-8")
    return load(path, {})


def wheel(folder: Path, names: str) -> Path:
    """Write a package that brings responders, as its author would upload it."""
    info = "shouting-1.0.dist-info"
    files = {
        "shouting.py": SHOUT,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[echoless.responders]\n{names}\n",
    }
    record = [f"{info}/RECORD,,"]
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip("=")
        record.append(f"{name},sha256={digest},{len(text.encode())}")
    path = folder / "shouting-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": "\n".join(record)}.items():
            archive.writestr(name, text)
    return path


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Install a package into a folder, by pip, and return that."""
    site = tmp_path / "site"
    names = "shout = shouting:Shout\nslow = shouting:Slow"
    command = ["pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--target"]
    subprocess.run([sys.executable, "-m", *command, str(site), str(wheel(tmp_path, names))], check=True)
    return site


async def told(bot_folder: Path, channel: str) -> list[tuple[str, str]]:
    """Return which responder was recorded with each question and each answer."""
    async with judging(bot_folder) as judge:
        requested = [event.responder for event in await judge.of(ReplyRequested, channel)]
        composed = [event.responder for event in await judge.of(ReplyComposed, channel)]
    return list(zip(requested, composed, strict=True))


@pytest.mark.parametrize("where", ["beside the settings", "in reach of Python"])
async def test_a_class_in_a_file_answers(
    spawn: Spawn, control: ControlClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """One file, one line of settings: the bot as a process of its own, beside the rules."""
    folder = tmp_path if where == "beside the settings" else tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    (folder / "shout.py").write_text(SHOUT, encoding="utf-8")
    if folder != tmp_path:
        monkeypatch.setenv("PYTHONPATH", str(folder))
    bot = await spawn(replies={"responder": ["rules", "shout:Shout"]})

    await control.post("ask me")
    await control.wait_for_messages(author="sandbox-bot")
    message = await control.post("!shout hear me")
    await control.post("what nobody claims")
    said = await control.wait_for_messages(2, author="sandbox-bot")
    await bot.terminate()

    assert [each["content"] for each in said] == ["re: me", "HEAR ME"]
    names = await told(bot.folder, message["channel_id"])
    assert names == [("rules", "rules"), ("shout:Shout", "shout:Shout")]


async def test_an_installed_package_brings_responders(
    spawn: Spawn, control: ControlClient, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the names of its entry points; one of them says its answer piece by piece, to whoever addresses the bot."""
    monkeypatch.setenv("PYTHONPATH", str(installed))
    bot = await spawn(replies={"responder": ["shout", "slow"]})

    await control.post("!shout hear me")
    await control.post("what nobody claims")
    await control.wait_for_messages(author="sandbox-bot")
    message = await control.post("hello", mention="sandbox-bot", author="alice")
    said = await control.wait_for_messages(2, author="sandbox-bot")
    await bot.terminate()

    assert said[0]["content"] == "HEAR ME"
    newest = (await control.messages(author="sandbox-bot"))[-1]
    assert newest["content"] == "alice said: hello"
    assert await told(bot.folder, message["channel_id"]) == [("shout", "shout"), ("slow", "slow")]


async def test_one_that_fails_loses_no_message(
    own: Path, launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked three times, the kind of its error is recorded, and what others can answer is answered."""
    monkeypatch.syspath_prepend(own)
    bot = await launch(replies={"responder": ["shout:Broken", "shout:Shout"]})

    await control.post("worse")
    await control.post("break")
    await control.post("!shout hear me")
    (abandoned,) = await bot.judge.expect(ReplyAbandoned)
    await bot.judge.expect(ReplySent)

    assert (abandoned.reason, abandoned.detail) == (AbandonReason.POISON, "ValueError")
    assert [event.responder for event in await bot.judge.of(ReplyRequested)] == ["shout:Broken", "shout:Shout"]
    assert len(await bot.judge.of(MessageReceived)) == 3


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("number", "TypeError"),
        ("wrapped", "TypeError"),
        ("half", "UnicodeEncodeError"),
        ("rule", "ValidationError"),
        ("list", "TypeError"),
    ],
)
async def test_what_is_no_answer_loses_no_message(
    own: Path, launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch, asked: str, reason: str
) -> None:
    """Though it would have been recorded along with the question."""
    monkeypatch.syspath_prepend(own)
    bot = await launch(replies={"responder": "shout:Odd"})

    await control.post(asked)
    (abandoned,) = await bot.judge.expect(ReplyAbandoned)

    assert (abandoned.reason, abandoned.detail) == (AbandonReason.POISON, reason)
    assert len(await bot.judge.of(MessageReceived)) == 1


def test_settings_of_its_own_are_given_to_it(own: Path) -> None:
    """By name, from a table that has its name; an answer's settings are others then."""
    without = settings(own, '"shout:Dice"')
    plain = responders_of(without, {}).first
    with_table = settings(own, '"shout:Dice"', '[responders."shout:Dice"]\nsides = 21\n')
    dice = responders_of(with_table, {}).first

    assert [each.answer(Question(1, 2, 3, "Ada", "roll"), Context()) for each in (plain, dice)] == ["12", "3"]
    assert answering_version(without) != answering_version(with_table)
    assert answered(with_table)["by"] == "shout:Dice"


def test_one_of_its_owner_is_no_reason_to_call_the_bot_silent(own: Path) -> None:
    """Whatever it claims counts as a rule's match."""
    assert why_silent(settings(own, '"shout:Shout"', "answer = ['rule']")) == ""
    assert why_silent(settings(own, '"rules"', "answer = ['rule']")) != ""


@pytest.mark.parametrize(
    ("named", "table", "said"),
    [
        ("gone:Dice", "", r"there is no module gone: write it as /.*/gone\.py, or install the package that holds it"),
        ("shout.more:Dice", "", r"there is no module shout\.more: write it as /.*/shout/more\.py, or install"),
        ("shout:Gone", "", r"shout\.py has no Gone: correct the name, or write the class there"),
        ("shout:NOTHING", "", r"it is no class: name one that inherits from bot\.responders\.Responder"),
        ("shout:Stranger", "", r"it is no responder: let its class inherit from bot\.responders\.Responder"),
        ("shout:Nothing", "", r"has no method answer\(question, context\): give it one"),
        ("shout:Mute", "", r"it would never answer: give it a method claims\(question\), or set answers_everything"),
        ("shout:Dice", "faces = 5", r"fit \(got an unexpected keyword argument 'faces'\): correct \[responders\."),
        ("shout:Dice", "sides = 1", r"it can't be made \(ZeroDivisionError in /.*/shout\.py, line \d+\): correct"),
        ("needy:Dice", "", r"needy needs nosuchthing, which is not installed: install it beside Echoless"),
        ("faulty:Dice", "", r"faulty can't be imported \(SyntaxError in .*faulty\.py, line 2\): correct it there"),
        ("raising:Dice", "", r"raising can't be imported \(ValueError in .*raising\.py, line 1\): correct it there"),
    ],
)
def test_what_can_not_be_used_says_what_to_do(own: Path, named: str, table: str, said: str) -> None:
    """Before anything is started, without the words of an error: they may hold a secret."""
    (own / "needy.py").write_text("import nosuchthing\n", encoding="utf-8")
    (own / "faulty.py").write_text("\nclass Dice(\n", encoding="utf-8")
    (own / "raising.py").write_text("raise ValueError('my secret')\n", encoding="utf-8")
    config = settings(own, f'["rules", "{named}"]', f'[responders."{named}"]\n{table}\n')

    with pytest.raises(ConfigError) as caught:
        responders_of(config, {})

    (problem,) = caught.value.problems
    assert problem.startswith(f'replies.responder names "{named}", which can\'t be used; ')
    assert re.search(said, problem), problem
    assert "secret" not in problem


@pytest.mark.parametrize(("named", "meant"), [("lmm", r' \(did you mean "llm"\?\)'), ("dice", "")])
def test_a_name_that_nobody_brings_lists_those_that_are_there(own: Path, named: str, meant: str) -> None:
    """It is not repeated: it may be a secret in the wrong place."""
    said = rf'names one that is not here; there are "http", "llm", "rules"{meant}: correct the name, install the'

    with pytest.raises(ConfigError, match=said) as caught:
        responders_of(settings(own, f'["rules", "{named}"]'), {})

    assert named not in str(caught.value)


def test_two_packages_of_one_name_are_refused(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could tell which of them answers."""
    for number in (1, 2):
        info = own / f"pack{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: pack{number}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[echoless.responders]\ndice = pack{number}:Dice\n")
    monkeypatch.syspath_prepend(own)

    with pytest.raises(ConfigError, match=r"several packages bring it \(pack1:Dice, pack2:Dice\): uninstall all but"):
        responders_of(settings(own, '"dice"'), {})


async def test_the_example_of_the_page_answers(own: Path) -> None:
    """As it is written there, with the settings that are written there."""
    (code,) = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE)
    first, second, package = re.findall(r"(?ms)^```toml\n(.*?)^```$", PAGE)
    (own / "dice.py").write_text(code, encoding="utf-8")
    (own / "config.toml").write_text(first + second, encoding="utf-8")
    assert tomllib.loads(package) == {"project": {"entry-points": {GROUP: {"dice": "dice:Dice"}}}}

    config = load(own / "config.toml", {})
    chosen = responders_of(config, {}).choose(Question(1, 2, 3, "Ada", "!roll"), addressed=False)

    assert chosen is not None
    assert chosen.name == "dice:Dice"
    answer = await ask(chosen, Question(1, 2, 3, "Ada", "!roll"), Context())
    assert isinstance(answer, Answer)
    assert re.fullmatch(r"Ada rolls \d+\.", answer.text)
