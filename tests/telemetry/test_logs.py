"""Log lines: one shape for everybody's, and no secret in any of them."""

from __future__ import annotations

import io
import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.moderation.points import parse_point
from bot.telemetry import configure_logging
from bot.telemetry.masking import MASK, masker

TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Put back what the tests configure for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()  # pytest's own would be closed by a new configuration
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return what was logged as JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_are_json_where_nobody_looks() -> None:
    """One object a line: event, level, UTC time, keys and values, and what the context binds."""
    stream = io.StringIO()
    configure_logging("info", "auto", stream)
    structlog.contextvars.bind_contextvars(channel=5)

    structlog.get_logger().info("reply.sent", message=7)

    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert {"event": "reply.sent", "level": "info", "channel": 5, "message": 7} == line


@pytest.mark.parametrize(
    ("fmt", "stream", "escape", "key"),
    [
        pytest.param("auto", Terminal(), True, "message=", id="a terminal gets colours"),
        pytest.param("console", io.StringIO(), False, "message=", id="console asked for in a file has none"),
        pytest.param("json", Terminal(), False, '"message":', id="json asked for on a terminal"),
    ],
)
def test_format_follows_the_stream_and_the_setting(
    monkeypatch: pytest.MonkeyPatch, fmt: str, stream: io.StringIO, *, escape: bool, key: str
) -> None:
    """``auto`` looks at the stream; the others say."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    configure_logging("info", fmt, stream)

    structlog.get_logger().info("reply.sent", message=7)

    said = stream.getvalue()
    assert escape == ("\x1b[" in said)
    assert key in said.replace("\x1b[0m", "").replace("\x1b[36m", "")


@pytest.mark.parametrize("fmt", ["console", "json"])
def test_the_time_of_a_line_is_a_point_in_time(monkeypatch: pytest.MonkeyPatch, fmt: str) -> None:
    """Printed in UTC with its zone, as commands print it and read it, wherever the machine is."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        stream = io.StringIO()
        configure_logging("info", fmt, stream)
        before = time.time_ns() // 1000
        structlog.get_logger().info("reply.sent", message=7)
        after = time.time_ns() // 1000
    time.tzset()

    found = re.search(r"\d{4}-\S+[T ]\S+Z", stream.getvalue())
    assert found is not None
    point = parse_point(found[0].strip('"'), 0)
    assert point.moment is not None
    assert point.upto is not None
    assert before <= point.upto
    assert point.moment <= after


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """See no-color.org."""
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    configure_logging("info", "auto", stream)

    structlog.get_logger().info("reply.sent")

    assert "reply.sent" in stream.getvalue()
    assert "\x1b[" not in stream.getvalue()


def test_level_holds_for_our_lines() -> None:
    """What is below it isn't even rendered."""
    stream = io.StringIO()
    configure_logging("warning", "json", stream)

    structlog.get_logger().info("reply.sent")
    structlog.get_logger().warning("reply.delayed")

    assert [line["event"] for line in lines(stream)] == ["reply.delayed"]


@pytest.mark.parametrize(("level", "heard"), [("debug", ["loud"]), ("error", [])])
def test_libraries_are_heard_from_warnings_on(level: str, heard: list[str]) -> None:
    """Even at debug: a library's debug lines show tokens and words."""
    stream = io.StringIO()
    configure_logging(level, "json", stream)

    logging.getLogger("discord.gateway").info("quiet")
    logging.getLogger("discord.gateway").warning("lo%s", "ud")

    said = lines(stream)
    assert heard == [line["event"] for line in said]
    assert {"discord.gateway"} >= {line["logger"] for line in said}


def test_configuring_again_replaces_what_was() -> None:
    """No line comes twice."""
    first, second = io.StringIO(), io.StringIO()
    configure_logging("info", "json", first)
    configure_logging("info", "json", second)

    logging.getLogger("aiohttp").error("one")
    structlog.get_logger().info("two")

    assert first.getvalue() == ""
    assert [line["event"] for line in lines(second)] == ["one", "two"]


@pytest.mark.parametrize("fmt", ["console", "json"])
def test_secrets_are_masked_wherever_they_stand(fmt: str) -> None:
    """In the event, in values, nested, in tracebacks, in what libraries log, whose errors come by kind alone."""
    stream = io.StringIO()
    configure_logging("info", fmt, stream, secrets=["s3cret+key/=", ""])
    log = structlog.get_logger()

    event = f"token {TOKEN}"
    log.info(event, key="s3cret+key/=", nested={"deep": [TOKEN]})
    try:
        int(TOKEN)
    except ValueError:
        log.exception("gateway.lost")
        logging.getLogger("discord").exception("Ignoring %s", "s3cret+key/=")
    logging.getLogger("discord.http").warning("POST /api/v10/webhooks/123/aW50ZXJh-Y3Rpb24 is limited")

    said = stream.getvalue()
    assert TOKEN not in said
    assert "s3cret" not in said
    assert "aW50ZXJh" not in said
    assert said.count("Traceback") == 1
    assert said.count(MASK) == 6


def test_tracebacks_show_no_local_variables() -> None:
    """They hold people's words."""
    stream = Terminal()
    configure_logging("info", "console", stream)

    def fail() -> None:
        words = "my" + "diary"
        int(words[:2])

    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("reply.failed")

    assert "ValueError: invalid literal" in stream.getvalue()
    assert "mydiary" not in stream.getvalue()


@given(st.text(), st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=4), st.text())
def test_no_secret_survives(before: str, secret: str, after: str) -> None:
    """Whatever stands around it."""
    assert secret not in masker([secret])(f"{before}{secret}{after}").replace(MASK, "")


@pytest.mark.parametrize(
    "line",
    ["reply.sent message=123456789012345678", "bot.eventlog.writer", "channel:123456789012345678 1.2.3", "a" * 80],
)
def test_plain_lines_stay_as_they_are(line: str) -> None:
    """Ids, dotted names and versions are no tokens."""
    assert line == masker([])(line)
