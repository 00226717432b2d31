"""Load a responder that is not ours (see :mod:`bot.loading`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.loading import Kind
from bot.responders.protocol import Responder

GROUP = "echoless.responders"
"""The group of entry points with which packages provide responders."""

_KIND = Kind(
    noun="responder",
    base=Responder,  # type: ignore[type-abstract]  # nobody makes one of it
    base_name="bot.responders.Responder",
    group=GROUP,
    setting="replies.responder",
    table="responders",
    method="answer(question, context)",
)


def load(name: str, settings: Mapping[str, object], folder: Path, known: Iterable[str] = ()) -> Responder:
    """Return the responder of a name, made with ``settings``; raise ConfigError saying what is wrong and what to do.

    ``module:Class`` is looked for in the installed modules, then in ``folder``. ``known``: the names of our own.
    """
    made = _KIND.load(name, settings, folder, known)
    if not made.answers_everything and type(made).claims is Responder.claims:
        raise _KIND.wrong(
            name, "it would never answer: give it a method claims(question), or set answers_everything = True"
        )
    made.name = name
    return made
