"""Large JSON files, value by value."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.importing import json_stream
from bot.importing.json_stream import Fault, JsonStream, NoJson

START = re.compile(r'\{"id"')
ELEMENTS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(0, 99), "text": st.text(st.characters(exclude_characters="}"), max_size=20)}
    ),
    max_size=6,
)


def elements(data: bytes) -> list[Any]:
    """Return what is in a list."""
    stream = JsonStream(io.BytesIO(data))
    assert stream.take("[")
    return list(stream.elements(START))


@pytest.fixture(params=[1, 7, 2**20])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files read in pieces of several sizes."""
    monkeypatch.setattr(json_stream, "CHUNK", request.param)


@pytest.mark.usefixtures("chunk")
@given(ELEMENTS, st.sampled_from([None, 2]), st.booleans())
def test_elements_come_as_they_are(written: list[Any], indent: int | None, mark: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever the size of the pieces in which the file is read, with a byte order mark or without."""
    data = json.dumps(written, indent=indent, ensure_ascii=False).encode(errors="replace")

    assert elements(b"\xef\xbb\xbf" * mark + data) == json.loads(data)


@given(ELEMENTS, st.integers(0, 400))
def test_a_file_that_is_cut_gives_what_it_holds(written: list[Any], at: int) -> None:
    """And says that it was cut."""
    whole = json.dumps(written).encode()
    data = whole[: 1 + at % max(1, len(whole) - 1)]

    *found, last = elements(data)

    assert found == written[: len(found)]
    assert last is Fault.CUT
    assert len(found) >= data.count(b"}")


@pytest.mark.parametrize(
    "broken", [b'{"id": 2, "text": nothing}', b'{"id": 2 "text": 1}', b"\0", b'"\x01"', b"9" * 5000, b"[" * 20_000]
)
def test_a_broken_element_costs_that_element(broken: bytes) -> None:
    """It goes on where the next one begins."""
    found = elements(b'[{"id": 1}, ' + broken + b', {"id": 3}, {"id": 4}]')

    assert found == [{"id": 1}, Fault.BROKEN, {"id": 3}, {"id": 4}]


@pytest.mark.usefixtures("chunk")
def test_a_number_is_read_to_its_end() -> None:
    """Also where it lies in two pieces."""
    assert elements(b"[1234, 5.25, 6, {}]") == [1234, 5.25, 6, {}]


def test_bytes_that_are_no_text_cost_a_character() -> None:
    """Not the element."""
    assert elements(b'[{"id": 1, "text": "a\xffb"}]') == [{"id": 1, "text": "a\ufffdb"}]


def test_a_value_longer_than_any_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text without an end does not fill the memory."""
    monkeypatch.setattr(json_stream, "CHUNK", 10)
    monkeypatch.setattr(json_stream, "LARGEST", 100)
    file = io.BytesIO(b'"' + b"x" * 10_000)

    with pytest.raises(NoJson):
        JsonStream(file).value()

    assert file.tell() < 10_000
