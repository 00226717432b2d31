"""The files that can be imported: of DiscordChatExporter, of Discord's data packages, of a log's export."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import IO

from hypothesis import strategies as st

from bot.core.events import MessageImported
from bot.eventlog.codec import decode, encode_body, encode_event
from bot.importing import exporter, package
from bot.importing.exported import NoRow, row_of
from bot.importing.found import Findings, Found, Writer
from bot.moderation.text import Line
from tests.fuzz.harness import Target
from tests.fuzz.odd import TEXTS, Strategy, damaged, table, written
from tests.laws.strategies import EVENTS, recorded

_ID: Strategy = st.integers(1, 2**63 - 1).map(str)
_FILE = table({"id": _ID, "fileName": TEXTS}, {"fileSizeBytes": st.integers(0, 2**40)})
_AUTHOR = table({"id": _ID, "name": TEXTS}, {"nickname": TEXTS, "isBot": st.booleans(), "discriminator": TEXTS})
_MESSAGE = table(
    {"id": _ID, "type": st.sampled_from(["Default", "Reply", "46"]), "author": _AUTHOR, "content": TEXTS},
    {"attachments": st.lists(_FILE, max_size=2), "reference": table({}, {"messageId": _ID})},
)
_EXPORT = table(
    {
        "guild": table({"id": _ID}),
        "channel": table({"id": _ID, "type": TEXTS}, {"categoryId": _ID}),
        "messages": st.lists(_MESSAGE, max_size=3),
    }
)
_ROW = table({"ID": st.integers(1, 2**63 - 1), "Contents": TEXTS}, {"Timestamp": TEXTS, "Attachments": TEXTS})
_CSV = st.lists(st.lists(TEXTS, max_size=5).map(",".join), max_size=4).map(
    lambda rows: "\n".join(("ID,Timestamp,Contents,Attachments", *rows)).encode(errors="replace")
)
_LINE = st.builds(lambda event: written(Line(recorded([event])[0], None).to_json()), EVENTS)


def _take(findings: Iterable[Findings]) -> None:
    """Use what was found as the log does: it stores it and reads it back."""
    for each in findings:
        if isinstance(each, Found):
            stored = decode(each.event.TYPE, each.event.V, encode_event(each.event).decode())
            assert isinstance(stored, MessageImported)
            encode_body(each.body)


def _package(name: str) -> Target:
    file = f"messages/c{10**17}/messages.{name}"

    def opened(data: bytes, wanted: str) -> IO[bytes]:
        # Its channel.json is as damaged as everything else.
        return io.BytesIO(data if wanted == file else data[:200])

    def take(data: bytes) -> None:
        _take(package.read(package.Files((file,), lambda wanted: opened(data, wanted)), file, Writer(1, "")))

    inputs = _CSV if name == "csv" else st.lists(_ROW, max_size=3).map(written)
    return Target(f"package {name}", damaged(inputs), take)


def import_targets() -> Iterator[Target]:
    """Yield the targets."""
    yield Target("exporter", damaged(_EXPORT.map(written)), lambda data: _take(exporter.read(io.BytesIO(data), 99)))
    yield _package("json")
    yield _package("csv")
    yield Target("log line", damaged(_LINE), row_of, (NoRow,))
