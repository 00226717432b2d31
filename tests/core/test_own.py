"""A program's own events and folds: which classes fit, what the log keeps of an event, what comes back of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import pytest
from pydantic import BaseModel

from bot.core import events as e
from bot.core.own import Event, Fold
from bot.core.own.event import MOST_BYTES, Fields, envelope, opened
from bot.core.own.fold import decode, encode, fingerprint, folded
from bot.core.streams import own_stream, stream_of
from bot.errors import OwnEventError, OwnFoldError

SECRET = "what somebody wrote"


class Gained(Event):
    """Somebody gained points."""

    TYPE = "level.gained"

    points: int
    at: float = 0


class Moved(Event):
    """What had one name in v1, another in v2, and a list of them in v3."""

    TYPE = "ticket.moved"
    V = 3

    places: tuple[str, ...]

    @classmethod
    def lift(cls, v: int, fields: Fields) -> Fields:
        """Rename, then wrap."""
        if v == 1:
            return {"place": fields.pop("where")}
        return {"places": [fields["place"]]}


class Levels(Fold):
    """The sum."""

    NAME = "levels"
    EVENTS = (Gained, Moved)

    points: int = 0
    seen: tuple[str, ...] = ()

    def apply(self, event: Event) -> Self:
        """Add; refuse what nobody can gain."""
        match event:
            case Gained(points=0):
                raise ValueError(SECRET)
            case Gained(points=-1):
                return None  # type: ignore[return-value]
            case Gained(points=points):
                return self.model_copy(update={"points": self.points + points})
            case Moved(places=places):
                return self.model_copy(update={"seen": (*self.seen, *places)})
        return self


def placed(event: e.Event, version: int = 1) -> e.Recorded:
    """Return an event as a reader does."""
    return e.Recorded(40 + version, "own:tickets", version, 1, event)


def stored(type_name: str, v: int, **data: Any) -> e.Recorded:  # noqa: ANN401 - JSON
    """Return what the log holds of an own event."""
    return placed(e.OwnRecorded(type=type_name, v=v, data=data))


def made(base: type[BaseModel] = Event, **members: Any) -> Callable[[], type]:  # noqa: ANN401 - of a class
    """Return what makes a class."""
    annotations = {name: Any for name in members if name.islower() and name not in {"apply", "lift"}}
    return lambda: type("Made", (base,), {"__module__": __name__, "__annotations__": annotations, **members})


def kept(self: Fold, _event: Event) -> Fold:
    """Return the same state."""
    return self


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (made(TYPE="Level.Gained"), "not the name of a type"),
        (made(TYPE="level..gained"), "not the name of a type"),
        (made(TYPE=""), "not the name of a type"),
        (made(TYPE="a" * 65), "not the name of a type"),
        (made(TYPE=7), "not the name of a type"),
        (made(TYPE="message.received"), "a type of the log's own: choose another name"),
        (made(TYPE="own.recorded"), "a type of the log's own: choose another name"),
        (made(TYPE="level.lost", V=0), "V counts from 1"),
        (made(TYPE="level.lost", V=True), "V counts from 1"),
        (made(TYPE="level.lost", V=2), "has version 2 and no `lift`"),
        (made(Fold, NAME="Levels", EVENTS=(Gained,), apply=kept), "its NAME is"),
        (made(Fold, NAME="levels", VERSION=0, EVENTS=(Gained,), apply=kept), "from 1 on"),
        (made(Fold, NAME="levels", EVERY=0, EVENTS=(Gained,), apply=kept), "from 1 on"),
        (made(Fold, NAME="levels", apply=kept), "name one at least"),
        (made(Fold, NAME="levels", EVENTS=(Event,), apply=kept), "name one at least"),
        (made(Fold, NAME="levels", EVENTS=(Gained, Gained), apply=kept), "the same TYPE"),
        (made(Fold, NAME="levels", EVENTS=(Gained,)), "no `apply`"),
    ],
)
def test_a_class_that_does_not_fit_is_refused_when_it_is_made(make: Callable[[], type], told: str) -> None:
    """And the sentence says what to change."""
    with pytest.raises((OwnEventError, OwnFoldError), match=told):
        make()


def test_a_state_has_a_beginning() -> None:
    """Which its defaults are."""
    with pytest.raises(OwnFoldError, match="give points, name a default"):

        class Levels(Fold):
            NAME = "levels"
            EVENTS = (Gained,)
            points: int
            name: str

            def apply(self, event: Event) -> Self:  # noqa: ARG002
                return self


@pytest.mark.parametrize("name", ["7", "user:7", "guild.7/user-8_x", "A" * 100])
def test_a_stream_of_one_s_own_is_no_other_stream(name: str) -> None:
    """Its name in the log says so."""
    assert own_stream(name) == f"own:{name}"


@pytest.mark.parametrize(
    "name", ["", "bot", stream_of(7), "channel:", "guild:7", "own:7", ":7", "a b", "ä", "a\n", "A" * 101]
)
def test_what_no_own_stream_is_called(name: str) -> None:
    """A channel's stream belongs to the log."""
    assert own_stream(name) is None


@pytest.mark.parametrize("event", [Gained(points=5), Gained(points=2**70, at=1.5), Moved(places=("ä", ""))])
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    """Through the envelope, and the log's own JSON."""
    there = e.OwnRecorded.model_validate_json(envelope(event).model_dump_json(exclude_defaults=True))

    assert type(event).from_log(placed(there)) == event
    assert there.own_form == (event.TYPE, event.V)


def test_an_event_of_another_type_is_none_of_this_one() -> None:
    """Nor is one of the log's."""
    assert Gained.from_log(stored("ticket.moved", 3, places=[])) is None
    assert Gained.from_log(placed(e.ServerLeft(guild_id=1))) is None


class Loose(Event):
    """Holds anything."""

    TYPE = "loose.kept"

    what: Any


def nested(depth: int) -> list[Any]:
    """Return lists in lists."""
    return [nested(depth - 1)] if depth else []


def made_wrong(points: Any) -> Event:  # noqa: ANN401 - wrong on purpose
    """Return an event that was made without looking at what is in it."""
    return Gained.model_construct(points=points)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (made_wrong(SECRET), r"level\.gained v1 does not fit its class: points \(int_parsing\)"),
        (made_wrong(None), r"level\.gained v1 does not fit its class: points \(int_type\)"),
        (Gained(points=1, at=float("nan")), "does not fit its class: at"),
        (Gained(points=1, at=float("inf")), "does not fit its class: at"),
        (Loose(what={1}), r"loose\.kept v1 does not come back from JSON"),
        (Loose(what="\ud800"), "does not come back from JSON"),
        (Loose(what=nested(199)), "json_invalid"),
        (Loose(what=object()), "does not come back from JSON"),
        (Loose(what=SECRET * MOST_BYTES), r"loose\.kept v1 takes [\d,]+ bytes, and 16,384 is the most"),
    ],
    ids=["text", "none", "nan", "inf", "set", "half a character", "deep", "object", "large"],
)
def test_what_would_not_come_back_is_not_kept(event: Event, told: str) -> None:
    """What it holds is not told: somebody may have written it."""
    with pytest.raises(OwnEventError, match=told) as raised:
        envelope(event)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (stored("ticket.moved", 1, where="a"), Moved(places=("a",))),
        (stored("ticket.moved", 2, place="a"), Moved(places=("a",))),
        (stored("ticket.moved", 3, places=["a", "b"]), Moved(places=("a", "b"))),
    ],
)
def test_an_older_version_is_lifted_step_by_step(recorded: e.Recorded, expected: Moved) -> None:
    """And the log's own event stays as it was."""
    before = recorded.event.model_copy(deep=True)

    assert Moved.from_log(recorded) == expected
    assert recorded.event == before


def no_fields(_v: int, _fields: Fields) -> Any:  # noqa: ANN401 - wrong on purpose
    """Return nothing."""


Unlifted = made(TYPE="ticket.moved", V=2, places=(), lift=staticmethod(no_fields))()


@pytest.mark.parametrize(
    ("model", "recorded", "told"),
    [
        (Moved, stored("ticket.moved", 4, places=[]), r"v4 at position 41 \(v1 of own:tickets\) is newer than .* v3"),
        (Moved, stored("ticket.moved", 1, place=SECRET), r"v1 at position 41 .* can't be lifted to v2.*KeyError"),
        (
            Moved,
            stored("ticket.moved", 3, places=SECRET),
            r"v3 at position 41 .*: places \(tuple_type\)\. .* raise its V",
        ),
        (Moved, stored("ticket.moved", 3, **{SECRET: 1}), r"places \(missing\), extra_forbidden"),
        (Gained, stored("level.gained", 1), r"level\.gained v1 at position 41 .* points \(missing\)"),
        (Unlifted, stored("ticket.moved", 1), r"`lift` of Made returned no fields \(ticket\.moved v1 at position 41"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(model: type[Event], recorded: e.Recorded, told: str) -> None:
    """Type, version and position; and no word of what is in it."""
    with pytest.raises(OwnEventError, match=told) as raised:
        opened(model, recorded)
    assert SECRET not in str(raised.value)


def test_a_wrong_field_of_one_s_own_is_not_quoted() -> None:
    """Where an event is made, neither."""
    with pytest.raises(ValueError, match="points") as raised:
        Gained(points=SECRET)  # type: ignore[arg-type]
    assert SECRET not in str(raised.value)


def test_what_is_recorded_once_has_a_key_of_its_own() -> None:
    """By the text and the place among those that were recorded with it; without a text there is none."""
    keys = [
        envelope(Gained(points=1), key_digest=digest, nth=nth).key()
        for digest in ("ab" * 16, "cd" * 16)
        for nth in (0, 1)
    ]

    assert len(set(keys)) == 4
    assert all(key and key.kind is e.KeyKind.OWN and max(abs(key.id), abs(key.part)) < 2**63 for key in keys)
    assert envelope(Gained(points=1)).key() is None


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Gained(points=0), r"fold levels raised ValueError for level\.gained at position 42 \(v2 of own:tickets\)"),
        (
            Gained(points=-1),
            r"fold levels returned NoneType for level\.gained at position 42 \(v2 of own:tickets\)",
        ),
    ],
)
def test_an_error_in_a_fold_names_the_event(event: Event, told: str) -> None:
    """And says what to do."""
    with pytest.raises(OwnFoldError, match=told) as raised:
        folded(Levels(), [placed(envelope(Gained(points=5))), placed(envelope(event), 2)])
    assert "raise VERSION" in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_fold_passes_over_what_it_is_not_made_of() -> None:
    """Types that it does not name, of the program's or the log's."""
    receipt = e.WordsErased(reason=e.ErasureReason.PERSON, versions=(e.Span(1, 1),))
    events = [envelope(Gained(points=5)), envelope(Loose(what=1)), receipt, envelope(Gained(points=2))]

    assert folded(Levels(), [placed(event) for event in events]) == Levels(points=7)


def test_a_fold_does_not_pass_over_what_can_not_be_read() -> None:
    """Nobody knows what it would change."""
    unread = e.Unreadable(stored=e.Form("own.recorded", 9), why=e.Unread.VERSION)
    with pytest.raises(
        OwnEventError, match=r"own\.recorded v9 at position 41 .* newer version\. See `echoless log verify`"
    ):
        folded(Levels(), [placed(unread)])


def test_the_fingerprint_follows_the_fold() -> None:
    """Its version, its events, its state's shape and its beginning; a better word in a docstring changes nothing."""

    class Renamed(Levels):
        """Other words."""

        NAME = "levels"

    others = [
        type("Other", (Levels,), {"NAME": "levels", "__module__": __name__, **members})
        for members in (
            {"VERSION": 2},
            {"EVENTS": (Gained,)},
            {"EVENTS": (Gained, Unlifted)},
            {"__annotations__": {"more": int}, "more": 0},
            {"__annotations__": {"points": int}, "points": 1},
        )
    ]
    assert fingerprint(Renamed) == fingerprint(type("Renamed", (Levels,), {"NAME": "levels", "__module__": __name__}))
    assert len({fingerprint(each) for each in (Levels, *others)}) == 1 + len(others)


def test_a_state_that_would_not_come_back_is_no_snapshot() -> None:
    """Nor does what is of another shape come back as a state."""
    assert encode(Levels(points=5)) == '{"points":5,"seen":[]}'
    assert encode(Levels().model_copy(update={"seen": {1}})) is None
    assert encode(Levels().model_copy(update={"seen": object()})) is None
    assert decode(Levels, '{"points":"no"}') is None
    assert decode(Levels, "{") is None


def test_own_classes_are_none_of_the_log_s() -> None:
    """So that no tool takes one for a type that it has to know."""
    assert not {Gained.TYPE, Moved.TYPE, Loose.TYPE} & {model.TYPE for model in e.models_below(e.Event)}
