"""``echoless usage``: what answers took, as lines, as JSON and as a picture."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.moderation.pictures.svg import svg
from bot.moderation.pictures.usage import drawn
from bot.moderation.usage import Sum
from tests.cli.conftest import Run


def picture(days: Mapping[str, Sum]) -> str:
    """Return the picture as SVG."""
    return svg(drawn(days))


SVG = "{http://www.w3.org/2000/svg}"
EM = 0.65
"""A generous width of a character, in font sizes."""

DAY = 86_400_000_000
BEGAN = 1_790_000_000_000_000


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """Return the folder of a log in which a model answered on two days, with a day between."""
    moment = BEGAN

    async def write() -> None:
        nonlocal moment
        log = await open_log(Location(tmp_path / "used"), clock=lambda: moment, full=False)
        for number, later in ((1, 0), (2, 2 * DAY)):
            moment = BEGAN + later
            answer = e.ReplyComposed(
                message_id=number, parts=1, responder="llm", model="m", tokens_in=70, tokens_out=30, cost_micros=5000
            )
            await log.append("channel:5", [e.Draft(answer, e.Body(parts=("so",)), subject_id=41)])
        await log.close()

    asyncio.run(write())
    return tmp_path / "used"


def test_on_a_pipe_it_is_columns_without_bars(run: Run, used: Path) -> None:
    """A table for each group, whose cells a tab separates."""
    ran = run("usage", "--log", used)

    assert (ran.code, ran.err) == (0, "")
    assert "day\treplies\ttokens\tcost" in ran.out.splitlines()
    assert "m\t2\t200\t$0.0100" in ran.out.splitlines()
    assert "█" not in ran.out


def test_a_picture_is_written_beside_it(run: Run, used: Path, tmp_path: Path) -> None:
    """The day without an answer stands between the others."""
    ran = run("usage", "--log", used, "--svg", tmp_path / "usage.svg")

    image = ET.fromstring((tmp_path / "usage.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own
    dates = [each.text for each in image.iter(f"{SVG}text") if each.text and each.text.count("-") == 1]
    assert ran.code == 0
    assert len(list(image.iter(f"{SVG}title"))) == 2
    assert len(dates) == 3


def several(count: int, tokens: int = 1000, cost: int = 1_230_000) -> dict[str, Sum]:
    """Return days in a row, each with more tokens than the one before."""
    first = date(2026, 1, 1)
    return {
        (first + timedelta(days=number)).isoformat(): Sum(1, 0, tokens * (number + 1), cost) for number in range(count)
    }


PICTURES: Mapping[str, Mapping[str, Sum]] = {
    "no day": {},
    "one day": several(1),
    "one small day": several(1, tokens=1, cost=0),
    "one day without a price": {"2026-01-01": Sum(1, 0, 5, 0, 1)},
    "one huge day": several(1, tokens=10**15, cost=10**15),
    "a week": several(7),
    "huge days": several(3, tokens=10**15, cost=10**15),
    "forty days": several(40),
    "a year with two days": {"2026-01-01": Sum(1, 0, 5, 5), "2026-12-31": Sum(1, 0, 5, 5)},
}


def texts(image: ET.Element) -> Iterator[tuple[float, float, float, str]]:
    """Yield the left and right end, the base line and the words of each text."""
    for each in image.iter(f"{SVG}text"):
        wide = len(each.text or "") * EM * float(each.get("font-size", 10))
        x = float(each.get("x", 0))
        left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[each.get("text-anchor", "")]
        yield left, left + wide, float(each.get("y", 0)), each.text or ""


@pytest.mark.parametrize("days", PICTURES.values(), ids=PICTURES)
def test_a_picture_holds_all_that_is_in_it(days: Mapping[str, Sum]) -> None:
    """No bar and no text is clipped, and no text lies over its neighbour."""
    image = ET.fromstring(picture(days))  # noqa: S314 - our own
    _, _, width, height = map(float, image.get("viewBox", "").split())
    rows: dict[float, list[tuple[float, float]]] = {}

    for left, right, base, _ in texts(image):
        assert left >= 0
        assert right <= width
        assert 10 <= base <= height
        rows.setdefault(base, []).append((left, right))
    for each in image.iter(f"{SVG}rect"):
        x, y, wide, tall = (float(each.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width
        assert 0 <= y <= y + tall <= height
    for row in rows.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(row)))
    assert len(list(image.iter(f"{SVG}title"))) == len(days)


def test_a_picture_of_nothing_says_so() -> None:
    """Somebody may look at it before anybody asked."""
    assert [said for *_, said in texts(ET.fromstring(picture({})))] == ["No tokens were used."]  # noqa: S314 - our own


def test_a_picture_names_its_days_and_the_longest_bar() -> None:
    """And what each day cost, where there is room for it."""
    few, many = picture(several(2)), picture(several(40))

    assert "2026-01-01 to 2026-01-02; the longest bar: 2,000" in few
    assert few.count("$1.23</text>") == 2
    assert "$1.23</text>" not in many
    assert many.count("<title>") == 40
