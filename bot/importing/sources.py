"""Which of the files somebody names can be imported, and as what. The content of a file tells, not its name."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.errors import Unimportable
from bot.importing import exporter, package
from bot.importing.found import Aside, Begun, Findings, Writer

_SNIFFED = 2**16
_LINE = frozenset(("position", "stream", "version", "recorded_at"))
"""The fields by which a line of an exported log is known."""
_PART = re.compile(r" \[part (?P<number>[0-9]{1,9})\]$")
_ASSETS = "_Files"
"""The end of the names of folders in which the exporter keeps pictures."""
_WHAT = (
    "a JSON file of DiscordChatExporter, a data package that Discord sends (its zip or folder), or the JSON Lines of "
    "`echoless log export`"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """The bot's own account (0: unknown), and whose package it is where the package does not say (None: it has to)."""

    own_id: int = 0
    author_id: int | None = None


def is_log_export(path: Path) -> bool:
    """Tell whether a file is the JSON Lines of a log."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(2**24)
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and row.keys() >= _LINE


def findings_in(paths: Iterable[Path], terms: Terms) -> Iterator[Findings]:
    """Return what the files hold, in their order; raise Unimportable for a file or folder that is nothing to import."""
    readers = [reader for path in paths for reader in _readers(path, terms)]
    return (each for reader in readers for each in reader())


_Read = Callable[[], Iterator[Findings]]


def _readers(path: Path, terms: Terms) -> list[_Read]:
    try:
        if path.is_dir():
            return _of_folder(path, terms)
        if zipfile.is_zipfile(path):
            return [_of_zip(path, terms)]
        if _is_export(path):
            return [_of_export(path, terms)]
    except OSError as error:
        raise Unimportable(
            f"{error.filename or path} can't be read: {error.strerror}. Check its name and permissions."
        ) from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise Unimportable(f"{path} is a damaged zip: download it once more, or unpack what is there.") from error
    if is_log_export(path):
        raise Unimportable(f"{path} is the export of a log: import it alone, into a new log.")
    raise Unimportable(f"{path} is nothing to import: give {_WHAT}.")


def _of_folder(folder: Path, terms: Terms) -> list[_Read]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = package.in_folder(folder, paths)
    if files.channels:
        owner = _owner(folder, files, terms)
        return [lambda: _of_package(folder, files, owner)]
    jsons = [path for path in paths if path.suffix.lower() == ".json" and not _is_asset(path.relative_to(folder))]
    if not any(map(_is_export, jsons)):
        raise Unimportable(f"There is nothing to import in {folder}: give {_WHAT}.")
    return [_of_export(path, terms) for path in sorted(jsons, key=_order)]


def _of_zip(path: Path, terms: Terms) -> _Read:
    with zipfile.ZipFile(path) as archive:
        files = package.in_zip(archive)
        if not files.channels:
            raise Unimportable(
                f"{path} holds no messages: it is no data package of Discord's, or one without messages."
            )
        owner = _owner(path, files, terms)

    def read() -> Iterator[Findings]:
        with zipfile.ZipFile(path) as archive:
            yield from _of_package(path, package.in_zip(archive), owner)

    return read


def _owner(path: Path, files: package.Files, terms: Terms) -> Writer:
    owner = package.owner_of(files)
    if terms.author_id is not None and (owner is None or owner.id != terms.author_id):
        owner = Writer(terms.author_id, "")
    if owner is None:
        raise Unimportable(f"{path} does not say whose messages these are (account/user.json): add --author ID.")
    return owner


def _of_package(path: Path, files: package.Files, owner: Writer) -> Iterator[Findings]:
    for name in files.channels:
        yield Begun(str(path / name))
        yield from package.read(files, name, owner)


def _of_export(path: Path, terms: Terms) -> _Read:
    def read() -> Iterator[Findings]:
        yield Begun(str(path))
        try:
            with path.open("rb") as file:
                yield from exporter.read(file, terms.own_id)
        except OSError:
            yield Aside(0, "it can't be read to its end")

    return read


def _is_export(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_SNIFFED).decode("utf-8-sig", errors="replace")
    return start.lstrip().startswith("{") and '"guild"' in start and '"channel"' in start


def _is_asset(path: Path) -> bool:
    return any(part.endswith(_ASSETS) for part in path.parts[:-1])


def _order(path: Path) -> tuple[str, int]:
    """Return what sorts the parts of one channel's export by their numbers; the first has none."""
    part = _PART.search(path.stem)
    whole = path.with_name(_PART.sub("", path.stem))
    return str(whole), int(part["number"]) if part else 1
