"""The engines that can keep the log. Their secrets are in the environment."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from bot.config.section import Section
from bot.kafka_access import KafkaAccess

ENGINE = '"sqlite", "postgresql", "dynamodb", "kafka", an installed engine or "module:Class"'
POSTGRESQL = 'a table such as {dsn_env = "ECHOLESS_POSTGRESQL"}'
DYNAMODB = 'a table such as {table = "echoless", region = "eu-central-1"}'
KAFKA = 'a table such as {bootstrap = "kafka1:9092,kafka2:9092", topic = "echoless"}'
OTHERS = "a table of engines of somebody else and what each is made with"

Variable: TypeAlias = Annotated[str, Field(pattern=r"^\w+$")]
Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{3,200}$")]


class PostgresqlSettings(Section):
    """The PostgreSQL that keeps the log; its address is in an environment variable, because it may hold a password."""

    dsn_env: Variable = "ECHOLESS_POSTGRESQL"


class DynamodbSettings(Section):
    """The DynamoDB that keeps the log; who may use it, and where it is by default, AWS's own variables say."""

    table: Name = "echoless"
    region: str = ""
    endpoint: str = ""


class KafkaSettings(Section, KafkaAccess):
    """The Kafka that keeps the log, in ``topic`` and two topics whose names begin like it."""

    topic: Name = "echoless"
    password_env: Variable = "ECHOLESS_KAFKA_PASSWORD"  # noqa: S105 - the name of the variable, not its value
