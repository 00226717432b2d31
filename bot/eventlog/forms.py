"""The forms of what a log holds: the highest version of each type of event, and which release wrote it first.

A release notes its forms before it writes its first event. So an older release that opens the log later knows, without
reading an event, whether there may be some that it can't read, and which release can. It refuses to begin then, because
what it leaves out might matter. The note only ever grows: a release that was told to go on all the same leaves what it
does not know as it is.

A log that no release has noted anything in is of a release before this one, which knew nothing that this one does not.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from bot.core.events import Body
from bot.errors import LogForeign
from bot.eventlog.codec import WORDS, event_models, lifting
from bot.eventlog.transactions import transaction
from bot.eventlog.vault import FORM as SEAL

FORMS = "forms"
"""The name in ``meta`` of the note."""
SEALED = "seal"
"""The name of the form of seals; no type of event is called so."""


class Noted(NamedTuple):
    """The highest version of a form in the log, and the release that began to write it."""

    v: int
    release: str


Forms: TypeAlias = Mapping[str, Noted]


def written() -> Mapping[str, int]:
    """Return the version of each form that this release writes."""
    return {model.TYPE: model.V for model in event_models()} | {WORDS: Body.V, SEALED: SEAL}


def known() -> Mapping[str, int]:
    """Return the newest version of each form that this release reads: also of types that it does not write any more."""
    return {**lifting().known, SEALED: SEAL}


def noted(connection: sqlite3.Connection) -> Forms:
    """Return the note of a log; an empty one where there is none, or none that can be read."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (FORMS,)).fetchone()
    try:
        stored = json.loads(row[0]) if row else {}
        return {str(name): Noted(int(v), str(release)) for name, (v, release) in stored.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def unknown(connection: sqlite3.Connection) -> Forms:
    """Return the forms that a log may hold and that this release does not know."""
    mine = known()
    return {name: form for name, form in noted(connection).items() if form.v > mine.get(name, 0)}


def refusal(unknown: Forms) -> str:
    """Return the sentence about forms that this release does not know."""
    releases = sorted({form.release for form in unknown.values()})
    named = sorted(f"{name} v{form.v}" for name, form in unknown.items())
    listed = ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")  # noqa: PLR2004
    return (
        f"Release {' and '.join(releases)} wrote to this log, and this older release does not know all that may be in "
        f"it ({listed}): use that release, or a newer one. Nothing was changed. `echoless run --accept-unknown` goes "
        "on all the same: what it does not know it leaves as it is, skips, and shows as unreadable."
    )


def require_known(connection: sqlite3.Connection) -> None:
    """Raise LogForeign where a log may hold what this release does not know."""
    if forms := unknown(connection):
        raise LogForeign(refusal(forms))


def note(connection: sqlite3.Connection, release: str) -> None:
    """Note the forms that this release, called ``release``, may write from now on."""
    before = noted(connection)
    mine = {name: Noted(v, release) for name, v in written().items() if name not in before or before[name].v < v}
    if mine:
        value = json.dumps({**before, **mine}, separators=(",", ":")).encode()
        with transaction(connection):
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (FORMS, value))
