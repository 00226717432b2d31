"""The message that a client sends, checked against Discord's limits (docs/discord-facts.md, 1.5)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from bot.sandbox.attachments import AttachedFile
from bot.sandbox.errors import EMPTY_MESSAGE, ApiError
from bot.sandbox.json_codec import Json, whole_text
from bot.sandbox.models import MessageFlag
from bot.sandbox.posting import AllowedMentions
from bot.sandbox.rest.bodies import Flag, JsonForm, RequestBody, Snowflake, Text, checked
from bot.sandbox.snowflakes import MAX_SNOWFLAKE

MAX_NONCE = 25
MAX_ROWS = MAX_IN_ROW = 5
ROW, BUTTON = 1, 2
BUTTON_STYLES, WITHOUT_ID = range(1, 7), (5, 6)
MAX_CUSTOM_ID, MAX_LABEL = 100, 80
MAX_EMBEDS_LENGTH = 6000
_SETTABLE_FLAGS = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.EPHEMERAL


# -- embeds (message.mdx:603-619) --------------------------------------------------------------------------------------


def _shown(value: object) -> object:
    return None if value == "" else whole_text(value)


_DROPPED: dict[str, type] = {
    "url": str,
    "timestamp": str,
    "color": int,
    **dict.fromkeys(("footer", "author", "image", "thumbnail"), dict),
}
"""The keys of an embed that the sandbox ignores if they hold another type."""


class EmbedField(JsonForm):
    """A field of an embed."""

    name: Text = Field(min_length=1, max_length=256)
    value: Text = Field(min_length=1, max_length=1024)
    inline: Annotated[bool, BeforeValidator(lambda value: value is True)] = False


class EmbedFooter(JsonForm):
    """The footer of an embed."""

    text: Annotated[str | None, BeforeValidator(_shown), Field(max_length=2048)] = None


class EmbedAuthor(JsonForm):
    """The author of an embed."""

    name: Annotated[str | None, BeforeValidator(_shown), Field(max_length=256)] = None


class EmbedMedia(JsonForm):
    """The image or thumbnail of an embed."""

    url: Text


class Embed(JsonForm):
    """An embed; what Discord does not keep is dropped."""

    type: str = "rich"
    title: Annotated[str | None, BeforeValidator(_shown), Field(max_length=256)] = None
    description: Annotated[str | None, BeforeValidator(_shown), Field(max_length=4096)] = None
    url: Text | None = None
    timestamp: Text | None = None
    color: int | None = None
    footer: EmbedFooter | None = None
    author: EmbedAuthor | None = None
    image: EmbedMedia | None = None
    thumbnail: EmbedMedia | None = None
    fields: list[EmbedField] | None = Field(None, max_length=25)

    @model_validator(mode="before")
    @classmethod
    def _drop_unreadable(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        if not isinstance(value, dict):
            return value
        kept = {key: item for key, item in value.items() if key not in _DROPPED or type(item) is _DROPPED[key]}
        return kept | {"type": "rich", "fields": kept.get("fields") or None}

    def length(self) -> int:
        """Count the characters that Discord counts."""
        texts = [self.title, self.description, self.footer and self.footer.text, self.author and self.author.name]
        texts += [text for field in self.fields or () for text in (field.name, field.value)]
        return sum(len(text or "") for text in texts)


def _check_total(embeds: list[Embed]) -> list[Embed]:
    if sum(embed.length() for embed in embeds) > MAX_EMBEDS_LENGTH:
        raise PydanticCustomError("MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
    return embeds


# -- parts of a message ------------------------------------------------------------------------------------------------


def _content(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else whole_text(value)


def _nonce(value: object) -> int | str:
    if isinstance(value, str) and len(value) <= MAX_NONCE:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SNOWFLAKE:
        return value
    raise PydanticCustomError("NONCE_TYPE_TOO_LONG", "Must be a number or 25 or fewer in length.")


def _flags(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= MAX_NONCE:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value & _SETTABLE_FLAGS
    raise PydanticCustomError("NUMBER_TYPE_COERCE", "Value is not int.")


def _components(value: object) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise PydanticCustomError("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    if len(value) > MAX_ROWS:
        raise PydanticCustomError("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    _check_components(value)
    counter = [0]
    return [_numbered(item, counter) for item in value]


def _check_components(components: list[Json]) -> None:
    """Refuse rows and buttons that Discord refuses (openapi.json, ActionRow- and ButtonComponentForMessageRequest)."""
    rows = [item for item in components if item.get("type") == ROW]
    for row in rows:
        children = row.get("components")
        if not isinstance(children, list) or not 1 <= len(children) <= MAX_IN_ROW:
            raise PydanticCustomError("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    inner = [item for row in rows for item in row["components"] if isinstance(item, dict)]
    for button in (item for item in inner if item.get("type") == BUTTON):
        _check_button(button)
    ids = [item["custom_id"] for item in inner if item.get("custom_id") is not None]
    if len(set(map(str, ids))) < len(ids):
        raise PydanticCustomError("COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")


def _check_button(button: Json) -> None:
    style, custom_id, label = button.get("style"), button.get("custom_id"), button.get("label")
    if style not in BUTTON_STYLES:
        raise PydanticCustomError("BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5, 6).")
    # Links and what is sold have no id of their own (components, "Button Styles").
    if style not in WITHOUT_ID and not (isinstance(custom_id, str) and 1 <= len(custom_id) <= MAX_CUSTOM_ID):
        raise PydanticCustomError("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    if label is not None and not (isinstance(label, str) and len(label) <= MAX_LABEL):
        raise PydanticCustomError("BASE_TYPE_MAX_LENGTH", "Must be 80 or fewer in length.")


def _numbered(component: Json, counter: list[int]) -> Json:
    """Give a component and its children the ids that Discord adds."""
    counter[0] += 1
    numbered = {"id": counter[0], **{key: item for key, item in component.items() if item is not None}}
    children = component.get("components")
    if isinstance(children, list):
        numbered["components"] = [_numbered(child, counter) for child in children if isinstance(child, dict)]
    return numbered


class AllowedMentionsForm(JsonForm):
    """Which mentions take effect."""

    parse: list[Literal["everyone", "roles", "users"]] = Field([])
    users: list[Snowflake] = Field([], max_length=100)
    roles: list[Snowflake] = Field([], max_length=100)
    replied_user: Flag = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, ids in (("users", self.users), ("roles", self.roles)):
            if name in self.parse and ids:
                sentence = f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.'
                raise PydanticCustomError("MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", sentence)
        return self

    def allowed(self) -> AllowedMentions:
        """Return them as the world takes them."""
        return AllowedMentions(
            everyone="everyone" in self.parse,
            every_user="users" in self.parse,
            every_role="roles" in self.parse,
            user_ids=set(self.users),
            role_ids=set(self.roles),
            replied_user=self.replied_user,
        )


class ReferenceForm(JsonForm):
    """The message to answer; the sandbox takes replies (type 0) only."""

    type: Literal[0] = 0
    message_id: Snowflake
    channel_id: Snowflake | None = None
    guild_id: Snowflake | None = None
    fail_if_not_exists: Flag = True


class MessageForm(JsonForm):
    """A checked message; None stands for a field that was not sent. ``attachments`` are the uploaded files."""

    content: Annotated[str | None, BeforeValidator(_content), Field(max_length=2000)] = None
    nonce: Annotated[int | str | None, PlainValidator(_nonce)] = None
    enforce_nonce: Flag = False
    embeds: Annotated[list[Embed], Field(max_length=10), AfterValidator(_check_total)] | None = None
    components: Annotated[list[Json] | None, PlainValidator(_components)] = None
    flags: Annotated[int | None, PlainValidator(_flags)] = None
    tts: Flag = False
    allowed_mentions: AllowedMentionsForm | None = None
    message_reference: ReferenceForm | None = None
    attachments: list[AttachedFile] = Field([], max_length=10)

    @property
    def allowed(self) -> AllowedMentions:
        """Return which mentions take effect; all of them unless the client says otherwise."""
        return AllowedMentions() if self.allowed_mentions is None else self.allowed_mentions.allowed()

    def embed_payloads(self) -> list[Json] | None:
        """Return the embeds as Discord gives them back."""
        return None if self.embeds is None else [embed.model_dump(exclude_none=True) for embed in self.embeds]

    def require_something(self) -> None:
        """Refuse an empty message with 50006."""
        if not (self.content or "").strip() and not self.embeds and not self.attachments and not self.components:
            raise ApiError(*EMPTY_MESSAGE)


def read_message(body: RequestBody) -> MessageForm:
    """Check a message; refuse it with 50035 and every field error."""
    data = {**body.mapping, "attachments": body.uploads}
    if data.get("embeds") is None and isinstance(data.get("embed"), dict):
        data["embeds"] = [data["embed"]]
    return checked(MessageForm, data)
