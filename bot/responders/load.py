"""Load a responder that is not ours: from the entry point of an installed package, or from ``module:Class``."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import reduce
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from bot.errors import ConfigError
from bot.responders.protocol import Responder

GROUP = "echoless.responders"
"""The group of entry points with which packages provide responders."""


def load(name: str, settings: Mapping[str, object], folder: Path, known: Iterable[str] = ()) -> Responder:
    """Return the responder of a name, made with ``settings``; raise ConfigError saying what is wrong and what to do.

    ``module:Class`` is looked for in the installed modules, then in ``folder``. ``known``: the names of our own.
    """
    point = EntryPoint(name, name, GROUP) if ":" in name else _installed(name, known)
    if ":" in name and str(folder) not in sys.path:
        # At the end, so that a file of the owner with the name of one of our modules can't replace that.
        sys.path.append(str(folder))
    made = _made(name, _found(name, point, folder), settings)
    made.name = name
    return made


def _installed(name: str, known: Iterable[str]) -> EntryPoint:
    """Return the entry point of a name; if there is none, raise ConfigError that lists all names."""
    points = entry_points(group=GROUP)
    of_this_name = {point.value: point for point in points if point.name == name}
    if len(of_this_name) > 1:
        raise _wrong(name, f"several packages bring it ({', '.join(sorted(of_this_name))}): uninstall all but one")
    if not of_this_name:
        names = sorted({*known, *points.names})
        listed = ", ".join(f'"{each}"' for each in names)
        meant = "".join(f' (did you mean "{each}"?)' for each in get_close_matches(name, names, n=1))
        todo = "correct the name, install the package that brings it, or name a class of your own as module:Class"
        # The message does not repeat the name: an unknown name may be a secret in the wrong place.
        raise ConfigError(f"replies.responder names one that is not here; there are {listed}{meant}: {todo}.")
    return next(iter(of_this_name.values()))


def _found(name: str, point: EntryPoint, folder: Path) -> object:
    """Return the object that an entry point refers to."""
    module = _imported(name, point.module, folder)
    try:
        return reduce(getattr, filter(None, point.attr.split(".")), module)
    except AttributeError as error:
        where = module.__file__ or module.__name__
        raise _wrong(name, f"{where} has no {point.attr}: correct the name, or write the class there") from error


def _imported(name: str, module: str, folder: Path) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if f"{module}.".startswith(f"{missing}."):
            file = folder / f"{missing.replace('.', '/')}.py"
            todo = f"write it as {file}, or install the package that holds it"
            raise _wrong(name, f"there is no module {missing}: {todo}") from error
        raise _wrong(name, f"{module} needs {missing}, which is not installed: install it beside Echoless") from error
    except Exception as error:
        raise _wrong(name, f"{module} can't be imported ({_place(error)}): correct it there") from error


def _made(name: str, found: object, settings: Mapping[str, object]) -> Responder:
    """Return the responder that a class or function makes; raise ConfigError if it makes none."""
    if inspect.isabstract(found):
        raise _wrong(name, "its class has no method answer(question, context): give it one")
    if not callable(found):
        raise _wrong(name, "it is no class: name one that inherits from bot.responders.Responder")
    todo = f'correct [responders."{name}"] or the class'
    try:
        inspect.signature(found).bind(**settings)
    except (TypeError, ValueError) as error:
        # The words of this error hold only names.
        raise _wrong(name, f"its settings don't fit ({error}): {todo}") from error
    try:
        made = found(**settings)
    except Exception as error:
        raise _wrong(name, f"it can't be made ({_place(error)}): {todo}") from error
    if not isinstance(made, Responder):
        raise _wrong(name, "it is no responder: let its class inherit from bot.responders.Responder")
    if not made.answers_everything and type(made).claims is Responder.claims:
        raise _wrong(name, "it would never answer: give it a method claims(question), or set answers_everything = True")
    return made


def _wrong(name: str, sentence: str) -> ConfigError:
    return ConfigError(f'replies.responder names "{name}", which can\'t be used; {sentence}.')


def _place(error: Exception) -> str:
    """Return the kind of an error and where it was raised, without its words, which may hold a secret."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__} in {error.filename}, line {error.lineno}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.filename}, line {last.lineno}"
