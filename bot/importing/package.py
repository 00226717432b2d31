"""Discord's own data package: what it sends to whoever asks for all of their data, as a zip or unpacked.

It holds the messages of that person alone. Each channel has a folder ``c<id>`` (before 2021: ``<id>``) with
``channel.json`` and ``messages.json`` (before 2024: ``messages.csv``), whose fields are ID, Timestamp, Contents and
Attachments. The folders above are named in the person's language.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from bot.core.events import Attachment, Source
from bot.gateway.snowflakes import snowflake
from bot.importing.found import CUT, NO_MESSAGE, Aside, Findings, Found, Place, Writer, found, optional_id, text_of
from bot.importing.json_stream import Fault, JsonStream, NoJson

_CHANNEL = re.compile(r"(?:.*/)?c?(?P<id>[0-9]{15,19})/messages\.(?:json|csv)")
_USER = re.compile(r"(?:[^/]+/){0,3}user\.json")
_FILE = re.compile(r"/attachments/[0-9]+/(?P<id>[0-9]{15,19})/(?P<name>[^?\s]*)")
_MESSAGE = re.compile(r'\{\s*"ID"')
_READ_FAULTS = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)
"""What a damaged, locked or unusually packed zip makes fail."""


@dataclass(frozen=True, slots=True)
class Files:
    """The names of a package's files, with slashes, and what opens one of them."""

    names: tuple[str, ...]
    open: Callable[[str], IO[bytes]]

    @property
    def channels(self) -> list[str]:
        """Return the files of messages, in the order of their channels' ids."""
        matches = [match for name in self.names if (match := _CHANNEL.fullmatch(name))]
        return [match.string for match in sorted(matches, key=lambda match: (int(match["id"]), match.string))]


def in_folder(folder: Path, paths: Iterable[Path]) -> Files:
    """Return the files of a package that was unpacked."""
    names = tuple(path.relative_to(folder).as_posix() for path in paths)
    return Files(names, lambda name: (folder / name).open("rb"))


def in_zip(archive: zipfile.ZipFile) -> Files:
    """Return the files of a package as Discord sends it."""
    return Files(tuple(archive.namelist()), archive.open)


def owner_of(files: Files) -> Writer | None:
    """Return the person whose package it is, None where that is not in it: people choose what they ask for."""
    for name in sorted(filter(_USER.fullmatch, files.names), key=lambda name: (name.count("/"), name)):
        user = _json(files, name)
        try:
            return Writer(snowflake(user["id"]), text_of(user, "global_name") or text_of(user, "username"))
        except (LookupError, TypeError, ValueError):
            continue
    return None


def read(files: Files, name: str, owner: Writer) -> Iterator[Findings]:
    """Yield the messages of one file of ``files.channels``, in its order."""
    number = 0
    try:
        place = _place(files, name)
        with files.open(name) as file:
            rows = _rows_of_csv(file) if name.endswith(".csv") else _rows_of_json(file)
            for number, row in enumerate(rows, 1):
                yield row if isinstance(row, Aside) else _message(place, number, row, owner)
    except _READ_FAULTS:
        yield Aside(number + 1, CUT)


def _place(files: Files, name: str) -> Place:
    """Return the channel of a file; its folder tells the id, and ``channel.json`` the server."""
    channel, match = _json(files, f"{name.rpartition('/')[0]}/channel.json"), _CHANNEL.fullmatch(name)
    guild = channel.get("guild")
    try:
        guild_id = optional_id(guild.get("id")) if isinstance(guild, dict) else None
    except ValueError:
        guild_id = None
    return Place(int(match["id"]) if match else 0, guild_id)


def _json(files: Files, name: str) -> Mapping[str, Any]:
    """Return the object in a small file; an empty one where there is none."""
    try:
        with files.open(name) as file:
            found = json.loads(file.read().decode("utf-8-sig", errors="replace"))
    except (*_READ_FAULTS, KeyError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _rows_of_json(file: IO[bytes]) -> Iterator[Any]:
    stream = JsonStream(file)
    if not stream.take("["):
        # A channel with one message may have it alone. Some files are empty.
        try:
            yield from (stream.value(),) if stream.peek() else ()
        except NoJson:
            yield Aside(1, CUT)
        return
    for number, row in enumerate(stream.elements(_MESSAGE), 1):
        yield Aside(number, CUT if row is Fault.CUT else row.value) if isinstance(row, Fault) else row


def _rows_of_csv(file: IO[bytes]) -> Iterator[Any]:
    with io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="") as text:
        rows = csv.DictReader(text, strict=True)
        for number in count(1):
            try:
                yield next(rows)
            except StopIteration:
                return
            except csv.Error:
                yield Aside(number, "it is no CSV")


def _message(place: Place, number: int, row: Mapping[str, Any], owner: Writer) -> Found | Aside:
    try:
        files = [match for url in text_of(row, "Attachments").split() if (match := _FILE.search(url))]
        return found(
            number,
            place,
            snowflake(row["ID"]),
            by=owner,
            text=text_of(row, "Contents"),
            files=tuple(unquote(match["name"]) for match in files),
            source=Source.PACKAGE,
            attachments=tuple(Attachment(id=snowflake(match["id"]), size=0) for match in files),
        )
    except (AttributeError, LookupError, TypeError, ValueError):
        return Aside(number, NO_MESSAGE)
