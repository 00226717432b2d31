"""What a view is asked in the middle of its work is found by an index, however long the log is."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from bot.eventlog import database
from bot.eventlog.remote import erasing, view


@pytest.mark.parametrize(("sql", "values"), [(erasing._DUE, ()), (erasing._LEFT, (1,))])
def test_words_to_be_erased_are_found_by_an_index(sql: str, values: tuple[int, ...]) -> None:
    """By the record's number, and by its place in the log; only what is left to be done is read from its beginning."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        database.lay_out(connection, now=0)
        view.lay_out(connection)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]

    assert [step for step in plan if step.startswith("SCAN") and step != "SCAN d"] == [], plan
    assert any("records_seq" in step for step in plan), plan
