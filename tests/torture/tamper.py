"""Changes on purpose, by somebody who has the log's files, an older copy of them and this source, and not the key.

Each kind is made to a copy of a log and is found by name: by verification, by verification against an anchor where the
kind needs one, or by a refusal to open. What the key prevents outright is tried too.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.core import events as e
from bot.errors import LogError
from bot.eventlog import rekeying
from bot.eventlog.anchor import Anchor
from bot.eventlog.location import Location
from bot.eventlog.log import open_log, open_reader
from tests.corpus.record import record_types
from tests.torture import logs
from tests.torture.forgeries import FORGERIES, Forgery, Prevented, Scene
from tests.torture.table import Options, Outcome, with_progress

CORPUS = Path(__file__).parents[1] / "corpus" / "0.1.0" / "types"
MISSED = "MISSED"


@dataclass(frozen=True, slots=True)
class Templates:
    """The logs that forgers work on, and the anchor of the one that they change."""

    scene: Scene
    anchor: Anchor
    lifted: Scene
    lifted_anchor: Anchor


def run(options: Options) -> Outcome:
    """Try every forgery."""
    del options
    with tempfile.TemporaryDirectory() as made:
        templates = asyncio.run(templates_in(Path(made)))
        tries = [(each, tried(templates, each)) for each in with_progress("tamper", FORGERIES, len(FORGERIES))]
    rows = [{"forgery": each.name, "how": how, "what is said": said} for each, (how, said) in tries]
    missed = [f"{each.name}: {said}" for each, (how, said) in tries if how == MISSED]
    return Outcome(f"{len(FORGERIES)} forgeries without the key", tuple(rows), tuple(missed))


async def templates_in(folder: Path) -> Templates:
    """Make a log with an older copy of it and a neighbour that has the same key, and one that 0.1.0 began."""
    log = await logs.make_log(folder / "log")
    older = logs.copy(log, folder / "older")
    rekeying.renew(log, clock=logs.clock())
    await _use(log, 4)
    key = log.key_path.read_bytes()
    neighbour = Location(folder / "neighbour")
    neighbour.folder.mkdir()
    neighbour.key_path.write_bytes(key)
    await record_types(neighbour)
    before = logs.copy(Location(CORPUS), folder / "before")
    before.key_path.chmod(0o600)
    lifted = logs.copy(before, folder / "lifted")
    await _use(lifted, 4)
    return Templates(
        Scene(log, older, neighbour),
        await logs.anchor(log),
        Scene(lifted, before, neighbour),
        await logs.anchor(lifted),
    )


async def _use(location: Location, messages: int) -> None:
    log = await open_log(location, clock=logs.clock())
    await logs.append_more(log, messages)
    await log.append("bot", [e.Draft(e.BotStopped(reason="end"))])
    await log.close()


def tried(templates: Templates, forgery: Forgery) -> tuple[str, str]:
    """Make a forgery; return how it is found, and in which words."""
    scene, anchor = (
        (templates.lifted, templates.lifted_anchor) if forgery.old_log else (templates.scene, templates.anchor)
    )
    with tempfile.TemporaryDirectory() as made:
        forged = Scene(logs.copy(scene.log, Path(made, "log")), scene.older, scene.neighbour)
        try:
            forgery.make(forged)
        except Prevented as prevented:
            return "prevented", str(prevented)
        return asyncio.run(_found(forged.log, forgery, anchor))


async def _found(location: Location, forgery: Forgery, anchor: Anchor) -> tuple[str, str]:
    try:
        if forgery.goes_on:
            await _use(location, 9)
        reader = await open_reader(location)
    except LogError as error:
        return ("refused", str(error)) if forgery.says in str(error) else (MISSED, f"refused otherwise: {error}")
    try:
        judged = await logs.judged(reader, anchor)
    finally:
        await reader.close()
    findings = judged.anchored if forgery.anchor else judged.alone
    if forgery.anchor and judged.alone:
        return MISSED, f"found without an anchor, so the list is wrong: {judged.alone[0]}"
    for found in findings:
        if forgery.says in str(found):
            return ("with the anchor" if forgery.anchor else "found"), str(found)
    return MISSED, _all(findings)


def _all(findings: Sequence[object]) -> str:
    return "; ".join(map(str, findings)) or "all is well"
