"""What other programs may use does not change unseen: the public names, what they take, what they give.

``tests/public_names.txt`` holds them. After a change that is meant, let it be written anew with

    UPDATE_PUBLIC_NAMES=1 pytest tests/test_public_names.py

and read the difference: what is gone or takes something else breaks programs of others (docs/releasing.md).
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import bot
from bot import errors

ROOT = Path(__file__).parents[1]
STORED = Path(__file__).with_name("public_names.txt")
UPDATE = "UPDATE_PUBLIC_NAMES" in os.environ
_PRIVATE = re.compile("_|model_config$")


def public() -> Iterator[str]:
    """Yield a line for each public name of the package, and for each member of its classes."""
    for name in sorted(bot.__all__):
        value = getattr(bot, name)
        if inspect.isclass(value):
            yield f"class {name}({', '.join(base.__name__ for base in value.__bases__)})"
            yield from (f"  {line}" for line in sorted(_members(value)))
        elif callable(value):
            yield f"{_called(name, value)}"
        else:
            yield f"{name}: {type(value).__name__}"
    for name, value in sorted(vars(errors).items()):
        if inspect.isclass(value) and issubclass(value, errors.EcholessError):
            yield f"errors.{name}({', '.join(base.__name__ for base in value.__bases__)})"


def _members(model: type) -> Iterator[str]:
    """Yield what a class has beyond what its bases of others have."""
    own = [each for each in model.__mro__ if each.__module__.partition(".")[0] == "bot"]
    seen = {name: value for each in reversed(own) for name, value in vars(each).items() if not _PRIVATE.match(name)}
    for name, value in seen.items():
        if isinstance(value, property):
            yield f"{name} -> {_plain(inspect.signature(value.fget).return_annotation)}"  # type: ignore[arg-type]
        elif inspect.isfunction(value) or isinstance(value, classmethod | staticmethod):
            kind = "" if inspect.isfunction(value) else f"{type(value).__name__} "
            yield kind + _called(name, getattr(value, "__func__", value))
    hints = {name: hint for each in reversed(own) for name, hint in inspect.get_annotations(each).items()}
    yield from (f"{name}: {_plain(hint)}" for name, hint in hints.items() if not _PRIVATE.match(name))


def _called(name: str, function: object) -> str:
    signature = inspect.signature(function)  # type: ignore[arg-type]
    begins = "async " if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function) else ""
    return f"{begins}{name}{_plain(signature)}"


def _plain(annotated: object) -> str:
    """Return annotations as they stand in the source, without the quotes of those that are not evaluated."""
    plain = re.sub(r"ForwardRef\('([^']*)'.*\)", r"\1", str(annotated))
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", plain)


def test_the_public_names_are_those_that_are_written_down() -> None:
    """A change shows in review as a change of the file."""
    found = "\n".join(public()) + "\n"
    if UPDATE:
        STORED.write_text(found, encoding="utf-8")
        pytest.skip(f"wrote {STORED.name}")

    assert found == STORED.read_text(encoding="utf-8"), (
        f"What other programs may use has changed: if that is meant, run UPDATE_PUBLIC_NAMES=1 pytest tests/"
        f"{Path(__file__).name}, and see docs/releasing.md for the number of the next release."
    )


def test_a_checker_sees_the_names_that_are_loaded_later() -> None:
    """They are named three times in the package's file: for it, for whoever asks, and in the list."""
    text = (ROOT / "bot" / "__init__.py").read_text(encoding="utf-8")
    block = text.partition("if TYPE_CHECKING:\n")[2].partition("\n\n")[0]
    seen = {name for names in re.findall(r"import (.+)", block) for name in names.split(", ")}

    assert seen == set(bot._PLACES) == set(bot.__all__) - {"__version__"}
    assert bot.__all__ == sorted(bot.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(bot, "nothing")  # noqa: B009 - a checker would find it


def test_the_package_costs_nothing_until_it_is_used() -> None:
    """Neither discord.py nor pydantic is loaded by its import, nor Discord by events and folds alone."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "import bot\n"
        "print(sorted(name for name in set(sys.modules) - before if name.partition('.')[0] != 'bot'))\n"
        "print(sorted(name for name in sys.modules if name.startswith('bot')))\n"
        "from bot import Event, Fold\n"
        "print({'discord', 'aiohttp', 'aiosqlite'} & set(sys.modules))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    light, own, heavy = told.splitlines()
    assert own == "['bot']"
    assert heavy == "set()"
    assert {name.partition(".")[0] for name in re.findall(r"[\w.]+", light)} <= sys.stdlib_module_names


def test_own_classes_are_models() -> None:
    """Whoever writes one may use what pydantic's documents say of them."""
    assert issubclass(bot.Event, BaseModel)
    assert issubclass(bot.Fold, BaseModel)
