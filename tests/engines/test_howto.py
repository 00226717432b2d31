"""The page on engines: the one that it shows passes the port's suite, and is found by its name."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app.engines import GROUP, engine_of
from bot.config import Config
from bot.eventlog.remote.port import Partition
from tests.engines.conftest import Made, Opener
from tests.engines.test_port import (
    partition,  # noqa: F401
    test_a_mark_that_is_not_there_is_told,  # noqa: F401
    test_a_number_is_given_once,  # noqa: F401
    test_a_record_may_be_large,  # noqa: F401
    test_one_of_many_who_append_at_once_wins,  # noqa: F401
    test_records_come_back_in_their_order,  # noqa: F401
    test_the_newest_sign_of_life_counts,  # noqa: F401
    test_words_can_be_rewritten_by_who_knows_them,  # noqa: F401
)
from tests.engines.views import check, said
from tests.harness import ROOT

PAGE = ROOT / "docs/howto/engine.md"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder with an installed package that brings the page's engine."""
    (shown,) = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"))
    (tmp_path / "filed.py").write_text(shown, encoding="utf-8")
    info = tmp_path / "filed-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: filed\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nfiled = filed:Filed\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    importlib.invalidate_caches()
    yield tmp_path
    sys.modules.pop("filed", None)


@pytest.fixture
def made(site: Path) -> Made:
    """Return what makes the page's engine, on one file."""

    def make() -> Partition:
        engine: Partition = importlib.import_module("filed").Filed(site / "log.db")
        return engine

    return make


@pytest.mark.parametrize("name", ["filed", "filed:Filed"])
def test_it_is_found_by_its_name(name: str, site: Path) -> None:
    """The name of its package's entry point, or that of its module and class."""
    engines = {name: {"path": str(site / "log.db")}}
    engine = engine_of(Config.model_validate({"log": {"engine": name, "engines": engines}}), {})

    assert engine
    assert engine.partition.name == "the file"


async def test_a_log_is_kept_in_it(opened: Opener) -> None:
    """And shown by another folder."""
    async with opened("one") as log:
        await log.append("channel:1", [said(1)])
    async with opened("other") as log:
        assert (await log.append("channel:1", [said(1)])).known
        await check(log)
