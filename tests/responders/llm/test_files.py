"""Files are read by what they are, and one that can't be read says why."""

from __future__ import annotations

import asyncio
import io
import zlib

import pytest
from PIL import Image

from bot.responders import File
from bot.responders.kinds import kind_of
from bot.responders.llm import pdf as pdfs
from bot.responders.llm import pictures
from bot.responders.llm.files import FileReader, Reading
from bot.responders.llm.pdf_text import found
from bot.responders.llm.settings import PictureLimits
from tests.responders.llm.made_files import animation, bomb, locked, noise, pdf, photo, picture

NO_KIND = "it is of no kind that can be read, or a text in an encoding that is not known (UTF-8 is)"
DAMAGED = "its picture is damaged"


def read(*files: tuple[str, bytes], images: bool = True, **limits: object) -> Reading:
    """Read files by their names and bytes; Discord says that each is a text."""
    reader = FileReader(images, 1_000_000, 500, PictureLimits(**limits))  # type: ignore[arg-type]
    return asyncio.run(reader.read(File(at, name, "text/plain", data) for at, (name, data) in enumerate(files)))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param("grün".encode(), "grün", id="UTF-8"),
        pytest.param("grün".encode("utf-8-sig"), "grün", id="UTF-8 that says so"),
        pytest.param("grün".encode("utf-16"), "grün", id="UTF-16"),
        pytest.param(b"\xfe\xff" + "語".encode("utf-16-be"), "語", id="UTF-16, the other way round"),
        pytest.param("grün".encode("utf-16-le"), "grün", id="UTF-16 that does not say so"),
        pytest.param("grün".encode("utf-16-be"), "grün", id="the other way round"),
        pytest.param("grün".encode("utf-32"), "grün", id="UTF-32"),
        pytest.param(b"gr\xfcn", "grün", id="Latin-1"),
        pytest.param(b"5 \x80, \x93so\x94", "5 \u20ac, \u201cso\u201d", id="Windows-1252"),
        pytest.param(b"\x1b[1mred\x1b[0m\r\n\f", "\x1b[1mred\x1b[0m\r\n\f", id="a log with colours"),
        pytest.param(b"BMW and PK and ID3 and RIFF", "BMW and PK and ID3 and RIFF", id="letters of signatures"),
    ],
)
def test_texts_are_read_in_the_encoding_that_they_have(data: bytes, text: str) -> None:
    """Whatever the name says."""
    assert read(("moon.png", data)) == Reading((('file "moon.png"', text),), ids=(0,))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"", "it is empty", id="nothing"),
        pytest.param(b"\xff\xfe", "it is empty", id="nothing, in another encoding"),
        pytest.param(b" \n", "it is empty", id="blanks"),
        pytest.param(b"x" * 1_000_001, "it is too large", id="too large"),
        pytest.param(b"PK\x03\x04" + b"x" * 60, "it is of the kind application/zip", id="an archive"),
        pytest.param(b"a\0b", NO_KIND, id="zeros"),
        pytest.param(bytes(range(256)), NO_KIND, id="bytes"),
        pytest.param("привет".encode("cp1251"), NO_KIND, id="another alphabet"),
        pytest.param(zlib.compress(b"x" * 9999), NO_KIND, id="something compressed"),
        pytest.param(b"\x00\x00\x00\x18ftypmp42", "you can't watch anything", id="a film"),
        pytest.param(b"RIFF\x00\x00\x00\x00WAVE", "you can't hear anything", id="sound"),
        pytest.param(picture()[:60], DAMAGED, id="a picture cut off"),
        pytest.param(picture("JPEG", (200, 200))[:400], DAMAGED, id="a photo cut off"),
        pytest.param(picture("TIFF"), "it is no picture of a kind that can be read", id="a picture of a rare kind"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "it is no picture of a kind that can be read", id="a picture without any"),
        pytest.param(bomb(), "it has too many points", id="a bomb"),
    ],
)
def test_a_file_that_can_not_be_read_says_why_and_costs_nothing(data: bytes, why: str) -> None:
    """The one beside it is read all the same."""
    reading = read(("notes.txt", data), ("b", b"words"))

    assert reading == Reading((('file "b"', "words"),), (), (f'file "notes.txt", which you can\'t read: {why}',), (1,))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(pdf("hello", "moon"), {"text": "hello\n\nmoon"}, id="pages"),
        pytest.param(locked(pdf("open"), ""), {"text": "open"}, id="locked, and open for everybody"),
        pytest.param(pdf("a" * 300, "b" * 300, "c"), {"text": f"{'a' * 300}\n\n{'b' * 200}"}, id="too much"),
        pytest.param(pdf(), {"fault": "it has no pages"}, id="no pages"),
        pytest.param(picture("PDF"), {"fault": "its pages hold pictures and no text"}, id="a scan"),
        pytest.param(locked(pdf("x"), "word"), {"fault": "it is locked with a password"}, id="locked"),
        pytest.param(b"%PDF-1.4 and so on", {"fault": "its PDF is damaged"}, id="nothing behind the signature"),
        pytest.param(pdf("x")[:300], {"fault": "its PDF is damaged"}, id="cut off"),
    ],
)
def test_what_is_found_in_a_pdf(data: bytes, said: dict[str, str]) -> None:
    """Page by page, up to the characters that are wanted."""
    assert found(data, 500) == said


def test_a_pdf_is_read_whatever_its_name_is_and_one_that_is_not_costs_nothing() -> None:
    """In a process of its own."""
    reading = read(("a.txt", pdf("hello")), ("b.pdf", pdf()))

    assert reading.texts == (('file "a.txt"', "hello"),)
    assert reading.unread == ('file "b.pdf", which you can\'t read: it has no pages',)


def test_a_pdf_that_keeps_its_reader_busy_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process is ended."""
    monkeypatch.setattr(pdfs, "SECONDS", 1)

    assert pdfs.TOO_MUCH in read(("a.pdf", pdf("a", repeated=1_000_000))).unread[0]


def test_without_the_extras_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the model, which can pass it on."""
    for module in (pdfs, pictures):
        monkeypatch.setattr(module, "find_spec", lambda _name: None)

    reading = read(("a.pdf", pdf("x")), ("b.png", picture()))

    assert [line.partition(": ")[2] for line in reading.unread] == [pdfs.MISSING, pictures.MISSING]


def test_what_nobody_thought_of_costs_no_question_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a system that starts no more processes."""
    monkeypatch.setattr(pdfs, "_SCRIPT", "\0")

    assert read(("a.pdf", pdf("x"))).unread == ('file "a.pdf", which you can\'t read: it could not be read',)


def opened(data: bytes, **limits: object) -> Image.Image:
    """Return a picture as the model gets it."""
    (made,) = read(("notes.txt", data), **limits).images  # type: ignore[arg-type]
    image = Image.open(io.BytesIO(made.data))
    assert made.content_type == f"image/{(image.format or '').lower()}" == kind_of(made.data)
    return image


@pytest.mark.parametrize(
    ("data", "kind", "size", "mode"),
    [
        pytest.param(picture(), "PNG", (8, 6), "RGB", id="a small one"),
        pytest.param(picture("JPEG", (3000, 30)), "JPEG", (1568, 16), "RGB", id="a wide one"),
        pytest.param(photo(), "JPEG", (20, 40), "RGB", id="a photo on its side"),
        pytest.param(animation(), "PNG", (8, 6), "RGB", id="an animation"),
        pytest.param(picture("WEBP"), "JPEG", (8, 6), "RGB", id="WebP"),
        pytest.param(picture("AVIF"), "JPEG", (8, 6), "RGB", id="AVIF"),
        pytest.param(picture("BMP"), "PNG", (8, 6), "RGB", id="BMP"),
        pytest.param(picture("JPEG", mode="CMYK", colour=(0, 0, 0, 0)), "JPEG", (8, 6), "RGB", id="for print"),
        pytest.param(picture(mode="RGBA", colour=(0, 0, 0, 0)), "PNG", (8, 6), "RGBA", id="a transparent one"),
        pytest.param(picture(mode="RGBA"), "PNG", (8, 6), "RGB", id="one that could be transparent"),
        pytest.param(picture(mode="LA", colour=(0, 0)), "PNG", (8, 6), "RGBA", id="grey and transparent"),
        pytest.param(picture(mode="P", colour=0), "PNG", (8, 6), "RGB", id="a palette"),
        pytest.param(picture(mode="1", colour=1), "PNG", (8, 6), "RGB", id="black and white"),
    ],
)
def test_pictures_are_made_fit_for_the_model(data: bytes, kind: str, size: tuple[int, int], mode: str) -> None:
    """By their content; nothing goes along but what one sees."""
    image = opened(data)

    assert (image.format, image.size, image.mode) == (kind, size, mode)
    assert not image.getexif()
    assert not set(image.info) & {"exif", "comment", "icc_profile", "xmp", "duration"}


def test_a_picture_stands_upright_and_an_animation_shows_its_first_frame() -> None:
    """The blue corner of a photo on its side is at the upper right when it stands."""
    assert min(opened(photo()).getchannel("B").crop((12, 0, 20, 8)).tobytes()) > 200
    assert opened(animation()).getpixel((7, 5)) == (255, 0, 0)
    assert opened(picture(mode="I;16", colour=0x8000)).getpixel((7, 5)) == (128, 128, 128)


@pytest.mark.parametrize(
    ("limits", "kind", "size"),
    [
        ({"bytes": 200_000}, "JPEG", (400, 400)),
        ({"bytes": 10_000}, "JPEG", (100, 100)),
        ({"bytes": 100_000, "formats": ("png",)}, "PNG", (100, 100)),
        ({"formats": ("webp",)}, "WEBP", (400, 400)),
        ({"side": 64}, "PNG", (64, 64)),
    ],
)
def test_a_picture_keeps_to_its_limits(limits: dict[str, object], kind: str, size: tuple[int, int]) -> None:
    """First a smaller form is tried, then half the size."""
    image = opened(noise((400, 400)), **limits)

    assert (image.format, image.size) == (kind, size)


def test_what_is_transparent_lies_on_white_where_the_format_knows_nothing_else() -> None:
    """Most is drawn for a light ground."""
    assert opened(picture(mode="RGBA", colour=(0, 0, 0, 0)), formats=("jpeg",)).getpixel((7, 5)) == (255, 255, 255)


def test_a_picture_that_can_not_be_small_enough_is_not_shown() -> None:
    """Whatever is left of it would show nothing."""
    (line,) = read(("a.png", noise((60, 60))), bytes=10).unread

    assert line.endswith("it can't be made small enough")
