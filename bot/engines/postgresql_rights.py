"""What a PostgreSQL that keeps a log has to allow, and how it has to be set."""

from __future__ import annotations

from collections.abc import Mapping

from bot.errors import LogUnwritable

LOOK = """
WITH mine AS (SELECT to_regclass('echoless_log') AS log, to_regclass('echoless_owner') AS owner)
SELECT
    NOT pg_is_in_recovery() AS original,
    current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean AS synced,
    current_setting('synchronous_standby_names') <> '' OR NOT EXISTS (SELECT FROM pg_stat_replication) AS copied,
    log IS NOT NULL AND owner IS NOT NULL OR coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS makes,
    coalesce(has_table_privilege(log, 'SELECT') AND has_table_privilege(log, 'INSERT')
        AND has_table_privilege(log, 'UPDATE') AND has_table_privilege(owner, 'SELECT')
        AND has_table_privilege(owner, 'INSERT') AND has_table_privilege(owner, 'UPDATE'), true) AS uses
FROM mine
"""
"""One row, which :func:`faults_of` reads; it changes nothing."""
_WEAK = {
    "synced": "fsync or full_page_writes is off, so a loss of power loses records: set both to on",
    "copied": "it has a copy that may lag behind, and a failover to it loses records: set synchronous_standby_names",
}
_UNUSABLE = {
    "original": "it is a copy, which can't be written: name the server of which it is one",
    "makes": "the user may not make the tables: grant CREATE on the schema, and see that search_path names one",
    "uses": "the user may not use the tables: grant SELECT, INSERT and UPDATE on echoless_log and echoless_owner",
}


def faults_of(row: Mapping[str, bool]) -> list[str]:
    """Return a sentence for each setting that is not as it should be; raise LogUnwritable where no log can be kept."""
    if unusable := [sentence for name, sentence in _UNUSABLE.items() if not row[name]]:
        raise LogUnwritable(f"The log can't be kept in PostgreSQL as it is: {'; '.join(unusable)}.")
    return [sentence for name, sentence in _WEAK.items() if not row[name]]
