"""Request bodies: reads JSON and multipart forms with files, and checks them with pydantic by Discord's rules."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.sandbox.attachments import AttachedFile
from bot.sandbox.errors import ApiError, invalid, invalid_form
from bot.sandbox.json_codec import Json, decode, whole_text
from bot.sandbox.snowflakes import MAX_SNOWFLAKE

T = TypeVar("T")

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_NO_OBJECT = ("MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
_TOO_LONG = ("BASE_TYPE_MAX_LENGTH", "Must be {max_length} or fewer in length.")
_REQUIRED = ("BASE_TYPE_REQUIRED", "This field is required")
_DISCORD_ERRORS = {
    "dict_type": _NO_OBJECT,
    "model_type": _NO_OBJECT,
    "string_type": ("STRING_TYPE_CONVERT", "Could not interpret value as string."),
    "string_too_long": _TOO_LONG,
    "string_too_short": _REQUIRED,
    "list_type": ("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"),
    "too_long": _TOO_LONG,
    "literal_error": ("BASE_TYPE_CHOICES", "Value must be one of {expected}."),
    "missing": _REQUIRED,
}
"""Discord's code and message for pydantic's errors; a PydanticCustomError has them already."""


@dataclass(slots=True)
class RequestBody:
    """The body of a request: any JSON value, and files."""

    value: Any
    uploads: list[AttachedFile] = field(default_factory=list)

    @property
    def mapping(self) -> Json:
        """Return the value as an object; raise 50035 if it is none."""
        if isinstance(self.value, dict):
            return self.value
        raise invalid("", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")

    @property
    def sequence(self) -> list[Any]:
        """Return the value as an array; raise 50035 if it is none."""
        if isinstance(self.value, list):
            return self.value
        raise invalid("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")


async def read_body(request: web.Request) -> RequestBody:
    """Read a body; refuse a content type with 50035, and invalid JSON with 50109."""
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
    # aiohttp raises one of these for a malformed multipart body.
    except (ValueError, LookupError, AssertionError, RuntimeError, TypeError, OSError) as error:
        raise invalid("", "FORM_INVALID", "The form could not be read.") from error
    fields: Json = {}
    uploads: list[AttachedFile] = []
    for name, value in form.items():
        if isinstance(value, web.FileField):
            if name == "payload_json":
                fields[name] = value.file.read()
                continue
            content = value.file.read()
            uploads.append(AttachedFile(value.filename, value.content_type, len(content), content))
        else:
            fields[name] = value.decode(errors="replace") if isinstance(value, bytes | bytearray) else value
    payload = fields.pop("payload_json", None)
    return RequestBody(fields if payload is None else _parse(payload), uploads)


# -- checking ----------------------------------------------------------------------------------------------------------


class JsonForm(BaseModel):
    """A JSON object; null counts as absent, and unknown keys are ignored."""

    model_config = ConfigDict(strict=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


def checked(kind: type[T], value: object) -> T:
    """Check a JSON value; refuse it with 50035 and every field error."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise invalid_form(map(_as_discord_error, error.errors(include_url=False))) from error


def _as_discord_error(error: ErrorDetails) -> tuple[str, str, str]:
    code, message = _DISCORD_ERRORS.get(error["type"], (error["type"], error["msg"]))
    return ".".join(map(str, error["loc"])), code, message.format_map(error.get("ctx", {}))


# -- types of fields ---------------------------------------------------------------------------------------------------


def _flag(value: object) -> bool:
    text = str(value).lower() if isinstance(value, bool | str) else ""
    if text not in ("true", "false"):
        raise PydanticCustomError("BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
    return text == "true"


def _snowflake(value: object) -> int:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 20 and int(text) <= MAX_SNOWFLAKE:  # noqa: PLR2004
        return int(text)
    raise PydanticCustomError("NUMBER_TYPE_COERCE", "Value is not snowflake.")


Flag = Annotated[bool, PlainValidator(_flag)]
Snowflake = Annotated[int, PlainValidator(_snowflake)]
Text = Annotated[str, BeforeValidator(whole_text)]


def parse_snowflake(value: object, path: str) -> int:
    """Read an id, number or digits; refuse anything else with 50035."""
    try:
        return _snowflake(value)
    except PydanticCustomError as error:
        raise invalid(path, error.type, error.message()) from None


def length_between(least: int, most: int) -> PlainValidator:
    """Check the length of a text."""

    def check(value: object) -> str:
        text = whole_text(value)
        if isinstance(text, str) and least <= len(text) <= most:
            return text
        raise PydanticCustomError("BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")

    return PlainValidator(check)


def one_of(choices: Container[int], shown: str) -> PlainValidator:
    """Check that a number is one of the allowed ones; ``shown`` names them."""

    def check(value: object) -> int:
        if isinstance(value, int) and value in choices:
            return value
        raise PydanticCustomError("BASE_TYPE_CHOICES", f"Value must be {shown}.")

    return PlainValidator(check)
