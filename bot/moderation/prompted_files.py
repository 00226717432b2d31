"""The files of a question, as its prompt had them: the log keeps what they were, and not the files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bot.moderation.text import printable, size_text
from bot.responders.kinds import family
from bot.responders.llm.files import Reading, readable, title_of
from bot.responders.protocol import Attached, Context, File

NOT_KEPT = "not kept in the log"
NOT_RECORDED = "the reason is not recorded"


def reading_of(files: Sequence[Attached], read: Collection[int]) -> Reading:
    """Return what was read of files, with what is known of each in the place of its text."""
    there = [file for file in files if file.id in read]
    texts = [(title_of(file.name), f"[{_told(file)}]") for file in there if not _is_picture(file)]
    images = [File(file.id, file.name, file.content_type, b"") for file in there if _is_picture(file)]
    return Reading(tuple(texts), tuple(images), ids=tuple(file.id for file in there))


def pictures_of(files: Sequence[Attached]) -> Mapping[int, str]:
    """Return what is known of each picture, by its id: a prompt has no words for it."""
    return {
        file.id: f"{printable(file.name) or 'without a name'}: {_told(file)}" for file in files if _is_picture(file)
    }


def with_files(
    context: Context, files: Sequence[Attached], read: Collection[int], *, images: bool, limit: int
) -> Context:
    """Return the context with the files that were read, and a reason for each other one that could have been.

    ``images`` and ``limit``, in bytes, are the settings, which are the reason for the rest.
    """
    there = tuple(File(file.id, file.name, file.content_type, b"") for file in files if file.id in read)
    fit = [file.id for file in files if not file.size or readable(file, images=images, limit=limit)]
    return replace(context, attachments=there, unread=dict.fromkeys(fit, NOT_RECORDED))


def _is_picture(file: Attached) -> bool:
    return family(file.content_type) == "image"


def _told(file: Attached) -> str:
    return f"{printable(file.content_type) or 'of no known kind'}, {size_text(file.size)}, {NOT_KEPT}"
