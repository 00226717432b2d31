"""Files as people post them, made for tests."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

from PIL import Image
from pypdf import PdfReader, PdfWriter


def picture(
    kind: str = "PNG",
    size: tuple[int, int] = (8, 6),
    colour: str | int | tuple[int, ...] = "red",
    mode: str = "RGB",
    **more: object,
) -> bytes:
    """Return a picture of one colour; its left upper corner is blue, where it has colours."""
    image = Image.new(mode, size, colour)
    if mode in ("RGB", "RGBA"):
        image.paste("blue", (0, 0, max(size[0] // 2, 1), max(size[1] // 2, 1)))
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def noise(size: tuple[int, int]) -> bytes:
    """Return a PNG that nothing can compress."""
    file = io.BytesIO()
    Image.effect_noise(size, 200).convert("RGB").save(file, "PNG")
    return file.getvalue()


def animation() -> bytes:
    """Return a GIF that is red, then green."""
    first, second = (Image.new("RGB", (8, 6), colour) for colour in ("red", "green"))
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=[second], duration=50)
    return file.getvalue()


def photo() -> bytes:
    """Return a JPEG that lies on its side, and says where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "at home"
    return picture("JPEG", (40, 20), exif=exif.tobytes(), comment=b"at home", quality=95)


def bomb() -> bytes:
    """Return a PNG of a few bytes that says it has 30,000 x 30,000 points."""
    head = (30_000).to_bytes(4) * 2 + bytes((8, 2, 0, 0, 0))
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    parts = (len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4) for name, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def pdf(*pages: str, repeated: int = 1) -> bytes:
    """Return a PDF with a line on each page, written so many times."""
    streams = [zlib.compress(f"BT /F1 12 Tf 20 20 Td ({line}) Tj ET\n".encode() * repeated) for line in pages]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    for number, stream in enumerate(streams):
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
        objects.append(page % (5 + 2 * number))
        objects.append(b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(stream), stream))
    return _file(objects)


def _file(objects: Sequence[bytes]) -> bytes:
    file, places = b"%PDF-1.4\n", list[int]()
    for number, each in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, len(file))
    return file + b"xref\n0 %d\n0000000000 65535 f \n%b%b" % (size, table, end)


def locked(data: bytes, password: str) -> bytes:
    """Return a PDF that is encrypted; an empty password lets everybody read it."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(password, "owner", algorithm="AES-256")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
