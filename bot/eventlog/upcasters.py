"""From the forms that older releases wrote to those of this one: a small pure function for each step.

A form is the name and the version under which events are stored, or ``words`` and the version of bodies. A step leads
from one form to the next one of the same type, to a form of another type (a rename), to forms of several types (a
split), or to none (the type is retired). Steps follow one another until forms are reached that this release writes.

``STEPS`` is the one list. What is wrong with it is found when a log is opened, and not when an old event is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from bot.core.events import Form
from bot.errors import LogError

Fields: TypeAlias = dict[str, Any]
"""The JSON of an event or of a body."""


_ID = re.compile(r"[0-9]{1,20}")


class Step(NamedTuple):
    """How fields of the form ``of`` become fields of the forms ``to``.

    ``lift`` returns as many as ``to`` names, in its order; None stands for a form that these fields give nothing for.
    It may change and return what it is given. ``same``: the fields stay as they are.
    """

    of: Form
    to: tuple[Form, ...]
    lift: Callable[[Fields], Sequence[Fields | None]]
    same: bool = False


def _as_they_are(fields: Fields) -> Fields:
    return fields


def raised(type_name: str, v: int, lift: Callable[[Fields], Fields] = _as_they_are) -> Step:
    """Return the step from version ``v`` of a type to the next one."""
    to = (Form(type_name, v + 1),)
    return Step(Form(type_name, v), to, lambda fields: (lift(fields),), same=lift is _as_they_are)


def renamed(type_name: str, v: int, to: Form, lift: Callable[[Fields], Fields] = _as_they_are) -> Step:
    """Return the step from version ``v`` of a type that has another name now."""
    return Step(Form(type_name, v), (to,), lambda fields: (lift(fields),))


def split(type_name: str, v: int, to: tuple[Form, ...], lift: Callable[[Fields], Sequence[Fields | None]]) -> Step:
    """Return the step from an event to several, of different types. The first one keeps its key and its message."""
    return Step(Form(type_name, v), to, lift)


def retired(type_name: str, v: int) -> Step:
    """Return the step from version ``v`` of a type that says nothing any more that matters."""
    return Step(Form(type_name, v), (), lambda _fields: ())


class Chain:
    """The steps, in a form in which they are followed; ``current`` holds the version of each form that is written now.

    ``known`` holds the newest version of each form that can be read, ``same`` the older forms whose fields are as
    today's, ``splits`` tells whether an event may become several. Raises LogError where a step is missing, leads
    nowhere, or contradicts another.
    """

    def __init__(self, steps: Sequence[Step], current: Mapping[str, int]) -> None:
        self._current = current
        self._steps = {step.of: step for step in steps}
        if fault := next(_faults(steps, self._steps, current), ""):
            raise LogError(f"This release can't tell how to read what older ones wrote: {fault} (STEPS in {__name__}).")
        self.known = _newest(self._steps, current)
        self.same = frozenset(form for form in self._steps if self._stays(form))
        self.splits = any(len(step.to) > 1 for step in steps)
        self._sources = self._all_sources()

    def stored_as(self, type_name: str) -> tuple[str, ...]:
        """Return the names under which events of a type are stored: its own, and those that it had before."""
        return self._sources.get(type_name, (type_name,))

    def lift(self, form: Form, fields: Fields) -> Iterator[tuple[Form, Fields]]:
        """Yield the current forms that stored fields become, and their fields; raise KeyError where no step begins."""
        if form.v == self._current.get(form.type):
            yield form, fields
            return
        step = self._steps[form]
        for to, part in zip(step.to, step.lift(fields), strict=True):
            if part is not None:
                yield from self.lift(to, part)

    def _stays(self, form: Form) -> bool:
        step = self._steps.get(form)
        return form.v == self._current.get(form.type) if step is None else step.same and self._stays(step.to[0])

    def _all_sources(self) -> Mapping[str, tuple[str, ...]]:
        sources: dict[str, dict[str, None]] = {}
        for form in self._steps:
            for end in _ends(form, self._steps):
                sources.setdefault(end.type, {end.type: None})[form.type] = None
        return {name: tuple(names) for name, names in sources.items()}


def _ends(form: Form, steps: Mapping[Form, Step]) -> Iterator[Form]:
    """Yield the forms in which the steps from a form end."""
    if form not in steps:
        yield form
        return
    for to in steps[form].to:
        yield from _ends(to, steps)


def _faults(steps: Sequence[Step], by_form: Mapping[Form, Step], current: Mapping[str, int]) -> Iterator[str]:
    """Yield what is wrong with steps, each with what to do."""
    for form, count in Counter(step.of for step in steps).items():
        if count > 1:
            yield f"{count} steps begin at {_named(form)}: leave one"
    for form, step in by_form.items():
        yield from _faults_of(form, step, by_form, current)
    for type_name, newest in sorted(_newest(by_form, current).items()):
        for v in range(1, newest):
            if Form(type_name, v) not in by_form:
                yield f"no step begins at {_named(Form(type_name, v))}: add it"
    for form in by_form:
        if _comes_back(form, by_form, ()):
            yield f"the steps from {_named(form)} lead back to it: remove one of them"


def _faults_of(form: Form, step: Step, by_form: Mapping[Form, Step], current: Mapping[str, int]) -> Iterator[str]:
    written = current.get(form.type)
    if form.v < 1:
        yield f"a step begins at {_named(form)}, and versions count from 1: remove it"
    elif written is not None and form.v >= written:
        yield f"a step begins at {_named(form)}, and v{written} is what is written: raise V, or remove the step"
    elif written is not None and form.type not in {to.type for to in step.to}:
        yield f"{_named(form)} is renamed or retired, and there is an event of this type: remove the class, or the step"
    if len({to.type for to in step.to}) < len(step.to):
        yield f"{_named(form)} is split into two events of one type: nobody could tell them apart"
    for to in step.to:
        if to not in by_form and to.v != current.get(to.type):
            yield f"a step from {_named(form)} ends at {_named(to)}, which is not written, and no step leads on: add it"


def _newest(by_form: Mapping[Form, Step], current: Mapping[str, int]) -> Mapping[str, int]:
    """Return by type the version that is written, or the last one that there was."""
    gone: dict[str, int] = {}
    for type_name, v in by_form:
        if type_name not in current:
            gone[type_name] = max(v, gone.get(type_name, 0))
    return {**current, **gone}


def _comes_back(form: Form, by_form: Mapping[Form, Step], way: tuple[Form, ...]) -> bool:
    if form in way:
        return True
    return form in by_form and any(_comes_back(to, by_form, (*way, form)) for to in by_form[form].to)


def _named(form: Form) -> str:
    return f"{form.type} v{form.v}"


def _id_out_of_detail(fields: Fields) -> Fields:
    """Give the id of the message with which one was answered a field of its own: it stood in a text for people."""
    detail = fields.get("detail", "")
    if fields["reason"] == "answered together" and _ID.fullmatch(detail):
        del fields["detail"]
        fields["together_with"] = int(detail)
    return fields


STEPS: tuple[Step, ...] = (
    # Version 2 has the reason "opted out", version 3 "bots in a row".
    raised("message.skipped", 1),
    raised("message.skipped", 2),
    # Version 2 has more ways to call the bot.
    raised("reply.requested", 1),
    # Version 2 of these has what a message shows besides its text.
    raised("message.received", 1),
    raised("message.imported", 1),
    raised("words", 1),
    # Version 2 names the choice of its model.
    raised("reply.composed", 1),
    raised("reply.abandoned", 1, _id_out_of_detail),
    # Version 2 tells how the kept text ended, and which answer a new one goes on with.
    raised("reply.retried", 1),
)
