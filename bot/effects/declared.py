"""Declared effects: what is to be made, as data alone, so that a restart goes on with it without anybody's code.

>>> AddRole(guild_id=1, user_id=2, role_id=3).kind.value
'add role'
>>> CallHttp(url="https://shop.example/orders", body={"item": 7}, headers_env={"Authorization": "SHOP_TOKEN"}).place
'https://shop.example'
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from bot.core.events import Body, EffectIntended, EffectKind
from bot.core.named_keys import Digest
from bot.http_requests import OURS, are_settable, parts_of

_OURS = re.compile(OURS, re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _address(url: str) -> str:
    parts = parts_of(url)
    if parts.username or parts.password:
        raise ValueError("a password does not go into an address: name the variable that holds it in headers_env")
    return url


def _named(headers: Mapping[str, str]) -> Mapping[str, str]:
    if not are_settable(headers, _OURS):
        raise ValueError("a header has a name and a value in ASCII, and Idempotency-Key is set by itself")
    return headers


def _variables(headers: Mapping[str, str]) -> Mapping[str, str]:
    if not all(_VARIABLE.fullmatch(variable) for variable in _named(headers).values()):
        raise ValueError("headers_env holds names of environment variables, and not their values")
    return headers


Id: TypeAlias = Annotated[int, Field(strict=True, gt=0, lt=2**63)]


class DeclaredEffect(BaseModel):
    """An effect as data. ``WORDS`` are the fields that may hold people's words: they are sealed, and can be erased."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    KIND: ClassVar[EffectKind]
    WORDS: ClassVar[tuple[str, ...]] = ()

    @property
    def kind(self) -> EffectKind:
        """Return what it does."""
        return self.KIND

    @property
    def person(self) -> int | None:
        """Return the id of the person whom its words are about, None if there is none."""
        return getattr(self, "user_id", None)

    @property
    def place(self) -> str:
        """Return where it is made. What is made at the same place is made in the order in which it was intended."""
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """Return its fields without words, as its event holds them."""
        return self.model_dump(exclude=set(self.WORDS), exclude_none=True)

    def words(self) -> tuple[str, ...]:
        """Return the fields with words, as texts."""
        values = {name: getattr(self, name) for name in self.WORDS}
        return tuple(each if self.is_text(name) else json.dumps(each) for name, each in values.items())

    @classmethod
    def is_text(cls, name: str) -> bool:
        """Tell whether a field is a text, and not JSON."""
        return cls.model_fields[name].annotation is str


class AddRole(DeclaredEffect):
    """Give a member a role."""

    KIND = EffectKind.ADD_ROLE

    guild_id: Id
    user_id: Id
    role_id: Id

    @property
    def place(self) -> str:
        """Return the member."""
        return f"member {self.guild_id} {self.user_id}"


class RemoveRole(AddRole):
    """Take a role from a member."""

    KIND = EffectKind.REMOVE_ROLE


class StartThread(DeclaredEffect):
    """Start a public thread: under a message, or in a channel without one. Its result is the thread's id.

    A message has at most one thread: where it has one already, that is the result.
    """

    KIND = EffectKind.START_THREAD
    WORDS = ("name",)

    channel_id: Id
    name: Annotated[str, Field(min_length=1, max_length=100)]
    message_id: Id | None = None

    @property
    def place(self) -> str:
        """Return the channel."""
        return f"channel {self.channel_id}"


class AddReaction(DeclaredEffect):
    """React to a message, with an emoji, or a server's own as ``name:id``."""

    KIND = EffectKind.ADD_REACTION
    WORDS = ("emoji",)

    channel_id: Id
    message_id: Id
    emoji: Annotated[str, Field(min_length=1, max_length=100)]

    @property
    def place(self) -> str:
        """Return the channel."""
        return f"channel {self.channel_id}"


class SendDirectMessage(DeclaredEffect):
    """Send a person a direct message. Its result is the list of the ids of its messages."""

    KIND = EffectKind.DIRECT_MESSAGE
    WORDS = ("text",)

    user_id: Id
    text: Annotated[str, Field(min_length=1)]

    @property
    def place(self) -> str:
        """Return the person."""
        return f"user {self.user_id}"


class CallHttp(DeclaredEffect):
    """Call an address over HTTP, with an ``Idempotency-Key`` by which a repeated call is known.

    ``body`` is sent as JSON. ``headers_env`` names, for each header that holds a secret, the environment variable that
    holds its value: the value is read when the call is made, and never recorded. ``about`` is the id of the person
    whom it is about, so that its words are erased with theirs. Its result is ``{"status": 200, "body": "..."}``.
    """

    KIND = EffectKind.HTTP_CALL
    WORDS = ("url", "method", "body", "headers", "headers_env")

    url: Annotated[str, AfterValidator(_address)]
    method: Annotated[str, Field(pattern=r"^(POST|PUT|PATCH|DELETE)$")] = "POST"
    body: JsonValue = None
    headers: Annotated[Mapping[str, str], AfterValidator(_named)] = Field(default_factory=dict)
    headers_env: Annotated[Mapping[str, str], AfterValidator(_variables)] = Field(default_factory=dict)
    about: Id | None = None

    @property
    def person(self) -> int | None:
        """Return whom it is about."""
        return self.about

    @property
    def place(self) -> str:
        """Return the address's origin."""
        parts = parts_of(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def facts(self) -> dict[str, Any]:
        """Return none: all of it is words."""
        return {"user_id": self.about} if self.about else {}


_MODELS: Mapping[EffectKind, type[DeclaredEffect]] = {
    model.KIND: model for model in (AddRole, RemoveRole, StartThread, AddReaction, SendDirectMessage, CallHttp)
}


def event_of(effect: DeclaredEffect, digest: Digest, attempt: int) -> EffectIntended:
    """Return the event that it is intended."""
    return EffectIntended(key_digest=digest, attempt=attempt, effect=effect.kind, **effect.facts())


def body_of(effect: DeclaredEffect, key: str) -> Body:
    """Return its words, after the caller's key."""
    return Body(parts=(key, *effect.words()))


def effect_of(event: EffectIntended, body: Body | None) -> DeclaredEffect | None:
    """Return the effect of its event and words; None where these are erased or can't be read."""
    model = _MODELS[event.effect]
    if body is None or len(body.parts) != 1 + len(model.WORDS):
        return None
    facts = event.model_dump(include=set(model.model_fields) - set(model.WORDS), exclude_defaults=True)
    try:
        told = zip(model.WORDS, body.parts[1:], strict=True)
        given = {name: text if model.is_text(name) else json.loads(text) for name, text in told}
        known = {"about": event.user_id or None} if model is CallHttp else {}
        return model.model_validate({**facts, **given, **known})
    except ValueError:
        # Its message would quote words.
        return None


def differs(effect: DeclaredEffect, event: EffectIntended, parts: Sequence[str]) -> bool:
    """Tell whether an event, with its words (none: erased), is of another effect than this."""
    same = event_of(effect, event.key_digest, event.attempt) == event
    return not same or bool(parts and tuple(parts[1:]) != effect.words())
