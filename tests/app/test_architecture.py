"""docs/architecture.md, held to what a bot does with one message."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import pytest

import bot
from bot.core.events import ReplySent
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.waiting import eventually

PAGE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
CODE = Path(bot.__file__).parent
ROW = re.compile(r"^\| (\d+) \| `(\S+)` \| `(\w+)` \| (.*?) \|", re.MULTILINE)
MOST_STEPS, MOST_LINES = 24, 320


class Step(NamedTuple):
    """A row of the page."""

    number: int
    file: str
    function: str
    under: str


class Call(NamedTuple):
    """A function of the bot that ran, and those that were under it on the stack."""

    file: str
    function: str
    stack: tuple[tuple[str, str], ...]


STEPS = [Step(int(number), file, function, under) for number, file, function, under in ROW.findall(PAGE)]


class Recorder:
    """Notes each function of the bot while it is ``on``."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.on = False

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Take what the interpreter does."""
        if self.on and event == "call" and (called := _place(frame)) is not None:
            self.calls.append(Call(*called, tuple(_under(frame))))

    def first(self, step: Step) -> int:
        """Return when a step ran first."""
        return next(at for at, call in enumerate(self.calls) if call[:2] == step[1:3])


def _under(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    while frame is not None and (frame := frame.f_back) is not None:
        if (place := _place(frame)) is not None:
            yield place


def _place(frame: FrameType) -> tuple[str, str] | None:
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(CODE) or path.is_relative_to(CODE / "sandbox"):
        return None
    return path.relative_to(CODE).as_posix(), frame.f_code.co_name


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Watch this thread, and those that begin from now on."""
    recorder, before = Recorder(), sys.getprofile()
    threading.setprofile(recorder)
    sys.setprofile(recorder)
    yield recorder
    sys.setprofile(before)
    threading.setprofile(None)


@pytest.mark.sqlite_only("the page shows the way into a log in its folder")
async def test_the_page_shows_the_way_of_a_message(recorder: Recorder, launch: Launch, control: ControlClient) -> None:
    """In its order, each step under the one that the page names, and no file on the way that the page does not know."""
    running = await launch()
    await control.post("ask one")
    await running.judge.expect(ReplySent)

    async def at_rest() -> bool:
        return not (running.bot.replies.working or await running.bot.log.reader.unfinished())

    for text in ("ask two", "ask three", "ask four"):
        await eventually(at_rest)
        recorder.calls.clear()
        recorder.on = True
        await control.post(text)
        await eventually(lambda: any(call.function == "judge_send" for call in recorder.calls))
        await eventually(lambda: not running.bot.replies.working)
        recorder.on = False
        # A busy machine may take a rule's few milliseconds away. Then its answer is written later: another way.
        if all(call.file != "replies/writing.py" for call in recorder.calls):
            break

    order = [recorder.first(step) for step in STEPS]
    assert order == sorted(order)
    for step, at in zip(STEPS, order, strict=True):
        if step.under.isdigit():
            above = STEPS[int(step.under) - 1]
            assert (step.number, above[1:3] in recorder.calls[at].stack) == (step.number, True)
    known = {"app/bot.py", *re.findall(r"`(\w+(?:/\w+)*\.py)`", PAGE)}
    assert {f"{call.file}: {call.function}" for call in recorder.calls if call.file not in known} == set()


def test_the_way_is_short() -> None:
    """In files and in their lines; every file that the page names is there."""
    assert [step.number for step in STEPS] == list(range(1, len(STEPS) + 1))
    assert len({step.file for step in STEPS}) == len(STEPS) <= MOST_STEPS
    for step in STEPS:
        assert len((CODE / step.file).read_text().splitlines()) <= MOST_LINES
    assert all((CODE / file).exists() for file in re.findall(r"`(\w+(?:/\w+)*\.py)`", PAGE) if "tests/" not in file)
