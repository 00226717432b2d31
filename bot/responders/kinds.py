"""What a file is, by its first bytes. What its name or Discord says of it may be wrong."""

from __future__ import annotations

PDF = "application/pdf"
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"%PDF-", PDF),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x7fELF", "application/x-executable"),
    (b"OggS\0", "audio/ogg"),
    *((b"ID3" + version, "audio/mpeg") for version in (b"\2", b"\3", b"\4")),
    (b"fLaC\0", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_IN_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_IN_BOX = {b"avif": "image/avif", b"avis": "image/avif", b"M4A ": "audio/mp4"}
_HEIF = (b"hei", b"hev", b"mif1", b"msf1")


def kind_of(data: bytes) -> str:
    """Return the media type of a file by its beginning, "" where no signature is known, as in texts.

    Sources: the PNG, JPEG, GIF, TIFF and PDF specifications, RIFF's form types, the brands of ISO 14496-12.
    """
    if data.startswith(b"RIFF"):
        return _IN_RIFF.get(data[8:12], "")
    if data[:3] == b"\0\0\0" and data[4:8] == b"ftyp":
        brand = data[8:12]
        return "image/heif" if brand.startswith(_HEIF) else _IN_BOX.get(brand, "video/mp4")
    # A bitmap's letters may begin a text; the four bytes behind its length are zero.
    if data.startswith(b"BM") and data[6:10] == b"\0\0\0\0":
        return "image/bmp"
    return next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), "")


def family(kind: str) -> str:
    """Return the first part of a media type: "image", "audio", "text" and so on."""
    return kind.partition("/")[0].strip().lower()


def unread_because(kind: str, *, images: bool) -> str:
    """Return why a model is given no file of a media type, "" where it may be; ``images``: it sees."""
    match family(kind):
        case "audio":
            return "you can't hear anything"
        case "video":
            return "you can't watch anything"
        case "image" if not images:
            return "you are shown no pictures"
    return ""
