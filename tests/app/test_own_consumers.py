"""Consumers that are not ours: a file beside the settings, and an installed package."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import invalidate_caches
from pathlib import Path

import pytest

from bot.app.consumers import consumers_of
from bot.config import load
from bot.consumers.consumers import Consumers
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from tests.consumers.following import AT_ONCE, caught_up, filled

SEEN = """
from pathlib import Path

from bot.consumers import Batch, Consumer


class Seen(Consumer):
    def __init__(self, file: str) -> None:
        self.file = Path(file)

    async def handle(self, batch: Batch) -> None:
        with self.file.open("a") as file:
            file.writelines(f"{self.name} {recorded.position}\\n" for recorded in batch.events)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder with a module of a bot's owner and, in ``site``, an installed package that brings a consumer."""
    info = tmp_path / "site" / "packed-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: packed\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[echoless.consumers]\ncounting = packed:Seen\n")
    (tmp_path / "site" / "packed.py").write_text(SEEN)
    (tmp_path / "mine.py").write_text(SEEN)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")])
    invalidate_caches()
    yield tmp_path
    for name in ("packed", "mine"):
        sys.modules.pop(name, None)


async def test_both_are_loaded_and_handed_the_log(own: Path) -> None:
    """Each under its name in the settings, with what stands in its table."""
    tables = [f"[consumers.{name}]\nfile = '{own / 'seen'}'\n" for name in ("counting", "'mine:Seen'")]
    (own / "config.toml").write_text("".join(tables))
    log = await open_log(Location(own / "log"), clock=lambda: 1, full=False)
    consumers = Consumers(consumers_of(load(own / "config.toml", {})), lambda: 1, AT_ONCE)

    await filled(log, 2)
    async with consumers.of(log):
        await caught_up(consumers)
    await log.close()

    seen = sorted((own / "seen").read_text().splitlines())
    assert seen == ["counting 1", "counting 2", "mine:Seen 1", "mine:Seen 2"]
