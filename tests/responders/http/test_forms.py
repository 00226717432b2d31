"""The forms of an answer: whole, streamed, Rasa's; whatever the bytes are cut into."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.responders.http import forms
from bot.responders.http.forms import MOST_MESSAGES, Growing, Piece, Unreadable, rasa, streamed, whole
from bot.responders.http.lines import Events, JsonLines, Lines
from bot.responders.protocol import BETWEEN
from bot.responders.text import MAX_UNITS, units_of


def messages(pieces: Iterator[Piece]) -> tuple[tuple[str, ...], bool]:
    """Return the messages of an answer, and whether there is more of it."""
    growing, last = Growing(), Piece()
    for piece in pieces:
        growing.take(piece)
        last = piece
    assert last.done
    return growing.messages, last.more


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"text": "hello"}, (("hello",), False)),
        ({"text": "hello", "more": True}, (("hello",), True)),
        ({"messages": ["a", "b"]}, (("a", "b"), False)),
        ({"messages": ["a", " \n", "b"]}, (("a", "b"), False)),
        ({"messages": ["a"], "text": "passed over"}, (("a",), False)),
        ({"text": None}, ((), False)),
        ({"text": "  "}, ((), False)),
        ({"messages": []}, ((), False)),
        ({"text": "a\x00b\ud83d"}, (("ab",), False)),
        ({"text": "hello", "of a later version": [1]}, (("hello",), False)),
    ],
)
def test_a_whole_answer_is_a_text_or_several_messages(answer: object, expected: object) -> None:
    """And none, if there is nothing to say."""
    assert messages(whole(json.dumps(answer).encode())) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([], ()),
        ([{"recipient_id": "1", "text": "hello"}], ("hello",)),
        ([{"text": "a"}, {"text": "b"}], ("a", "b")),
        ([{"text": "or?", "buttons": [{"title": "a", "payload": "/a"}, {"title": "b"}]}], ("or?\n- a\n- b",)),
        ([{"image": "http://x/cat.png"}], ("http://x/cat.png",)),
        ([{"text": "see", "attachment": "http://x/a.pdf"}], ("see\nhttp://x/a.pdf",)),
        ([{"attachment": {"type": "video", "payload": {"src": "http://x/film"}}}], ("http://x/film",)),
        ([{"custom": {"anything": 1}}, {"text": 5, "buttons": 7, "attachment": [1]}], ()),
    ],
)  # fmt: skip
def test_rasas_answers_become_texts(answer: object, expected: tuple[str, ...]) -> None:
    """Also their buttons and pictures."""
    assert messages(rasa(json.dumps(answer).encode()))[0] == expected


@pytest.mark.parametrize(
    ("form", "data", "said"),
    [
        (whole, b"SECRET", "it is no JSON"),
        (whole, b"\xff", "it is no JSON"),
        (whole, b"[" * 100_000, "it is no JSON"),
        (whole, b'{"text": ' + b"9" * 5000 + b"}", "it is no JSON"),
        (whole, b'["SECRET"]', "no JSON object"),
        (whole, b'{"answer": "SECRET"}', 'neither "text" nor "messages"'),
        (whole, b'{"text": 5}', "in the place of a text"),
        (whole, b'{"messages": "SECRET"}', "are no list"),
        (whole, b'{"messages": [["SECRET"]]}', "in the place of a text"),
        (whole, b'{"text": "a", "more": "SECRET"}', 'its "more" has to be true or false'),
        (rasa, b'{"status": "failure"}', "no list of messages as Rasa's REST channel has it"),
        (rasa, b'["SECRET"]', "no list of messages"),
        (lambda data: iter([streamed(data)]), b'{"delta": "SECRET"}', 'none of "text", "next" and "done"'),
        (lambda data: iter([streamed(data)]), b'{"done": 1}', 'its "done" has to be true or false'),
    ],
)
def test_what_is_no_answer_says_why(form: object, data: bytes, said: str) -> None:
    """Without a word of it."""
    assert callable(form)
    with pytest.raises(Unreadable) as refused:
        list(form(data))

    assert said in str(refused.value)
    assert "SECRET" not in str(refused.value)


def test_an_answer_has_an_end() -> None:
    """A text is cut where no message of Discord's takes more, and so are messages without end."""
    long, many = Growing(), Growing()

    shown = long.take(Piece("\N{GRINNING FACE}" * MAX_UNITS))
    for number in range(MOST_MESSAGES + 1):
        many.take(Piece(f"{number}", begins=True))

    assert (units_of(shown), long.full, long.take(Piece("more"))) == (MAX_UNITS, True, "")
    assert (len(many.messages), many.full) == (MOST_MESSAGES, True)


@settings(max_examples=30)
@given(st.lists(st.lists(st.text(max_size=9), max_size=4), max_size=6))
def test_what_is_shown_while_it_grows_is_the_answer(texts: list[list[str]]) -> None:
    """All pieces together are the messages, one below the other; no piece takes anything back."""
    growing = Growing()

    shown = "".join(
        growing.take(Piece(text, begins=number == 0))
        for message in texts
        for number, text in enumerate(message or [""])
    )

    assert shown == BETWEEN.join(growing.messages)
    assert all(message.strip() for message in growing.messages)


@settings(max_examples=30)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), st.data())
def test_a_text_cut_within_a_character_is_whole_again(text: str, data: st.DataObject) -> None:
    """JavaScript cuts texts between UTF-16 code units."""
    units = f"x{text}".encode("utf-16-le")
    at = data.draw(st.integers(0, len(units) // 2)) * 2
    growing = Growing()

    for half in (units[:at], units[at:]):
        growing.take(Piece(half.decode("utf-16-le", "surrogatepass")))

    assert growing.messages == (f"x{text}",)


DONE = b'{"done": true}'
EVENTS = b'\xef\xbb\xbf: hello\n\ndata: {"text":\ndata: "a"}\n\nevent: x\nid: 4\ndata:{"done": true}\n\ndata: cut'
LINES = b'{"text": "a"}\n\n  \n{"done": true}\n{"cut'


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    ("stream", "sent", "expected"),
    [
        (Events, EVENTS, [b'{"text":\n"a"}', b'{"done": true}']),
        (JsonLines, LINES, [b'{"text": "a"}', b'{"done": true}']),
    ],
)
@settings(max_examples=20)
@given(cuts=st.lists(st.integers(0, 120), max_size=6).map(sorted))
def test_a_stream_is_read_whatever_it_is_cut_into(
    stream: type[Events | JsonLines], sent: bytes, expected: list[bytes], end: bytes, cuts: list[int]
) -> None:
    """Each object once its end is there, and what has none never."""
    sent = sent.replace(b"\n", end)
    lines, found = Lines(), stream()
    pieces = [sent[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True)]

    read = [data for piece in pieces for line in lines.feed(piece) if (data := found.feed(line)) is not None]

    assert read == expected


def test_a_line_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it fills the memory."""
    monkeypatch.setattr("bot.responders.http.lines.LONGEST_LINE", 10)

    with pytest.raises(Unreadable, match=rf"a line of its stream has more than 10 bytes: {forms.PAGE}"):
        list(Lines().feed(b"x" * 11))
