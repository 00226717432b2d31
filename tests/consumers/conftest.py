"""The logs of the event log's own tests."""

from tests.eventlog.conftest import clock, location, log, opened

__all__ = ["clock", "location", "log", "opened"]
