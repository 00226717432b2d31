"""Small files as their programs write them: DiscordChatExporter (JsonMessageWriter.cs), and Discord its packages."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

GUILD, CHANNEL, THREAD = 500_000_000_000_000_001, 500_000_000_000_000_002, 500_000_000_000_000_003
ALICE, BOB, ROBOT, HOOK = 41, 42, 77, 88
CDN = f"https://cdn.discordapp.com/attachments/{CHANNEL}"
FIRST = 1_100_000_000_000_000_000
"""The id of the first message, of May 2023."""


def user(user_id: int, name: str, *, bot: bool = False, discriminator: str = "0000") -> dict[str, Any]:
    """Return a user as ``WriteUserAsync`` writes one."""
    return {
        "id": str(user_id),
        "name": name,
        "discriminator": discriminator,
        "nickname": name.title(),
        "color": None,
        "isBot": bot,
        "roles": [{"id": "9", "name": "helper", "color": "#FF0000", "position": 1}],
        "avatarUrl": "https://cdn.discordapp.com/embed/avatars/0.png",
    }


def message(number: int, text: str, *, by: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a message as ``WriteMessageAsync`` writes one; ``more`` are fields in the place of the usual ones."""
    return {
        "id": str(FIRST + number),
        "type": "Default",
        "timestamp": "2023-05-12T12:00:00.123+02:00",
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": text,
        "author": by or user(ALICE, "alice"),
        "attachments": [],
        "components": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        "inlineEmojis": [],
        **more,
    }


def export(
    messages: Sequence[object],
    *,
    channel: Mapping[str, Any] | None = None,
    guild_id: int = GUILD,
    indent: int | None = 2,
) -> str:
    """Return a whole file."""
    about = {
        "id": str(CHANNEL),
        "type": "GuildTextChat",
        "categoryId": "500000000000000009",
        "category": "Text",
        "name": "general",
        "topic": None,
    }
    return json.dumps(
        {
            "guild": {"id": str(guild_id), "name": "Somewhere", "iconUrl": "https://cdn.discordapp.com/0.png"},
            "channel": {**about, **(channel or {})},
            "dateRange": {"after": None, "before": "2026-11-01T00:00:00+00:00"},
            "exportedAt": "2026-11-20T08:00:00.1+00:00",
            "messages": messages,
            "messageCount": len(messages),
        },
        indent=indent,
        ensure_ascii=False,
    )


PACKAGE: Mapping[str, str] = {
    "Account/user.json": json.dumps({"id": str(ALICE), "username": "alice", "global_name": "Alice"}),
    "Messages/index.json": json.dumps({str(CHANNEL): "general in Somewhere", str(THREAD): None}),
    f"Messages/c{CHANNEL}/channel.json": json.dumps(
        {"id": str(CHANNEL), "type": "GUILD_TEXT", "name": "general", "guild": {"id": str(GUILD), "name": "Somewhere"}}
    ),
    f"Messages/c{CHANNEL}/messages.json": json.dumps(
        [
            {"ID": FIRST + 2, "Timestamp": "2023-05-12 10:00:02", "Contents": "second <@42>", "Attachments": ""},
            {
                "ID": str(FIRST + 1),
                "Timestamp": "2023-05-12 10:00:01",
                "Contents": "",
                "Attachments": f"{CDN}/500000000000000011/a%20b.png?ex=1&is=2 {CDN}/500000000000000012/c.txt",
            },
        ]
    ),
    f"Messages/c{THREAD}/channel.json": json.dumps({"id": str(THREAD), "type": 1, "recipients": ["41", "42"]}),
    f"Messages/c{THREAD}/messages.csv": "\ufeffID,Timestamp,Contents,Attachments\r\n"
    f'{FIRST + 3},2021-05-05 12:34:56.789000+00:00,"two\r\nlines, and ""marks""",\r\n',
}
"""A data package, with a channel in the newer form and one in the older."""


def unpacked(folder: Path, files: Mapping[str, str] = PACKAGE) -> Path:
    """Write a package's files into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def zipped(path: Path, files: Mapping[str, str] = PACKAGE) -> Path:
    """Write a package as Discord sends it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
