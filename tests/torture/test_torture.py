"""A slice of what ``make torture`` does at length."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from bot.eventlog import rekeying
from bot.eventlog.log import open_reader
from tests.tampering import tampering
from tests.torture import archives, copies, flips, grep, logs, tamper
from tests.torture.forgeries import FORGERIES, Forgery, guessed

CHANGES = 120


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> tamper.Templates:
    """Return the logs that forgers work on."""
    return asyncio.run(tamper.templates_in(tmp_path_factory.mktemp("forged")))


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_a_forgery_is_found(templates: tamper.Templates, forgery: Forgery) -> None:
    """Or refused, or prevented; with an anchor where it takes the end away."""
    how, said = tamper.tried(templates, forgery)

    assert how != tamper.MISSED, said


def test_without_a_key_words_can_be_guessed(templates: tamper.Templates) -> None:
    """From the digests of 0.1, until the log is rekeyed; so a guess that is prevented is one that would have worked."""
    log = logs.copy(templates.lifted.log, templates.lifted.log.folder.with_name("rekeyed"))

    assert guessed(log)
    rekeying.relink(log, clock=logs.clock())
    assert not guessed(log)


@pytest.mark.long
async def test_no_change_of_a_file_is_passed_over(tmp_path: Path) -> None:
    """Drawn anew by the seed of this run, which pytest shows."""
    chance = random.Random()
    templates = await flips.templates_in(tmp_path)
    for number in range(CHANGES):
        template = chance.choice(templates)
        change = flips.any_change(template.location.folder, chance)
        verdict, why = await flips.tried(template, change, tmp_path / "copy", owned=number % 4 == 0)

        assert verdict not in {flips.Verdict.SILENT, flips.Verdict.TRACEBACK}, f"{change.file} {change.text}: {why}"


@pytest.mark.long
def test_no_change_of_an_archive_is_passed_over(tmp_path: Path) -> None:
    """Nor is a file taken for one that is none."""
    chance = random.Random()
    whole, key = archives.whole_in(tmp_path)

    assert archives.refusal(whole, tmp_path / "copy", key) == ""
    for _ in range(CHANGES):
        kind, changed = archives.any_change(whole, chance)
        assert archives.refusal(changed, tmp_path / "copy", key), kind


async def test_what_a_reader_sees_shows_a_change(tmp_path: Path) -> None:
    """Else nothing could be silent."""
    template, _ = await flips.templates_in(tmp_path)
    location = logs.copy(template.location, tmp_path / "copy")
    with tampering(location.database) as connection:
        connection.execute("UPDATE events SET subject_id = 5 WHERE position = 4")
    reader = await open_reader(location)
    try:
        assert await logs.seen(reader) != template.seen
    finally:
        await reader.close()


async def test_nothing_is_left_of_a_person(tmp_path: Path) -> None:
    """Neither words nor what was sealed, in no file of the folder; and the log verifies."""
    told, wrong = await grep.forgettings(tmp_path, grep.AT_ONCE, 2, random.Random())

    assert wrong == []
    assert [each.found for each in told] == [0, 0]
    assert all(each.events > 10 for each in told)


@pytest.mark.long
def test_a_copy_is_whole_or_refused() -> None:
    """Once each way, of a log that is written meanwhile."""
    ways = {**copies.DOCUMENTED, **copies.CARELESS}
    tried = list(copies.rounds(1, ways, random.Random()))

    assert [each for each in tried if copies.is_wrong(*each[:2])] == []
    assert [way for way, *_ in tried] == [*ways]
