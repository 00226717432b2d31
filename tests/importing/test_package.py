"""Discord's own data packages."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.core.events import Attachment
from bot.importing import package
from bot.importing.found import CUT, NO_MESSAGE, Aside, Findings, Found, Writer
from tests.importing.samples import ALICE, CHANNEL, FIRST, GUILD, PACKAGE, THREAD, unpacked, zipped


def in_folder(folder: Path, files: Mapping[str, str] = PACKAGE) -> package.Files:
    """Return a package that was unpacked."""
    unpacked(folder, files)
    return package.in_folder(folder, [path for path in folder.rglob("*") if path.is_file()])


def all_of(files: package.Files) -> list[Findings]:
    """Return what is in all channels."""
    owner = package.owner_of(files)
    assert owner is not None
    return [each for name in files.channels for each in package.read(files, name, owner)]


@pytest.mark.parametrize("is_zip", [False, True])
def test_both_forms_of_messages_are_read(tmp_path: Path, *, is_zip: bool) -> None:
    """From a folder and from a zip, in the order of their channels."""
    if is_zip:
        with zipfile.ZipFile(zipped(tmp_path / "package.zip")) as archive:
            found = all_of(package.in_zip(archive))
    else:
        found = all_of(in_folder(tmp_path))

    messages = [each for each in found if isinstance(each, Found)]
    assert len(messages) == len(found) == 3
    assert [(each.place.channel_id, each.place.guild_id, each.event.message_id) for each in messages] == [
        (CHANNEL, GUILD, FIRST + 2),
        (CHANNEL, GUILD, FIRST + 1),
        (THREAD, None, FIRST + 3),
    ]
    assert [each.body.parts for each in messages] == [("second <@42>",), ("",), ('two\r\nlines, and "marks"',)]
    assert {(each.event.author_id, each.body.name) for each in messages} == {(ALICE, "Alice")}
    assert messages[1].body.files == ("a b.png", "c.txt")
    assert messages[1].event.attachments == (
        Attachment(id=500000000000000011, size=0),
        Attachment(id=500000000000000012, size=0),
    )


def test_older_folders_and_other_languages_are_found(tmp_path: Path) -> None:
    """The names of the folders above a channel's are the person's."""
    files = {
        "package/Konto/user.json": PACKAGE["Account/user.json"],
        f"package/Nachrichten/{CHANNEL}/messages.csv": PACKAGE[f"Messages/c{THREAD}/messages.csv"],
    }

    (found,) = all_of(in_folder(tmp_path, files))

    assert isinstance(found, Found)
    assert (found.place.channel_id, found.place.guild_id) == (CHANNEL, None)


def test_a_package_may_lack_its_owner(tmp_path: Path) -> None:
    """People choose what they ask for."""
    files = {name: text for name, text in PACKAGE.items() if not name.startswith("Account")}

    assert package.owner_of(in_folder(tmp_path, files)) is None


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("json", "", []),
        ("json", "[]", []),
        ("json", '{"ID": @1, "Contents": "alone"}', [1]),
        ("json", '[{"ID": @1}, {"ID": "x"}, 5, {"ID": @2}]', [1, NO_MESSAGE, NO_MESSAGE, 2]),
        ("json", '[{"ID": @1}, {"ID": 5 "x"}, {"ID": @2}', [1, "it is no JSON", 2, CUT]),
        ("json", "nothing", [CUT]),
        ("csv", "", []),
        ("csv", "ID,Contents,Attachments\n@1,a\n,,\n@2,b,,more\n", [1, NO_MESSAGE, 2]),
        ("csv", 'ID,Contents\n@1,"without an end', ["it is no CSV"]),
        ("csv", "something,else\n1,2\n", [NO_MESSAGE]),
    ],
)
def test_oddities_are_understood_or_set_aside(tmp_path: Path, name: str, text: str, expected: list[int | str]) -> None:
    """Each by its number."""
    file = f"Messages/c{CHANNEL}/messages.{name}"
    files = in_folder(tmp_path, {file: text.replace("@1", str(FIRST + 1)).replace("@2", str(FIRST + 2))})

    found = list(package.read(files, file, Writer(ALICE, "")))

    fates = [each.event.message_id - FIRST if isinstance(each, Found) else each for each in found]
    assert [each.why if isinstance(each, Aside) else each for each in fates] == expected
    assert [each.number for each in found if isinstance(each, Found | Aside)] == list(range(1, len(expected) + 1))


def test_a_damaged_zip_gives_what_it_holds(tmp_path: Path) -> None:
    """The files that it can't give are set aside."""
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in PACKAGE.items():
            archive.writestr(name, text)
    data = bytearray(path.read_bytes())
    at = data.index(b"second")
    data[at : at + 3] = b"###"
    path.write_bytes(data)

    with zipfile.ZipFile(path) as archive:
        found = all_of(package.in_zip(archive))

    assert [each.place.channel_id for each in found if isinstance(each, Found)][-1] == THREAD
    assert [each.why for each in found if isinstance(each, Aside)] == [CUT]
