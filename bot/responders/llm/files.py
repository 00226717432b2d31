"""Read a question's attachments for a model: texts, PDFs and, for a model with vision, images."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import regex
import structlog

from bot.responders.kinds import PDF, family, kind_of, unread_because
from bot.responders.llm import pdf
from bot.responders.llm.fence import quoted, safe_name
from bot.responders.llm.pictures import fitted
from bot.responders.llm.settings import PictureLimits
from bot.responders.llm.unread import Unread
from bot.responders.protocol import Attached, Context, File, Question

_MARKS = (
    (BOM_UTF32_LE, "utf-32"),
    (BOM_UTF32_BE, "utf-32"),
    (BOM_UTF16_LE, "utf-16"),
    (BOM_UTF16_BE, "utf-16"),
    (BOM_UTF8, "utf-8-sig"),
)
_BEYOND_ASCII = 0x80
_UNLIKELY = regex.compile(r"[\p{Cn}\p{Co}\p{Cs}\x00-\x08\x0e-\x1a\x1c-\x1f]")
SECONDS = 20
"""The most seconds for all files of a question."""
AT_ONCE = 2
_LATE = "the files take too long to read"
_NO_TEXT = "it is of no kind that can be read, or a text in an encoding that is not known (UTF-8 is)"
_EMPTY = "it is empty"
_TOO_LARGE = "it is too large"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of files: titles with texts, images, a line for each unread file, and the ids of those read."""

    texts: tuple[tuple[str, str], ...] = ()
    images: tuple[File, ...] = ()
    unread: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()


def readable(file: Attached, *, images: bool, limit: int) -> bool:
    """Tell before a file is fetched whether it may be readable; ``limit`` is in bytes (0: no file is read)."""
    return 0 < file.size <= limit and not unread_because(file.content_type, images=images)


def title_of(name: str) -> str:
    """Return what stands above the text of a file of this name."""
    return f"file {quoted(safe_name(name))}"


def _unread(name: str, reason: str) -> str:
    return f"{title_of(name)}, which you can't read: {reason}"


@dataclass(frozen=True, slots=True)
class FileReader:
    """Reads files by their content, a few at a time, because a large one takes memory.

    ``limit``: files of more bytes are not read. ``characters``: about as many of a text are wanted.
    """

    images: bool
    limit: int
    characters: int
    pictures: PictureLimits
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def read(self, files: Iterable[File]) -> Reading:
        """Read files; one that can't be read costs nothing but a line that says why."""
        texts: list[tuple[str, str]] = []
        images: list[File] = []
        unread: list[str] = []
        ids: list[int] = []
        deadline = asyncio.get_running_loop().time() + SECONDS
        for file in files:
            try:
                async with asyncio.timeout_at(deadline), self._turns:
                    found = await self._read(file)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a file, the question is answered
                unread.append(_unread(file.name, _reason(file, error)))
                continue
            if isinstance(found, File):
                images.append(found)
            else:
                texts.append((title_of(file.name), found))
            ids.append(file.id)
        return Reading(tuple(texts), tuple(images), tuple(unread), tuple(ids))

    async def _read(self, file: File) -> str | File:
        """Return the text of a file, or an image made fit for the model; raise Unread."""
        if not file.data:
            raise Unread(_EMPTY)
        if len(file.data) > self.limit:
            raise Unread(_TOO_LARGE)
        kind = kind_of(file.data)
        if reason := unread_because(kind, images=self.images):
            raise Unread(reason)
        if family(kind) == "image":
            made, data = await asyncio.to_thread(fitted, file.data, self.pictures)
            return replace(file, content_type=made, data=data)
        if kind == PDF:
            return await pdf.text_of(file.data, self.characters)
        if kind:
            raise Unread(f"it is of the kind {kind}")
        return _text(file.data)


def unfetched(question: Question, context: Context, *, images: bool, limit: int) -> Iterator[str]:
    """Yield a line for each file of a question that was not fetched, with the reason; ``limit`` is in bytes."""
    there = {file.id for file in context.attachments}
    for file in question.files:
        if file.id and file.id not in there:
            reason = context.unread.get(file.id) or _why_unfetched(file, images=images, limit=limit)
            yield _unread(file.name, reason)


def _why_unfetched(file: Attached, *, images: bool, limit: int) -> str:
    if not limit:
        return "you are given no files"
    if reason := unread_because(file.content_type, images=images):
        return reason
    return _TOO_LARGE if file.size > limit else "it could not be fetched"


def _reason(file: File, error: Exception) -> str:
    """Return what a model is told of an error; what nobody thought of is logged."""
    if isinstance(error, Unread):
        return str(error)
    if isinstance(error, TimeoutError):
        return _LATE
    _log.warning("attachment.unread", attachment=file.id, reason=type(error).__name__)
    return "it could not be read"


def _text(data: bytes) -> str:
    """Return the text of a file; raise Unread if its content is none, whatever its name says.

    Tried are the encodings that a file names in its first bytes, UTF-8, UTF-16 by its many zeros, and Windows' form of
    Latin-1, if few letters are beyond ASCII: a text in another alphabet would become nonsense.
    """
    text = _named(data)
    if text is None:
        text = _decoded(data, "utf-8")
    if text is None or "\0" in text:
        text = _guessed(data)
    if text is None:
        raise Unread(_NO_TEXT)
    if not text.strip():
        raise Unread(_EMPTY)
    return text


def _named(data: bytes) -> str | None:
    """Return a text in the encoding that its first bytes name."""
    # UTF-32's begin with UTF-16's.
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    return _decoded(data, encoding) if encoding else None


def _guessed(data: bytes) -> str | None:
    """Return a text in the encoding that it looks like, None if that is no text."""
    zeros = data[::2].count(0), data[1::2].count(0)
    if any(zeros):
        # Most of what is written in our alphabets has a zero in each second byte, and none beside it.
        likely = min(zeros) == 0 and max(zeros) * 4 > len(data)
        text = _decoded(data, "utf-16-be" if zeros[0] else "utf-16-le") if likely else None
    else:
        beyond = sum(byte >= _BEYOND_ASCII for byte in data)
        text = _decoded(data, "cp1252") if beyond * 3 <= len(data) else None
    return None if text is None or _UNLIKELY.search(text) else text


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
