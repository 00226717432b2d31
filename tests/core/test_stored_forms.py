"""What released versions wrote loads for ever: event schemas, the stored form, and what the fold makes of it.

Three files hold what is locked. After adding an event type or raising a ``V`` or ``FOLD``, let them grow with

    UPDATE_STORED_FORMS=1 pytest tests/core/test_stored_forms.py

and commit them. That never changes an entry which is already there: a schema that no release has carried yet is
changed by deleting its entry from ``event_schemas.json`` first. A new event type, or a new version of one, also needs
a line in ``golden_log.jsonl``, at its end; lines that are there stay as they are.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.fold import FOLD, evolve
from bot.eventlog import snapshots
from bot.eventlog.codec import WORDS, decode, encode_event, event_models, lifting

HERE = Path(__file__).parent
SCHEMAS = HERE / "event_schemas.json"
GOLDEN_LOG = HERE / "golden_log.jsonl"
GOLDEN_STATE = HERE / "golden_state.json"
UPDATE = "UPDATE_STORED_FORMS" in os.environ

LOCKED: dict[str, Any] = json.loads(SCHEMAS.read_text(encoding="utf-8")) if SCHEMAS.exists() else {}
LINES: list[dict[str, Any]] = [json.loads(line) for line in GOLDEN_LOG.read_text(encoding="utf-8").splitlines()]


def described(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON schema without its prose, which may change."""
    if isinstance(schema, dict):
        prose = ("title", "description") if "type" in schema else ()
        return {key: described(value) for key, value in schema.items() if key not in prose}
    return [described(value) for value in schema] if isinstance(schema, list) else schema


def current() -> dict[str, Any]:
    """Return today's schema of every stored type and version."""
    schemas = {f"{model.TYPE} v{model.V}": described(model.model_json_schema()) for model in event_models()}
    return {**schemas, f"{WORDS} v{e.Body.V}": described(e.Body.model_json_schema())}


def golden() -> list[e.Recorded]:
    """Return the golden log as a reader would."""
    return [
        e.Recorded(
            line["position"],
            line["stream"],
            line["version"],
            line["recorded_at"],
            decode(line["type"], line["v"], json.dumps(line["data"])),
            line["correlation"],
            line["causation"],
        )
        for line in LINES
    ]


def folded() -> dict[str, Any]:
    """Return what the fold makes of the golden log: a digest after each event, and the state at the end."""
    state, digests = Conversation(), []
    for recorded in golden():
        state = evolve(state, recorded)
        digests.append(sha256(snapshots.encode(state)[0].encode()).hexdigest()[:12])
    return {"fold": FOLD, "digests": digests, "state": json.loads(snapshots.encode(state)[0])}


def write(path: Path, content: object) -> None:
    """Write a lock file."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", sorted(LOCKED))
def test_a_released_schema_stays(name: str) -> None:
    """What was written once loads for ever."""
    type_name, _, number = name.rpartition(" v")
    newest = lifting().known.get(type_name, 0)

    assert newest >= int(number), (
        f"{name} is in released logs: keep its model, or add a step from it to upcasters.STEPS (`renamed`, `retired`)."
    )
    if name in current():
        assert LOCKED[name] == current()[name], (
            f"The schema of {name} changed, and released logs hold it: raise the V of its class, add a step from "
            f"v{number} to upcasters.STEPS (`raised`), and run UPDATE_STORED_FORMS=1 pytest {Path(__file__).name}."
        )


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"bot.stopped v1": {"type": "object"}},
            r"bot\.stopped v1 changed.*raise the V.*`raised`.*UPDATE_STORED_FORMS=1",
        ),
        ({"bot.slept v1": {}}, r"bot\.slept v1 is in released logs: keep its model, or .* \(`renamed`, `retired`\)"),
    ],
    ids=["another schema", "no model and no step"],
)
def test_the_lock_holds(changed: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change without a version, and a type that went without a step, are told with what to do."""
    (name,) = changed
    monkeypatch.setitem(LOCKED, name, changed[name])

    with pytest.raises(AssertionError, match=told):
        test_a_released_schema_stays(name)


def test_every_schema_is_locked() -> None:
    """A new type, and a new version of a type, is locked with the change that brings it."""
    if UPDATE:
        write(SCHEMAS, {**current(), **LOCKED})
        pytest.skip(f"wrote {SCHEMAS.name}")

    assert set(current()) <= set(LOCKED), f"New schemas: lock them as {Path(__file__).name} says."


def test_the_golden_log_holds_every_form() -> None:
    """So that what follows speaks of all of them, the older ones too."""
    forms = {f"{line['type']} v{line['v']}" for line in LINES}

    assert forms == {name for name in LOCKED if not name.startswith(f"{WORDS} v")}, (
        f"Add a line of each to the end of {GOLDEN_LOG.name}."
    )


@pytest.mark.parametrize("line", LINES, ids=[f"{line['version']} {line['type']} v{line['v']}" for line in LINES])
def test_a_golden_event_is_stored_as_ever(line: dict[str, Any]) -> None:
    """The stored data, the dedupe key and the correlation of an event are what released logs hold."""
    event = decode(line["type"], line["v"], json.dumps(line["data"]))

    assert event.key() == (None if line["key"] is None else tuple(line["key"]))
    assert event.about() == line["correlation"]
    if line["v"] == event.V:
        assert json.loads(encode_event(event)) == line["data"]


def test_the_fold_of_the_golden_log_stays() -> None:
    """A fold that gives another state needs another number, or old snapshots would be taken for its own."""
    locked: dict[str, Any] = json.loads(GOLDEN_STATE.read_text(encoding="utf-8")) if GOLDEN_STATE.exists() else {}
    found = folded()
    known = locked.get("digests", [])
    if UPDATE and (locked.get("fold") != FOLD or found["digests"][: len(known)] == known):
        write(GOLDEN_STATE, found)
        pytest.skip(f"wrote {GOLDEN_STATE.name}")

    assert locked == found, (
        "The fold gives another state for the same events: raise fold.FOLD, so that snapshots of the older "
        f"fold are forgotten, and lock the new state (see {Path(__file__).name})."
    )
