"""The settings of language models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from bot.config.section import COUNT, MODEL, POSITIVE_DURATION, PRICE, SWITCH, Section
from bot.config.tools import SERVERS, TOOLS, McpSettings, ToolSettings
from bot.config.values import (
    FilePathOrNone,
    HttpAddressOrNone,
    ModelName,
    ModelNameOrNone,
    Positive,
    PositiveDuration,
    Price,
    Switch,
    Text,
    Whole,
)

ImageFormat = Literal["jpeg", "png", "webp"]


class ModelPrice(Section):
    """The price of a model in dollars for a million tokens of input (``in``) and of output (``out``).

    ``cached`` is the price of input that the provider had in its cache (by default as ``in``), ``reasoning`` that of
    hidden thoughts (by default as ``out``).
    """

    read: Price = Field(alias="in", description=PRICE)
    written: Price = Field(alias="out", description=PRICE)
    cached: Price | None = Field(None, description=PRICE)
    reasoning: Price | None = Field(None, description=PRICE)


class Llm(Section):
    """The language model that answers where ``replies.responder`` names "llm"."""

    model: ModelNameOrNone = Field("", description=MODEL)
    fallbacks: tuple[ModelName, ...] = Field((), description=f"a list, each {MODEL}")
    models: tuple[ModelName, ...] = Field((), description=f"a list, each {MODEL}")
    base_url: HttpAddressOrNone = Field("", description="an http:// or https:// address")
    key_env: str = Field("", description="the name of an environment variable", pattern=r"^\w*$")
    key_file: FilePathOrNone = Field(None, description="the path of a file that holds the provider's key")
    persona: str = Field("", description="a text")
    context_tokens: Annotated[Whole, Field(ge=500)] = Field(3000, description="a whole number, 500 or more")
    max_tokens: Positive = Field(1000, description=COUNT)
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(None, description="a number from 0 to 2")
    stream: Switch = Field(default=True, description=SWITCH)
    edit_every: PositiveDuration = Field(timedelta(seconds=1), description=POSITIVE_DURATION)
    first_token: PositiveDuration = Field(timedelta(seconds=30), description=POSITIVE_DURATION)
    between: PositiveDuration = Field(timedelta(seconds=20), description=POSITIVE_DURATION)
    total: PositiveDuration = Field(timedelta(seconds=120), description=POSITIVE_DURATION)
    concurrency: Positive = Field(8, description=COUNT)
    summary: Switch = Field(default=False, description=SWITCH)
    images: Switch = Field(default=False, description=SWITCH)
    attachments_bytes: Annotated[Whole, Field(ge=0)] = Field(4_000_000, description="a whole number, 0 or more")
    image_side: Annotated[Whole, Field(ge=64)] = Field(1568, description="a whole number, 64 or more")
    image_bytes: Annotated[Whole, Field(ge=10_000)] = Field(1_500_000, description="a whole number, 10000 or more")
    image_formats: Annotated[tuple[ImageFormat, ...], Field(min_length=1)] = Field(
        ("jpeg", "png"), description='a list of any of "jpeg", "png" and "webp"'
    )
    prices: Mapping[Text, ModelPrice] = Field(
        {}, description='a table of models and what each costs, such as {"openai:gpt-5-mini" = {in = 0.25, out = 2}}'
    )
    tools: ToolSettings = Field(ToolSettings(), description=TOOLS)
    mcp: tuple[McpSettings, ...] = Field((), description=SERVERS)
