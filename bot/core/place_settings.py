"""Settings of a place that moderators change by command: what the model is told that it is, and which model is asked.

All of them follow one rule. Each may be set for a channel or thread and for a server; the nearest one holds: the
thread's, its parent's, the server's, and else that of the settings. In a channel it is rewound with the conversation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.core import events as e


@dataclass(frozen=True, slots=True)
class PlaceSetting:
    """One of them: its name for people, its events, and the fields of the state that hold it.

    ``draft`` makes the event that sets it, from who sets it, the value, and the person whose words the value is.
    ``position_field`` holds the position of the event that set it (0: none), ``changed_field`` the version of the last
    setting or clearing.
    """

    name: str
    chosen: type[e.PlaceSettingSet]
    cleared: type[e.PlaceSettingCleared]
    restored: type[e.PlaceSettingRestored]
    draft: Callable[[str, str, int | None], e.Draft]
    position_field: str
    changed_field: str

    @property
    def events(self) -> tuple[type[e.Event], ...]:
        """Return the types of its events."""
        return (self.chosen, self.cleared, self.restored)

    def fold(self, state: object, recorded: e.Recorded, event: e.Event) -> None:
        """Change a state that nobody else holds by one of its events."""
        # What a rewind brings back was chosen before it.
        if type(event) is self.restored:
            setattr(state, self.position_field, event.at)
            return
        setattr(state, self.position_field, recorded.position if type(event) is self.chosen else 0)
        setattr(state, self.changed_field, recorded.version)

    def position(self, state: object) -> int:
        """Return the position of the event that set it in a state, or in what is remembered of one; 0: none did."""
        position: int = getattr(state, self.position_field)
        return position

    def changed_version(self, state: object) -> int:
        """Return the version at which it was last set or cleared in a state."""
        version: int = getattr(state, self.changed_field)
        return version

    def change(self, by: str, value: str, subject_id: int | None = None) -> e.Draft:
        """Return the event that sets it to ``value`` or, if that is empty, clears it."""
        return self.draft(by, value, subject_id) if value else e.Draft(self.cleared(by=by))


def _persona(by: str, text: str, subject_id: int | None) -> e.Draft:
    return e.Draft(e.PersonaSet(by=by), e.Body(parts=(text,)), subject_id=subject_id)


def _model(by: str, model: str, _subject_id: int | None) -> e.Draft:
    return e.Draft(e.ModelSet(by=by, model=model))


PERSONA = PlaceSetting(
    "persona",
    e.PersonaSet,
    e.PersonaCleared,
    e.PersonaRestored,
    _persona,
    "persona_position",
    "persona_changed_version",
)
MODEL = PlaceSetting(
    "model",
    e.ModelSet,
    e.ModelCleared,
    e.ModelRestored,
    _model,
    "model_position",
    "model_changed_version",
)
PLACE_SETTINGS = (PERSONA, MODEL)
