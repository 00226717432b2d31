"""The JSON Lines of a log's export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import events as e
from bot.errors import Unimportable
from bot.importing.exported import NoRow, check, event_of, row_of
from bot.moderation.text import Line
from tests.laws.strategies import EVENTS, recorded


def lines(*events: e.Event, **more: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    """Return the lines of events in one stream."""
    told = [Line(each._replace(position=each.version), e.Body(parts=("x",))).to_json() for each in recorded(events)]
    return [line | more for line in told]


def written(path: Path, rows: list[dict[str, Any]], end: str = "\n") -> Path:
    """Write lines into a file."""
    path.write_text("\n".join(map(json.dumps, rows)) + end, encoding="utf-8")
    return path


@given(EVENTS)
def test_every_event_comes_back_as_it_was(event: e.Event) -> None:
    """Whatever its form in the export: ids as texts, 0 as null, named tuples as objects, numbers by name."""
    (told,) = recorded([event])
    line = json.loads(json.dumps(Line(told, None).to_json()))

    back = event_of(event.TYPE, event.V, line["data"])

    # An optional id that is 0 comes back as None; no id of Discord's is 0.
    assert Line(told._replace(event=back), None).to_json() == line
    assert type(back) is type(event)


@given(st.builds(e.Body, name=st.text(), parts=st.lists(st.text()).map(tuple)), st.integers(0, 2**50))
def test_words_and_times_come_back_as_they_were(body: e.Body, moment: int) -> None:
    """To the microsecond."""
    event = e.Recorded(7, "channel:1", 3, moment, e.RepliesPaused(by="x"), causation=6)

    row = row_of(json.dumps(Line(event, body).to_json()).encode())

    assert (row.position, row.stream, row.version, row.recorded_at, row.event) == event[:5]
    assert (row.causation, row.body) == (6, body)


def test_an_event_of_an_older_version_is_lifted() -> None:
    """As the log itself lifts it."""
    skipped = event_of("message.skipped", 1, {"message_id": "5", "reason": "too old"})

    assert skipped == e.MessageSkipped(message_id=5, reason=e.SkipReason.TOO_OLD)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": "no.such"}, "newer release"),
        ({"v": 9}, "newer release"),
        ({"data": None, "unreadable": "unknown type"}, "could not read this event"),
        ({"data": {"by": 1}}, "no event as"),
        ({"data": {"by": "x", "more": 1}}, "no event as"),
        ({"position": "1"}, "no event as"),
        ({"position": 0}, "no event as"),
        ({"recorded_at": "soon"}, "no event as"),
        ({"recorded_at": None}, "no event as"),
        ({"body": {"text": "x"}}, "no event as"),
        ({"stream": 5}, "no event as"),
        ({"causation": -1}, "no event as"),
    ],
)
def test_what_is_no_event_is_refused(change: dict[str, Any], why: str) -> None:
    """With a reason that holds nothing of the line."""
    (line,) = lines(e.RepliesPaused(by="x"))

    with pytest.raises(NoRow, match=why):
        row_of(json.dumps(line | change).encode())


PAUSED = (e.RepliesPaused(by="x"),) * 4


def test_a_whole_export_is_counted(tmp_path: Path) -> None:
    """With its words, and those that are missing."""
    events = (e.MessageEdited(message_id=1, author_id=7, edited_at=1),) * 3
    first, second, third = lines(*events)
    rows = [first, second | {"body": None, "erased": True}, third | {"body": None, "unreadable": "its words"}]

    checked = check(written(tmp_path / "log.jsonl", rows))

    assert (checked.events, checked.words, checked.erased, checked.lost, checked.cut) == (3, 1, 1, 1, 0)
    assert len(checked.digest) == 64


@pytest.mark.parametrize("kept", [(1, 2, 3), (0, 2, 3), (0, 1, 3, 2), (0, 1, 1)])
def test_an_export_of_a_part_is_refused(tmp_path: Path, kept: tuple[int, ...]) -> None:
    """What it lacks nobody could put back."""
    rows = lines(*PAUSED)

    with pytest.raises(Unimportable, match="a part of a log"):
        check(written(tmp_path / "log.jsonl", [rows[each] for each in kept]))


def test_an_export_that_was_cut_gives_what_it_holds(tmp_path: Path) -> None:
    """And says which line was cut."""
    path = written(tmp_path / "log.jsonl", lines(*PAUSED), end="")
    path.write_bytes(path.read_bytes()[:-9])

    checked = check(path)

    assert (checked.events, checked.cut) == (3, 4)


def test_a_broken_line_in_the_middle_is_refused(tmp_path: Path) -> None:
    """By its number."""
    path = tmp_path / "log.jsonl"
    rows = [json.dumps(row) for row in lines(*PAUSED)]
    path.write_text("\n".join((rows[0], rows[1][:50], *rows[2:])) + "\n", encoding="utf-8")

    with pytest.raises(Unimportable, match="Line 2: it is no event"):
        check(path)


def test_an_export_without_words_is_refused(tmp_path: Path) -> None:
    """It would be a log of nobody's words."""
    rows = lines(*(e.MessageEdited(message_id=1, author_id=7, edited_at=1),) * 2, body=None)

    with pytest.raises(Unimportable, match="made without --words"):
        check(written(tmp_path / "log.jsonl", rows))
