"""What is stored of an event, and that what was stored once loads for ever."""

from __future__ import annotations

import json

import pytest

from bot.core import events as e
from bot.eventlog.codec import decode, decode_body, encode_body, encode_event, event_models

STOPPED = e.BotStopped.TYPE


@pytest.mark.parametrize(
    ("v", "data"),
    [
        pytest.param(1, "", id="nothing"),
        pytest.param(1, "{", id="broken JSON"),
        pytest.param(1, "[]", id="no object"),
        pytest.param(1, "{}", id="a missing field"),
        pytest.param(1, '{"reason": "signal", "more": 1}', id="a field too many"),
        pytest.param(1, '{"reason": 1}', id="a wrong type"),
        pytest.param(0, '{"reason": "signal"}', id="a version that never was"),
        pytest.param(-1, '{"reason": "signal"}', id="a negative version"),
    ],
)
def test_data_that_does_not_fit_is_damage(v: int, data: str) -> None:
    """What comes in its place names type and version, and does not quote the data."""
    found = decode(STOPPED, v, data)

    assert found == e.Unreadable(stored=e.Form(STOPPED, v), why=e.Unread.DATA)
    assert str(found) == f"it can't be read: bot.stopped v{v}, does not fit its schema"


@pytest.mark.parametrize(
    ("type_name", "v", "why"),
    [
        ("bot.dreamt", 1, e.Unread.TYPE),
        ("bot.\udcff", 1, e.Unread.TYPE),
        (STOPPED, e.BotStopped.V + 1, e.Unread.VERSION),
    ],
    ids=ascii,
)
def test_what_a_newer_release_wrote_is_not_taken_for_damage(type_name: str, v: int, why: e.Unread) -> None:
    """Its form is named, and nothing of it can be known."""
    found = decode(type_name, v, '{"reason": "signal"}')

    assert isinstance(found, e.Unreadable)
    assert (found.why, found.form) == (why, (type_name.replace("\udcff", "?"), v))
    assert (found.key(), found.about()) == (None, None)


def test_types_have_names_of_their_own() -> None:
    """Two models under one name would shadow each other."""
    named = [model.TYPE for model in event_models()]

    assert len(named) == len(set(named))
    assert all(model.__doc__ for model in event_models())


def test_defaults_are_not_stored() -> None:
    """They belong to the schema version, and most fields hold them."""
    received = e.MessageReceived(message_id=1, author_id=2, sent_at=3)

    assert encode_event(received) == b'{"message_id":1,"author_id":2,"sent_at":3}'
    assert encode_event(e.ChannelDeleted()) == b"{}"
    assert encode_body(e.Body(parts=("a",))) == b'{"v":2,"parts":["a"]}'


TEXTS = ["", " ", "a\x00b", "line\nline", "ünïcödé", "👩‍👩‍👧", '"quoted" \\ back', "\u2028", "x" * 4000]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_body_comes_back_as_it_went(text: str) -> None:
    """Whatever people write."""
    body = e.Body(name=text, parts=(text, "", text), files=(text,))

    assert decode_body(encode_body(body)) == body


def test_half_a_character_is_replaced_and_not_refused() -> None:
    """JSON may carry half of a surrogate pair, which no file in UTF-8 can hold; the message must not be lost for it."""
    body = e.Body(name="Ada", parts=("before \ud800 after", "👍"))
    lost = e.GatewayLost(reason="\udfff")

    assert decode_body(encode_body(body)) == e.Body(name="Ada", parts=("before ? after", "👍"))
    assert decode(e.GatewayLost.TYPE, 1, encode_event(lost).decode()) == e.GatewayLost(reason="?")


def test_half_a_character_leaves_other_fields_as_they_are() -> None:
    """Numbers, enumerations and nested models included."""
    received = e.MessageReceived(
        message_id=1,
        author_id=2,
        author=e.Author.BOT,
        sent_at=3,
        attachments=(e.Attachment(id=4, size=5, content_type="\ud800/png"),),
    )
    data = encode_event(received)

    assert json.loads(data) == {
        "message_id": 1,
        "author_id": 2,
        "author": "bot",
        "sent_at": 3,
        "attachments": [{"id": 4, "size": 5, "content_type": "?/png"}],
    }


def test_a_body_of_a_newer_release_is_none() -> None:
    """This release can't tell what else it says."""
    assert decode_body(b'{"name": "Ada", "whisper": "confidential"}') is None


def test_data_of_any_depth_that_fits_no_schema_is_damage() -> None:
    """Python's own reader gives up on it in its own way."""
    found = decode("message.deleted", 0, "[" * 100_000)

    assert found == e.Unreadable(stored=e.Form("message.deleted", 0), why=e.Unread.DATA)
