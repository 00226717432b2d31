"""How a client gets into Kafka: addresses, TLS, a name and a password. The log's engine and the consumer share it."""

from __future__ import annotations

import os.path
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from bot.errors import ConfigError
from bot.secret import secret_of

_PEM = "the path of a file in PEM form"


def _path(value: object) -> object:
    """Return a path with its home; an empty text is none."""
    return (os.path.expanduser(value) or None) if isinstance(value, str) else value  # noqa: PTH111 - as config/values.py


Text: TypeAlias = Annotated[str, Field(strict=True)]
File: TypeAlias = Annotated[Path | None, BeforeValidator(_path)]


class KafkaAccess(BaseModel):
    """The settings of a table that names a Kafka; what else is in the table is its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    bootstrap: Text = Field("", description='one or more of its addresses, such as "kafka1:9092,kafka2:9092"')
    tls: StrictBool = Field(default=False, description="true or false")
    ca_file: File = Field(None, description=_PEM)
    cert_file: File = Field(None, description=_PEM)
    key_file: File = Field(None, description=_PEM)
    sasl: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "", description='"PLAIN", "SCRAM-SHA-256" or "SCRAM-SHA-512"'
    )
    username: Text = Field("", description="a text")
    password_env: str = Field("", pattern=r"^\w*$", description="the name of an environment variable with the password")
    password_file: File = Field(None, description="the path of a file that holds the password")

    def options(self, table: str, folder: Path, environ: Mapping[str, str]) -> dict[str, Any]:
        """Return what every client of aiokafka is made with; ``table`` is its name in sentences for people.

        Paths count from ``folder``. Raises ConfigError, which says what is missing.
        """
        tls, password = self._tls(table, folder), self.password(folder, environ)
        if self.sasl and not (self.username and password):
            raise ConfigError(
                f"{table} names no username and password for sasl: set username, and name the environment variable "
                "that holds the password as password_env, or a file as password_file."
            )
        return options_of(self.bootstrap, tls, self.sasl, self.username, password)

    def password(self, folder: Path, environ: Mapping[str, str]) -> str:
        """Return the password, "" where none is named or needed; raise ConfigError where there is none.

        A file is named in place of the variable that is the default.
        """
        named = self.model_fields_set & {"password_env", "password_file"}
        if not named and not (self.sasl and self.username):
            return ""
        variable = "" if self.password_file and "password_env" not in named else self.password_env
        return secret_of(variable, _in(folder, self.password_file), environ, "password", "Kafka's password")

    def _tls(self, table: str, folder: Path) -> ssl.SSLContext | None:
        """Return how to speak TLS, None without it."""
        if not self.tls:
            if self.ca_file or self.cert_file or self.key_file:
                raise ConfigError(f"{table} names a file for TLS without tls = true: set it, or remove the file.")
            return None
        try:
            context = ssl.create_default_context(cafile=_in(folder, self.ca_file))
            if self.cert_file:
                context.load_cert_chain(folder / self.cert_file, _in(folder, self.key_file))
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"A file of {table} can't be used for TLS ({type(error).__name__}): check ca_file, cert_file and "
                "key_file, which hold PEM."
            ) from error
        return context


def options_of(
    bootstrap: str, tls: ssl.SSLContext | None = None, sasl: str = "", username: str = "", password: str = ""
) -> dict[str, Any]:
    """Return what every client of aiokafka is made with."""
    protocol = ("SASL_" if sasl else "") + ("SSL" if tls else "PLAINTEXT")
    options = {"bootstrap_servers": bootstrap, "security_protocol": protocol, "ssl_context": tls}
    if not sasl:
        return options
    named = {"sasl_plain_username": username, "sasl_plain_password": password}
    return options | named | {"sasl_mechanism": sasl}


def _in(folder: Path, path: Path | None) -> Path | None:
    return None if path is None else folder / path
