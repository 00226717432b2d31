"""The mark in Kafka: whatever is lost or repeated around it, each event is in the topic once. And the settings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.consumers.kafka.mark import Mark
from bot.consumers.kafka.settings import KafkaSettings, kafka
from bot.core.events import GatewayLost, Recorded
from bot.errors import ConfigError
from bot.eventlog.pages import History
from bot.kafka_access import options_of

EVENTS = 12
LOG = History("log", EVENTS, ())


def recorded(position: int, recorded_at: int = 0) -> Recorded:
    """Return an event."""
    return Recorded(position, "bot", position, recorded_at or position, GatewayLost(reason=""), None, None)


class Sink:
    """A topic with its mark, a consumer's own database, and what can happen between them."""

    def __init__(self, bad: set[int]) -> None:
        self.topic: list[int] = []
        self.mark = Mark()
        self.bad = bad
        self.position = 0
        self.parked: set[int] = set()

    def add(self, positions: list[int]) -> None:
        """Add in one transaction what is not there, as the consumer does."""
        added = [recorded(each) for each in positions if not self.mark.covers(recorded(each))]
        if added:
            self.mark = self.mark.after(added, recorded(positions[-1]), self.parked, LOG)
            self.topic += [each.position for each in added]

    def step(self, size: int, *, saved: bool) -> None:
        """Hand events over; where one of them is bad, one by one. Unless ``saved``, the bot dies before its commit."""
        stretch = list(range(self.position + 1, min(self.position + size, EVENTS) + 1))
        if not stretch:
            return
        alone = self.bad.intersection(each for each in stretch if not self.mark.covers(recorded(each)))
        for handed in [[each] for each in stretch] if alone else [stretch]:
            if handed[0] in alone:
                self.parked.add(handed[0])
            else:
                self.add(handed)
                if not saved and handed[-1] == stretch[-1]:
                    return
            self.position = handed[-1]

    def retry(self, position: int, *, saved: bool) -> None:
        """Hand a parked event over again."""
        if position in self.parked and position not in self.bad:
            self.add([position])
            if saved:
                self.parked.discard(position)

    def lose(self) -> None:
        """Lose the consumer's own database."""
        self.position, self.parked = 0, set()


STEPS = st.one_of(
    st.tuples(st.just("step"), st.integers(1, 5), st.booleans()),
    st.tuples(st.just("retry"), st.integers(1, EVENTS), st.booleans()),
    st.tuples(st.just("heal"), st.integers(1, EVENTS), st.just(value=True)),
    st.tuples(st.just("lose"), st.just(0), st.just(value=True)),
)


@given(bad=st.sets(st.integers(1, EVENTS), max_size=4), steps=st.lists(STEPS, max_size=25))
def test_each_event_is_added_once(bad: set[int], steps: list[tuple[str, int, bool]]) -> None:
    """Whatever dies, fails, is parked, is retried or is lost, and in whatever order; none is left out."""
    sink = Sink(set(bad))
    for what, number, saved in steps:
        if what == "step":
            sink.step(number, saved=saved)
        elif what == "retry":
            sink.retry(number, saved=saved)
        elif what == "heal":
            sink.bad.discard(number)
        else:
            sink.lose()
        assert len(sink.topic) == len(set(sink.topic))
    sink.bad.clear()
    while sink.position < EVENTS:
        sink.step(EVENTS, saved=True)
    for position in range(1, EVENTS + 1):
        sink.retry(position, saved=True)
    assert sorted(sink.topic) == [*range(1, EVENTS + 1)]


@pytest.mark.parametrize(
    ("history", "covered"),
    [
        pytest.param(LOG, {1, 2, 4, 5}, id="the same log"),
        pytest.param(History("log", 20, ((4, 1),)), {1, 2}, id="one whose backup took the fourth event away"),
        pytest.param(History("log", 20, ((9, 1),)), {1, 2, 4, 5}, id="one whose backup took nothing of this away"),
        pytest.param(History("log", 4, ()), {1, 2, 4}, id="one that a power loss took an event from"),
        pytest.param(History("other", 20, ()), set(), id="another log"),
    ],
)
def test_a_mark_speaks_of_the_log_that_it_is_of(history: History, covered: set[int]) -> None:
    """And of no more than they share."""
    mark = Mark("log", 0, 5, 5, frozenset({3})).of_log(history)

    assert {each for each in range(1, 9) if mark.covers(recorded(each))} == covered
    assert Mark.of(mark.to_bytes()) == mark


def test_another_event_at_its_position_is_not_there() -> None:
    """A power loss took the one that was, and a new one came before anybody looked."""
    mark = Mark("log", 0, 5, 5).of_log(LOG)

    assert mark.covers(recorded(5))
    assert not mark.covers(recorded(5, recorded_at=77))
    assert mark.after([recorded(5, 77)], recorded(5, 77), (), LOG).covers(recorded(5, 77))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, 'consumers.kafka.bootstrap has to be one or more of its addresses, such as "kafka1:9092,kafka2:9092".'),
        ({"bootstrap": "k:9092", "topic": "a b"}, "consumers.kafka.topic has to be the name of a topic."),
        ({"bootstrap": "k:9092", "topic": "t", "password": "secret"}, "has no setting 'password'"),
        ({"bootstrap": "k:9092", "topic": "t", "sasl": "KERBEROS"}, "sasl has to be"),
        ({"bootstrap": "k:9092", "topic": "t", "sasl": "PLAIN", "username": "u"}, "names no username and password"),
        ({"bootstrap": "k:9092", "topic": "t", "ca_file": "ca.pem"}, "names a file for TLS without tls = true"),
        ({"bootstrap": "k:9092", "topic": "t", "tls": True, "ca_file": "ca.pem"}, "can't be used for TLS"),
        ({"bootstrap": "k:9092", "topic": "t", "password_env": "UNSET"}, "no password in the environment variable"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, settings: dict[str, object], said: str) -> None:
    """With what they have to be, before anything is connected to."""
    with pytest.raises(ConfigError) as refused:
        kafka("kafka", settings, tmp_path)

    assert said in str(refused.value)


def test_what_every_client_is_told(tmp_path: Path) -> None:
    """How to speak, and who it is; the password stands in no setting."""
    (tmp_path / "password").write_text("pass\n")
    found = KafkaSettings.model_validate({"bootstrap": "k:9092", "topic": "t", "password_file": tmp_path / "password"})

    assert "pass\n" not in repr(found)
    assert options_of("k:9092") == {
        "bootstrap_servers": "k:9092",
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }
    options = options_of("k:9092", sasl="SCRAM-SHA-256", username="u", password="p")
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_PLAINTEXT", "SCRAM-SHA-256")


def test_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is not there."""
    for name in ("bot.consumers.kafka.topic", "bot.consumers.kafka.link"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "aiokafka", None)

    with pytest.raises(ConfigError, match=r"aiokafka\): pip install 'echoless\[kafka\]'"):
        kafka("kafka", {"bootstrap": "k:9092", "topic": "t"}, tmp_path)
