"""The decisions of a rewind, a reset and an undo.

If nothing would change, there is no event, and so nothing for an undo.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.core import commands as c
from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.place_settings import PLACE_SETTINGS, PlaceSetting
from bot.core.window import WINDOW, Turn


def rewind(state: Conversation, command: c.Rewind) -> e.Drafts:
    """Return the events that bring window, summary and the channel's settings back to an earlier version."""
    then, settings = command.then, _settings_back(state, command.by, command.then, PLACE_SETTINGS)
    window = _stored(then.window)
    same = window == _stored(state.window) and then.summary_position == state.summary_position and not settings
    # A rewind with ``next_undo_version`` goes on with an older one. It has nothing to undo, so repeating it is fine.
    if (same and command.next_undo_version is None) or command.to_version >= state.version:
        return ()
    rewound = e.ConversationRewound(
        by=command.by,
        to=command.to_version,
        window=window,
        summary_at=then.summary_position,
        summary_upto=then.summary_upto_id,
        next_undo=command.next_undo_version,
    )
    return (e.Draft(rewound), *settings)


def undo(state: Conversation, command: c.Undo) -> e.Drafts:
    """Return the events that take a rewind or reset back; later changes stay."""
    before = command.before
    if not state.rewound_version or state.rewound_version != command.undone_version:
        return ()
    # A newer summary that reaches further stays.
    newer = state.summary_position != command.after.summary_position and state.summary_upto_id > before.summary_upto_id
    summary = state if newer else before
    undone = e.ConversationRewound(
        by=command.by,
        to=command.undone_version - 1,
        window=_stored(_merged(state, command)),
        undoes=command.undone_version,
        summary_at=summary.summary_position,
        summary_upto=summary.summary_upto_id,
        next_undo=command.next_undo_version,
    )
    # As with turns, a setting that somebody chose since stays.
    unchanged = [each for each in PLACE_SETTINGS if each.changed_version(state) <= command.undone_version]
    return (e.Draft(undone), *_settings_back(state, command.by, before, unchanged))


def reset(state: Conversation, by: str) -> e.Drafts:
    """Return the event that empties window and summary."""
    return (e.Draft(e.ConversationReset(by=by)),) if state.window or state.summary_position else ()


def taken_out(events: Iterable[e.Recorded]) -> list[tuple[int, int]]:
    """Return the first and the last version of each stretch of a stream that a rewind or reset took out.

    ``events`` are all rewinds, undos and resets of the stream, in order; what was taken back is not among them.
    """
    out: dict[int, tuple[int, int]] = {}
    for version, event in ((each.version, each.event) for each in events):
        match event:
            case e.ConversationReset():
                out[version] = (1, version)
            case e.ConversationRewound(undoes=undone) if undone:
                out.pop(undone, None)
            case e.ConversationRewound(to=to):
                out[version] = (to + 1, version)
    return list(out.values())


def _merged(state: Conversation, command: c.Undo) -> list[Turn]:
    """Return the window before the rewind, plus turns that came since, minus turns that the rewind brought back."""
    turns = {turn.message_id: turn for turn in command.before.window}
    left = {turn.message_id: turn for turn in command.after.window}
    for turn in state.window:
        message_id = turn.message_id
        # A later edit counts if the message itself belongs to the window.
        if message_id not in left or (message_id in turns and left[message_id] != turn):
            turns[message_id] = turn
    return [turns[message_id] for message_id in sorted(turns)]


def _settings_back(
    state: Conversation, by: str, then: c.Remembered, settings: Iterable[PlaceSetting]
) -> tuple[e.Draft, ...]:
    return tuple(
        e.Draft(setting.restored(by=by, at=setting.position(then)))
        for setting in settings
        if setting.position(then) != setting.position(state)
    )


def _stored(window: Iterable[Turn]) -> tuple[e.StoredTurn, ...]:
    stored = [e.StoredTurn(turn.message_id, turn.author_id, turn.role, turn.position, turn.part) for turn in window]
    return tuple(stored[-WINDOW:])
