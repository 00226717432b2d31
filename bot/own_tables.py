"""The table of settings of a consumer or responder that comes with Echoless, and a sentence for each that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from bot.errors import ConfigError


class Settings(BaseModel):
    """A table ``[consumers.NAME]``, or of another KIND: each field's description says what it has to be.

    A path counts from the folder of the settings file, which is given when the table is read.
    """

    KIND: ClassVar = "consumers"
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="after")
    @classmethod
    def _from_folder(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, Path):
            return value
        if not value.parts:
            raise ValueError("an empty path")
        return Path(info.context or "", value.expanduser())


S = TypeVar("S", bound=Settings)


def read(kind: type[S], name: str, settings: Mapping[str, object], folder: Path) -> S:
    """Return the settings in the table called ``name``; raise ConfigError with a sentence for each problem."""
    try:
        return kind.model_validate(settings, context=folder)
    except ValidationError as error:
        # Their values are not quoted: one may be a secret.
        raise ConfigError(*dict.fromkeys(_sentence(kind, name, each) for each in error.errors())) from None


def _sentence(kind: type[Settings], name: str, error: ErrorDetails) -> str:
    setting: Any = error["loc"][0]
    if error["type"] == "extra_forbidden":
        known = ", ".join(sorted(kind.model_fields)) or "none"
        return f"[{kind.KIND}.{name}] has no setting {setting!r}: it has {known}."
    return f"{kind.KIND}.{name}.{setting} has to be {kind.model_fields[setting].description}."
