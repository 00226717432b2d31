"""Load what is not ours: a class from the entry point of an installed package, or named as ``module:Class``."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from bot.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What is loaded: its base class, the group of its entry points, and the words for it.

    ``setting`` is where it is named, ``table`` holds what it is made with, ``method`` is what its class has to have.
    """

    noun: str
    base: type[T]
    base_name: str
    group: str
    setting: str
    table: str
    method: str

    def load(self, name: str, settings: Mapping[str, object], folder: Path, known: Iterable[str] = ()) -> T:
        """Return what a name stands for, made with ``settings``; raise ConfigError saying what is wrong and what to do.

        ``module:Class`` is looked for in the installed modules, then in ``folder``. ``known``: the names of our own.
        """
        return self.make(name, self.find(name, folder, known), settings)

    def find(self, name: str, folder: Path, known: Iterable[str] = ()) -> object:
        """Return what a name stands for, as it is; raise ConfigError. ``folder`` and ``known`` are as in ``load``."""
        point = EntryPoint(name, name, self.group) if ":" in name else self._installed(name, known)
        if ":" in name and str(folder) not in sys.path:
            # At the end, so that a file of the owner with the name of one of our modules can't replace that.
            sys.path.append(str(folder))
        return self._found(name, point, folder)

    def wrong(self, name: str, sentence: str) -> ConfigError:
        """Return the error for a name that can't be used."""
        return ConfigError(f'{self.setting} names "{name}", which can\'t be used; {sentence}.')

    def _installed(self, name: str, known: Iterable[str]) -> EntryPoint:
        """Return the entry point of a name; if there is none, raise ConfigError that lists all names."""
        points = entry_points(group=self.group)
        of_this_name = {point.value: point for point in points if point.name == name}
        if len(of_this_name) > 1:
            raise self.wrong(
                name, f"several packages bring it ({', '.join(sorted(of_this_name))}): uninstall all but one"
            )
        if not of_this_name:
            names = sorted({*known, *points.names})
            listed = ", ".join(f'"{each}"' for each in names)
            meant = "".join(f' (did you mean "{each}"?)' for each in get_close_matches(name, names, n=1))
            todo = "correct the name, install the package that brings it, or name a class of your own as module:Class"
            # The message does not repeat the name: an unknown name may be a secret in the wrong place.
            raise ConfigError(f"{self.setting} names one that is not here; there are {listed}{meant}: {todo}.")
        return next(iter(of_this_name.values()))

    def _found(self, name: str, point: EntryPoint, folder: Path) -> object:
        """Return the object that an entry point refers to."""
        module = self._imported(name, point.module, folder)
        try:
            return reduce(getattr, filter(None, point.attr.split(".")), module)
        except AttributeError as error:
            where = module.__file__ or module.__name__
            raise self.wrong(
                name, f"{where} has no {point.attr}: correct the name, or write the class there"
            ) from error

    def _imported(self, name: str, module: str, folder: Path) -> ModuleType:
        try:
            return import_module(module)
        except ModuleNotFoundError as error:
            missing = error.name or module
            if f"{module}.".startswith(f"{missing}."):
                file = folder / f"{missing.replace('.', '/')}.py"
                todo = f"write it as {file}, or install the package that holds it"
                raise self.wrong(name, f"there is no module {missing}: {todo}") from error
            raise self.wrong(
                name, f"{module} needs {missing}, which is not installed: install it beside Echoless"
            ) from error
        except Exception as error:
            raise self.wrong(name, f"{module} can't be imported ({place_of(error)}): correct it there") from error

    def make(self, name: str, found: object, settings: Mapping[str, object]) -> T:
        """Return what a class or function makes; raise ConfigError if it makes none of this kind."""
        if inspect.isabstract(found):
            raise self.wrong(name, f"its class has no method {self.method}: give it one")
        if not callable(found):
            raise self.wrong(name, f"it is no class: name one that inherits from {self.base_name}")
        todo = f'correct [{self.table}."{name}"] or the class'
        try:
            inspect.signature(found).bind(**settings)
        except (TypeError, ValueError) as error:
            # The words of this error hold only names.
            raise self.wrong(name, f"its settings don't fit ({error}): {todo}") from error
        try:
            made = found(**settings)
        except Exception as error:
            raise self.wrong(name, f"it can't be made ({place_of(error)}): {todo}") from error
        if not isinstance(made, self.base):
            raise self.wrong(name, f"it is no {self.noun}: let its class inherit from {self.base_name}")
        return made


def place_of(error: BaseException) -> str:
    """Return the kind of an error and where it was raised, without its words, which may hold a secret."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__} in {error.filename}, line {error.lineno}"
    trace = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {trace[-1].filename}, line {trace[-1].lineno}" if trace else type(error).__name__
