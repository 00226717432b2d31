"""Request bodies: JSON, multipart with ``payload_json`` and files, or a plain form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.sandbox.attachments import AttachedFile
from bot.sandbox.errors import ApiError, invalid
from bot.sandbox.json_codec import Json, decode

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(slots=True)
class RequestBody:
    """What a request says: any JSON value, and files."""

    value: Any
    uploads: list[AttachedFile] = field(default_factory=list)

    @property
    def mapping(self) -> Json:
        """The value as an object; 50035 when it is none."""
        if isinstance(self.value, dict):
            return self.value
        raise invalid("", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")

    @property
    def sequence(self) -> list[Any]:
        """The value as an array; 50035 when it is none."""
        if isinstance(self.value, list):
            return self.value
        raise invalid("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")


async def read_body(request: web.Request) -> RequestBody:
    """Read a body of any accepted type; refuse others with 50035, and what does not parse with 50109."""
    if request.content_type in _FORMS:
        return await _read_form(request)
    data = await request.read()
    if request.content_type != "application/json" and data:
        expected = ", ".join(("application/json", *_FORMS))
        raise invalid("", "CONTENT_TYPE_INVALID", f'Expected "Content-Type" header to be one of {{{expected}}}.')
    return RequestBody(_parse(data) if data.strip() else {})


def _parse(data: str | bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return decode(data)
    except ValueError:
        raise ApiError(400, 50109, "The request body contains invalid JSON.") from None


async def _read_form(request: web.Request) -> RequestBody:
    try:
        form = await request.post()
    # aiohttp answers a malformed multipart body with one of several exceptions, depending on where it stumbles.
    except (ValueError, LookupError, AssertionError, RuntimeError, TypeError, OSError) as error:
        raise invalid("", "FORM_INVALID", "The form could not be read.") from error
    fields: Json = {}
    uploads: list[AttachedFile] = []
    for name, value in form.items():
        if isinstance(value, web.FileField):
            if name == "payload_json":
                fields[name] = value.file.read()
                continue
            size = value.file.seek(0, 2)
            uploads.append(AttachedFile(value.filename, value.content_type, size))
        else:
            fields[name] = value.decode(errors="replace") if isinstance(value, bytes | bytearray) else value
    payload = fields.pop("payload_json", None)
    return RequestBody(fields if payload is None else _parse(payload), uploads)
