"""Pictures of figures, also of odd ones: nothing is clipped, nothing lies over something else."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

import pytest
from PIL import Image

from bot.core.activity import BOUNDS
from bot.moderation.activity import A_DAY, AN_HOUR, Activity, Figures, Wanted, brief_span
from bot.moderation.pictures.activity import MOST_SLOTS, drawn
from bot.moderation.pictures.chart import WIDTH
from bot.moderation.pictures.png import png
from bot.moderation.pictures.shapes import Line, Picture, Rect, Text
from bot.moderation.pictures.svg import svg
from bot.times import HOUR

BEGAN = 494_040
"""The first hour of a day."""


def went_on(slots: int, step: int = A_DAY, *, messages: int = 12, channels: int = 1, every: int = 1) -> Activity:
    """Return figures with something in each slot, or in every so many."""
    last = BEGAN + (slots - 1) * step
    found = Activity(Wanted(None, BEGAN * HOUR, last * HOUR, step))
    for number in range(0, slots, every):
        each = Figures(messages, 3, messages // 2, latency=Counter({BOUNDS[number % len(BOUNDS)]: 4}))
        each.skipped["muted"], each.given_up["expired"] = messages // 3, number % 2
        found.slots[BEGAN + number * step] = each
        found.total.join(each)
    found.channels = dict.fromkeys(range(channels), found.total)
    return found


ODD: Mapping[str, Activity] = {
    "one day": went_on(1),
    "one message": went_on(1, messages=1),
    "a month": went_on(30),
    "three days by hour": went_on(72, AN_HOUR),
    "two days of a year": went_on(366, every=365),
    "400 days": went_on(400),
    "ten years": went_on(3653),
    "many hours": went_on(2000, AN_HOUR),
    "60 channels": went_on(7, channels=60),
    "huge numbers": went_on(7, messages=10**15),
    "only bots": Activity(Wanted(None, 0, HOUR), slots={0: Figures(bot_messages=5)}),
}


@pytest.mark.parametrize("found", ODD.values(), ids=ODD)
def test_a_picture_holds_all_that_is_in_it(found: Activity) -> None:
    """No bar, line or text is clipped, and no text lies over its neighbour."""
    picture = drawn(found)
    rows: dict[float, list[tuple[float, float]]] = {}

    for shape in picture.shapes:
        for x, y in corners(shape):
            assert -0.01 <= x <= picture.width
            assert 0 <= y <= picture.height
        if isinstance(shape, Text):
            (left, _), (right, base) = corners(shape)
            rows.setdefault(base, []).append((left, right))
    for row in rows.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(row)))
    assert "</svg>" in svg(picture)


def corners(shape: Rect | Line | Text) -> tuple[tuple[float, float], ...]:
    """Return points that are within a picture where the whole shape is."""
    match shape:
        case Rect():
            return (shape.x, shape.y), (shape.x + shape.width, shape.y + shape.height)
        case Line():
            return shape.points
        case Text():
            left = shape.x - shape.width * {"start": 0, "middle": 0.5, "end": 1}[shape.anchor]
            return (left, shape.y - shape.size), (left + shape.width, shape.y)


@pytest.mark.parametrize("name", ["a month", "huge numbers", "400 days"])
def test_it_becomes_a_png(name: str) -> None:
    """Of two points a unit, small enough for Discord, and not of one colour."""
    picture = drawn(ODD[name])
    content = png(picture)

    image = Image.open(io.BytesIO(content))
    image.load()
    assert (image.format, image.size) == ("PNG", (2 * WIDTH, 2 * picture.height))
    assert len(content) < 100_000
    colours = image.convert("RGB").getcolors(10**6) or []
    assert len(colours) > 10


def test_nothing_becomes_a_sentence() -> None:
    """Where nothing was written and nothing answered."""
    picture = drawn(Activity(Wanted(None, 0, HOUR)))

    assert [shape.said for shape in picture.shapes if isinstance(shape, Text)] == [
        "Nothing was written and nothing answered in this time."
    ]
    assert png(picture)


def test_a_long_time_has_slots_of_whole_weeks() -> None:
    """Or of whole days, where it was counted by hour: nobody sees a bar that is thinner than a point."""
    titles = {name: texts(drawn(ODD[name]))[1] for name in ("a month", "three days by hour", "400 days", "ten years")}
    bars = [shape for shape in drawn(ODD["ten years"]).shapes if isinstance(shape, Rect)]

    assert titles == {
        "a month": "messages and replies a day",
        "three days by hour": "messages and replies an hour",
        "400 days": "messages and replies a week",
        "ten years": "messages and replies in 35 days",
    }
    assert texts(drawn(ODD["many hours"]))[1] == "messages and replies a day"
    assert len(bars) < 7 * MOST_SLOTS


def texts(picture: Picture) -> list[str]:
    """Return what a picture says, in order."""
    return [shape.said for shape in picture.shapes if isinstance(shape, Text)]


def test_a_scale_has_round_numbers() -> None:
    """With thousands apart, and times in the units that people use."""
    said = texts(drawn(went_on(7, messages=4321)))
    slow = Activity(Wanted(None, 0, HOUR), total=Figures(latency=Counter({BOUNDS[75]: 1})))
    slow.slots[0] = slow.total

    assert {"0", "2,000", "4,000", "6,000"} <= set(said)
    assert {"2 min", "4 min", "6 min", "8 min"} <= set(texts(drawn(slow)))


@pytest.mark.parametrize(
    ("length", "said"), [(412_345, "0.41 s"), (1_249_000, "1.2 s"), (12_600_000, "13 s"), (200_000_000, "3 min 20 s")]
)
def test_a_time_is_said_briefly(length: int, said: str) -> None:
    """To two digits below a minute."""
    assert brief_span(length) == said


@pytest.mark.parametrize(
    ("latency", "half", "most"),
    [
        pytest.param({}, None, None, id="no reply"),
        pytest.param({1000: 1}, 920, 992, id="one"),
        pytest.param({1000: 50, 8192000: 50}, 1000, 8061662, id="two kinds"),
        pytest.param({1000: 95, 8192000: 5}, 925, 1000, id="few slow ones"),
    ],
)
def test_shares_of_replies(latency: dict[int, int], half: int | None, most: int | None) -> None:
    """Between the bounds of those that were counted together, in a straight line."""
    found = Figures(latency=Counter(latency))

    assert (found.within(0.5), found.within(0.95)) == (half, most)
