"""The settings of the responder as plain values. Importing this module is cheap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.responders.llm.prices import Price

NAME = "llm"
"""The responder's name in the settings, which is recorded with its answers."""

PERSONA = (
    "You are a friendly and helpful member of a chat on Discord. Answer in the language you are asked in, "
    "briefly unless you are asked for more. Say so when you don't know something."
)
"""The persona if neither the settings nor the channel have one."""


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """Which models are asked, in order, which more may be chosen for a channel, and how all are reached.

    ``base_url``, ``key_env`` and ``key_file`` apply to the models of the first model's provider. The key of another
    provider comes from the environment variable that it documents.
    """

    model: str
    fallbacks: tuple[str, ...] = ()
    base_url: str = ""
    key_env: str = ""
    key_file: Path | None = None
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelPatience:
    """Seconds until a model's first sign of life, between two signs, and for an answer with all its fallbacks."""

    first_token: float = 30.0
    between: float = 20.0
    total: float = 120.0


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a picture is made to fit: its longest side in points, its bytes, and the formats that the model takes."""

    side: int = 1568
    bytes: int = 1_500_000
    formats: tuple[str, ...] = ("jpeg", "png")


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """All other settings; ``temperature`` None means the model's default."""

    persona: str = PERSONA
    context_tokens: int = 3000
    max_tokens: int = 1000
    temperature: float | None = None
    streaming: bool = True
    patience: ModelPatience = ModelPatience()
    concurrency: int = 8
    images: bool = False
    attachment_bytes: int = 4_000_000
    pictures: PictureLimits = PictureLimits()
    prices: Mapping[str, Price] = field(default_factory=dict)
