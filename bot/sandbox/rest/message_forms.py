"""The fields of a message that a client sends, checked against Discord's limits (docs/discord-facts.md, 1.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.errors import ApiError, FormErrors
from bot.sandbox.models import MessageFlag
from bot.sandbox.posting import AllowedMentions
from bot.sandbox.rest.bodies import Body, Upload
from bot.sandbox.rest.embeds import check_embeds
from bot.sandbox.snowflakes import MAX_SNOWFLAKE
from bot.sandbox.wire import Json

MAX_CONTENT = 2000
MAX_NONCE = 25
MAX_ATTACHMENTS = 10
MAX_ALLOWED_IDS = 100
MAX_ROWS = 5
_SETTABLE_FLAGS = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.EPHEMERAL
_MENTION_KINDS = ("everyone", "roles", "users")


@dataclass(slots=True)
class ReferenceForm:
    """Which message to answer, and whether it must exist."""

    message_id: int
    channel_id: int | None
    required: bool


@dataclass(slots=True)
class MessageForm:
    """A checked message; a field that was not sent (or null) is None."""

    content: str | None = None
    nonce: int | str | None = None
    enforce_nonce: bool = False
    embeds: list[Json] | None = None
    components: list[Json] | None = None
    flags: int | None = None
    tts: bool = False
    allowed: AllowedMentions = field(default_factory=AllowedMentions)
    reference: ReferenceForm | None = None
    uploads: list[Upload] = field(default_factory=list)

    def require_something(self) -> None:
        """Refuse an empty message with 50006."""
        if not (self.content or "").strip() and not self.embeds and not self.uploads and not self.components:
            raise ApiError(400, 50006, "Cannot send an empty message")


def read_message(body: Body) -> MessageForm:
    """Check a message; refuse it with 50035 and every field error."""
    data = body.mapping
    errors = FormErrors()
    form = MessageForm(
        content=_content(data.get("content"), errors),
        nonce=_nonce(data.get("nonce"), errors),
        enforce_nonce=_boolean(data, "enforce_nonce", errors, default=False),
        embeds=check_embeds(_embeds(data), errors),
        components=_components(data.get("components"), errors),
        flags=_flags(data.get("flags"), errors),
        tts=_boolean(data, "tts", errors, default=False),
        allowed=_allowed_mentions(data.get("allowed_mentions"), errors),
        reference=_reference(data.get("message_reference"), errors),
        uploads=body.uploads,
    )
    if len(body.uploads) > MAX_ATTACHMENTS:
        errors.add("attachments", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_ATTACHMENTS} or fewer in length.")
    errors.raise_if_any()
    return form


def _embeds(data: Json) -> Any:  # noqa: ANN401 - JSON
    """Take ``embeds``, or the old ``embed``."""
    if data.get("embeds") is None and isinstance(data.get("embed"), dict):
        return [data["embed"]]
    return data.get("embeds")


def _content(value: object, errors: FormErrors) -> str | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        errors.add("content", "STRING_TYPE_CONVERT", "Could not interpret value as string.")
        return None
    if len(value) > MAX_CONTENT:
        errors.add("content", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CONTENT} or fewer in length.")
    return value


def _nonce(value: object, errors: FormErrors) -> int | str | None:
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= MAX_NONCE:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SNOWFLAKE:
        return value
    errors.add("nonce", "NONCE_TYPE_TOO_LONG", f"Must be a number or {MAX_NONCE} or fewer in length.")
    return None


def _boolean(data: Json, name: str, errors: FormErrors, *, default: bool, path: str = "") -> bool:
    value = data.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    errors.add(f"{path}{name}", "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
    return default


def _flags(value: object, errors: FormErrors) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= MAX_NONCE:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value & _SETTABLE_FLAGS
    errors.add("flags", "NUMBER_TYPE_COERCE", "Value is not int.")
    return None


def _components(value: object, errors: FormErrors) -> list[Json] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        errors.add("components", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return None
    if len(value) > MAX_ROWS:
        errors.add("components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_ROWS} in length.")
    counter = [0]
    return [_numbered(item, counter) for item in value]


def _numbered(component: Json, counter: list[int]) -> Json:
    """Give a component and its children the ids that Discord adds."""
    counter[0] += 1
    numbered = {"id": counter[0], **{key: item for key, item in component.items() if item is not None}}
    children = component.get("components")
    if isinstance(children, list):
        numbered["components"] = [_numbered(child, counter) for child in children if isinstance(child, dict)]
    return numbered


def _allowed_mentions(value: object, errors: FormErrors) -> AllowedMentions:
    if value is None:
        return AllowedMentions()
    if not isinstance(value, dict):
        errors.add("allowed_mentions", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return AllowedMentions()
    parse = value.get("parse") or []
    if not isinstance(parse, list) or not all(item in _MENTION_KINDS for item in parse):
        errors.add("allowed_mentions.parse", "BASE_TYPE_CHOICES", f"Value must be one of {_MENTION_KINDS}.")
        parse = []
    users = _id_set(value.get("users"), "allowed_mentions.users", errors)
    roles = _id_set(value.get("roles"), "allowed_mentions.roles", errors)
    for name, ids in (("users", users), ("roles", roles)):
        if name in parse and ids:
            sentence = f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.'
            errors.add("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", sentence)
    return AllowedMentions(
        everyone="everyone" in parse,
        every_user="users" in parse,
        every_role="roles" in parse,
        user_ids=users,
        role_ids=roles,
        replied_user=_boolean(value, "replied_user", errors, default=False, path="allowed_mentions."),
    )


def _id_set(value: object, path: str, errors: FormErrors) -> set[int]:
    items = value if value is not None else []
    if not isinstance(items, list):
        errors.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return set()
    if len(items) > MAX_ALLOWED_IDS:
        errors.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_ALLOWED_IDS} or fewer in length.")
    ids = [_id(item, f"{path}.{index}", errors) for index, item in enumerate(items)]
    return {item for item in ids if item is not None}


def _id(value: object, path: str, errors: FormErrors) -> int | None:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 20 and int(text) <= MAX_SNOWFLAKE:  # noqa: PLR2004
        return int(text)
    errors.add(path, "NUMBER_TYPE_COERCE", "Value is not snowflake.")
    return None


def _reference(value: object, errors: FormErrors) -> ReferenceForm | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        errors.add("message_reference", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return None
    if value.get("type") not in (None, 0):
        errors.add("message_reference.type", "BASE_TYPE_CHOICES", "The sandbox takes replies (0) only.")
    if value.get("message_id") is None:
        errors.add("message_reference.message_id", "BASE_TYPE_REQUIRED", "This field is required")
        return None
    message_id = _id(value["message_id"], "message_reference.message_id", errors)
    channel_id = value.get("channel_id")
    if channel_id is not None:
        channel_id = _id(channel_id, "message_reference.channel_id", errors)
    if value.get("guild_id") is not None:
        _id(value["guild_id"], "message_reference.guild_id", errors)
    required = _boolean(value, "fail_if_not_exists", errors, default=True, path="message_reference.")
    return None if message_id is None else ReferenceForm(message_id, channel_id, required)
