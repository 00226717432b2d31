"""``docs/privacy.md`` names everything personal that the log keeps."""

from __future__ import annotations

import re
from pathlib import Path

from bot.core.events import CommandUsed, OwnRecorded
from bot.eventlog.codec import event_models
from bot.moderation import commands
from bot.moderation.command import PRIVACY

PAGE = (Path(__file__).parents[1] / "docs" / "privacy.md").read_text(encoding="utf-8")
OF_PEOPLE = ("author_id", "user_id", "by", "people")


def section(title: str) -> str:
    """Return one section of the page."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """Return the rows of a section's table."""
    lines = re.findall(r"(?m)^\| (`.*) \|$", section(title))
    return [line.split(" | ") for line in lines]


def named(cell: str) -> set[str]:
    """Return what is named in a cell."""
    return set(re.findall(r"`([^`]+)`", cell))


def test_every_event_with_words_is_named() -> None:
    """And nothing that has none."""
    worded = {model.TYPE for model in event_models() if model.WORDED} | {CommandUsed.TYPE, OwnRecorded.TYPE}

    assert set().union(*(named(row[0]) for row in rows("Words"))) == worded


def test_every_field_about_a_person_is_named_with_its_events() -> None:
    """By the names that such fields have; a new name is added here and on the page."""
    found = {field: {model.TYPE for model in event_models() if field in model.model_fields} for field in OF_PEOPLE}

    assert {row[0].strip("`"): named(row[2]) for row in rows("Facts beside the words")} == found


def test_every_field_of_an_event_is_an_id_of_something_else_or_about_a_person() -> None:
    """So that a new field with somebody's id is not overlooked."""
    ids = {name for model in event_models() for name in model.model_fields if name.endswith(("_id", "_ids"))}

    assert ids == {
        "author_id",
        "channel_id",
        "guild_id",
        "message_id",
        "parent_id",
        "press_id",
        "role_id",
        "sent_id",
        "sent_ids",
        "starter_id",
        "thread_id",
        "user_id",
    }


def test_every_command_about_privacy_is_explained() -> None:
    """By its full name."""
    listed = {command.name for command in commands.COMMANDS if command.group == PRIVACY}

    assert set(re.findall(r"`/privacy ([a-z-]+)`", PAGE)) == listed
