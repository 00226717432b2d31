"""The ways in: everything that reads what somebody else wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bot.app import from_settings
from bot.cli.points import LocalZone
from bot.cli.starter import example
from bot.config import Config, load
from bot.config.version import answering_version
from bot.core.events import Event, Via
from bot.errors import ConfigError
from bot.eventlog.codec import decode, decode_body, encode_body, encode_event, event_models
from bot.gateway.discord_py_faults import for_discord_py
from bot.gateway.incoming import Unreadable, from_payload
from bot.moderation.command import ModerationError
from bot.moderation.points import parse_channel, parse_message, parse_person, parse_point
from bot.page.markdown import markdown
from bot.responders.llm.clean import Cleaner
from bot.times import parse_duration
from tests.fuzz.harness import Target
from tests.fuzz.imports import import_targets
from tests.fuzz.odd import DIGITS, JSON, NUMBERS, PIECES, TEXTS, Strategy, damaged, table, written
from tests.fuzz.requests import control_target
from tests.fuzz.searches import search_target
from tests.fuzz.streams import stream_target
from tests.laws.strategies import built

OWN = 99
_NOW = 1_700_000_000_000_000
_ID: Strategy = st.integers(1, 2**63 - 1).map(str)
_USER = table({"id": _ID, "username": TEXTS}, {"global_name": TEXTS, "bot": st.booleans()})
_FILE = table({"id": _ID, "size": st.integers(0, 2**40)}, {"content_type": TEXTS, "filename": TEXTS})
_TIME: Strategy = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.isoformat())
_MESSAGE = table(
    {"id": _ID, "channel_id": _ID, "author": _USER, "content": TEXTS, "timestamp": _TIME},
    {
        "member": table({}, {"nick": TEXTS}),
        "message_reference": table({}, {"message_id": _ID}),
        "referenced_message": table({}, {"author": _USER}),
        "mentions": st.lists(_USER, max_size=2),
        "attachments": st.lists(_FILE, max_size=2),
        "message_snapshots": st.lists(
            table({}, {"message": table({}, {"content": TEXTS, "mentions": JSON})}), max_size=2
        ),
        "embeds": st.lists(table({}, {"title": TEXTS, "fields": JSON, "author": JSON}), max_size=2),
        "components": st.lists(table({"type": st.integers(0, 20)}, {"components": JSON, "label": TEXTS}), max_size=2),
        "sticker_items": JSON,
        "poll": table({}, {"question": JSON, "answers": JSON, "results": JSON}),
        "edited_timestamp": _TIME,
        "guild_id": _ID,
        "type": st.integers(0, 50),
        "webhook_id": _ID,
        "nonce": TEXTS,
    },
)
_FRAME = table(
    {
        "op": st.integers(0, 11),
        "d": _MESSAGE,
        "s": st.integers(0),
        "t": st.sampled_from(["MESSAGE_CREATE", "READY", "RESUMED"]),
    }
)
_MODELS = {model.TYPE: model for model in event_models()}


def _payload(data: Any) -> None:  # noqa: ANN401 - Discord's JSON
    incoming = from_payload(data, OWN)
    for event in filter(None, (incoming.received(Via.CATCHUP), incoming.edited())):
        # Half a character is stored as a question mark.
        read = _stored(event)
        assert _stored(read) == read
    decode_body(encode_body(incoming.body))


def _stored(event: Event) -> Event:
    return decode(event.TYPE, event.V, encode_event(event).decode())


def _event(row: tuple[str, int, bytes]) -> None:
    name, version, data = row
    event = decode(name, version, data.decode(errors="replace"))
    assert isinstance(event, Event)
    event.key()
    event.about()


@st.composite
def _rows(draw: st.DrawFn) -> tuple[str, int, bytes]:
    model = draw(st.sampled_from(list(_MODELS.values())))
    fields = json.loads(encode_event(draw(built(model))))
    for name in draw(st.sets(st.sampled_from([*model.model_fields, "more"]), max_size=2)):
        fields[name] = draw(st.one_of(NUMBERS, JSON))
    data = draw(damaged(st.just(written(fields))))
    return (
        draw(st.sampled_from([*[model.TYPE] * 9, "no.such"])),
        draw(st.sampled_from([*[1] * 9, 0, -1, 2, 2**70])),
        data,
    )


_SCALARS = (
    "1e999", "-1e999", "inf", "nan", "-nan", "9" * 30, "9" * 5000, "0x" + "f" * 4000, "-1", "1.5", "true", '""',
    '"off"', '"x"',
    "1979-05-27T07:32:00Z", "[]", "{}", "[" * 300, '"999999999/1s"', '"99999999999999999999d"', '"1h"', '"30/1m"',
    '["9"]',
    '"http://[::1"', '"http://x:99999999"', '"ws://\\u0000"', '"~\\u0000"', "'" + "9" * 5000 + "'",
)  # fmt: skip
_KEYS = (
    "discord.api_url", "discord.gateway_url", "discord.token_file", "log.path", "log.hot_bytes", "log.snapshot_every",
    "retention.words", "retention.servers",
    "replies.max_age", "replies.send_timeout", "replies.max_attempts", "replies.window", "replies.answer",
    "replies.responder",
    "replies.notices", "channels.record", "catchup.max_age", "catchup.max_messages", "audit.every",
    "limits.per_channel", "limits.queue", "limits.together", "limits.tokens_per_person", "limits.cost_per_day",
    "moderation.owner", "moderation.commands", "telemetry.port", "llm.model", "llm.base_url", "llm.temperature",
    "llm.max_tokens", "llm.context_tokens", "llm.timeout", "llm.prices", "rules", "responders.x",
    "llm.attachments_bytes",
)  # fmt: skip
_GOOD = tuple(re.sub(r"(?m)^# (?=[a-z_]+ = )", "", block) for block in re.split(r"(?m)^(?=\[)", example()))
"""The sections of the example, with all their settings."""


@st.composite
def _files(draw: st.DrawFn) -> bytes:
    lines = draw(st.sampled_from(_GOOD)).splitlines()
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(lines) - 1))
        value = draw(st.one_of(st.sampled_from(_SCALARS), TEXTS.map(repr), TEXTS))
        lines[at] = f"{lines[at].partition(' = ')[0]} = {value}"
    return draw(damaged(st.just("\n".join(lines).encode(errors="replace"))))


def _used(config: Config) -> None:
    """Do what a start does with settings."""
    answering_version(config)
    from_settings.ages(config)
    from_settings.caps(config)
    from_settings.patience(config)
    from_settings.limiter(config, lambda: 0.0)
    from_settings.terms(config, lambda: 0)


def _settings(folder: Path) -> Target:
    path = folder / "config.toml"

    def take(data: bytes) -> None:
        path.write_bytes(data)
        _used(load(path, {}))

    return Target("settings", _files(), take, (ConfigError,))


_VARIABLES = tuple(f"ECHOLESS_{key.replace('.', '__').upper()}" for key in _KEYS)


def _variables(folder: Path) -> Target:
    (folder / "empty.toml").touch()
    values = st.one_of(TEXTS, st.sampled_from(_SCALARS), JSON.map(lambda value: written(value).decode()))
    inputs = st.dictionaries(st.sampled_from(_VARIABLES), values.map(lambda text: text.replace("\0", "")), max_size=3)

    def fit(values: object) -> dict[str, str]:
        found = values.items() if isinstance(values, dict) else ()
        return {str(name): str(value).replace("\0", "") for name, value in found if not isinstance(value, int)}

    return Target("variables", inputs, lambda values: _used(load(folder / "empty.toml", values)), (ConfigError,), fit)


def _point(text: str) -> None:
    for parse in (parse_message, parse_channel, parse_person):
        found = parse(text)
        assert found is None or found
    for zone in (UTC, LocalZone()):
        point = parse_point(text, _NOW, zone)
        again = parse_point(str(point), _NOW)
        assert (again.version, again.message_id, again.moment) == (point.version, point.message_id, point.moment)


def _duration(text: str) -> None:
    parse_duration(text)


_LINK = st.tuples(
    st.sampled_from(["https://discord.com/channels/", "<https://x/channels/", "http://"]),
    st.lists(st.one_of(_ID, st.sampled_from([*DIGITS, "@me", "/", ">"])), max_size=4).map("/".join),
).map("".join)
_CLOCK = st.one_of(
    st.datetimes().map(str),
    _TIME,
    st.tuples(st.sampled_from(["0001-01-01", "9999-12-31", "2026-02-30", "1969-12-31"]), TEXTS).map(" ".join),
    st.lists(
        st.tuples(st.integers(0, 10**20).map(str), st.sampled_from(["d", "h", "min", "s", "ms", "", "days ago"])).map(
            "".join
        ),
        max_size=4,
    ).map(" ".join),
)


_MARKS = (
    "*", "**", "_", "__", "~~", "||", "`", "```", "```py\n", "\n", "\\", "> ", ">>> ", "- ", "  - ", "1. ", "# ", "-# ",
    "[a](", "https://b", ")", "<@1>", "<:c:1>", "<t:1>", "</d:1>",
)  # fmt: skip


def _clean(pieces: list[str]) -> None:
    cleaner = Cleaner("Echo", limit=500)
    shown = ""
    for piece in (*pieces, None):
        more = cleaner.finish() if piece is None else cleaner.feed(piece)
        # Thoughts that nothing introduces are known at their end.
        shown = more if cleaner.taken_back() else shown + more
    assert shown == cleaner.text


@contextmanager
def targets(folder: Path) -> Iterator[dict[str, Target]]:
    """Return all targets by name; they keep their files in ``folder``."""
    with ExitStack() as stack:
        found = (
            Target("payload", _MESSAGE, _payload, (Unreadable,)),
            Target("frame", damaged(_FRAME.map(written)), for_discord_py),
            Target("event", _rows(), _event),
            Target(
                "body",
                damaged(table({}, {"name": TEXTS, "parts": st.lists(TEXTS, max_size=2)}).map(written)),
                decode_body,
            ),
            _settings(folder),
            _variables(folder),
            Target("point", st.one_of(TEXTS, _LINK, _CLOCK), _point, (ModerationError,)),
            Target("duration", st.one_of(TEXTS, _CLOCK), _duration, (ValueError,)),
            stack.enter_context(control_target(folder / "log")),
            Target(
                "text",
                st.lists(
                    st.one_of(
                        TEXTS, st.sampled_from(["<think>", "</think>", "⟦from ", "⟧", "<@", "@every", "Echo:", *PIECES])
                    ),
                    max_size=8,
                ),
                _clean,
                fit=lambda pieces: [each for each in pieces or () if isinstance(each, str)],
            ),
            Target("markdown", st.lists(st.one_of(TEXTS, st.sampled_from(_MARKS)), max_size=20).map("".join), markdown),
            stack.enter_context(stream_target()),
            *import_targets(),
            stack.enter_context(search_target()),
        )
        yield {target.name: target for target in found}
