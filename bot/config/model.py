"""All settings with their types and defaults.

A field's description completes the sentence "<setting> has to be ...", which people read when the value is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretBytes, SecretStr

from bot.config.engines import (
    DYNAMODB,
    ENGINE,
    KAFKA,
    OTHERS,
    POSTGRESQL,
    DynamodbSettings,
    KafkaSettings,
    PostgresqlSettings,
)
from bot.config.llm import Llm
from bot.config.section import (
    AGE,
    AGES,
    CHANNEL,
    CONSUMERS,
    COUNT,
    DOLLARS,
    DURATION,
    EVERY,
    IDS,
    LIMIT,
    NAMES,
    NOTICE,
    POSITIVE_DURATION,
    RESPONDER_SETTINGS,
    RESPONDERS,
    SWITCH,
    TEXT,
    TOKENS,
    WORDS_TABLE,
    Section,
)
from bot.config.shards import ShardsSettings
from bot.config.values import (
    NOTICES,
    Age,
    Dollars,
    Duration,
    Every,
    ExtensionName,
    FilePath,
    FilePathOrNone,
    HttpAddress,
    HttpAddressOrNone,
    Limit,
    Made,
    Name,
    NoticeText,
    Positive,
    PositiveDuration,
    Rate,
    Snowflake,
    SnowflakeOrNone,
    Switch,
    Text,
    Tokens,
    WebsocketAddress,
    Whole,
    beside_defaults,
    parse_names,
    parse_words,
)
from bot.errors import TokenError
from bot.eventlog import snapshots
from bot.eventlog.key_file import parse_key
from bot.eventlog.location import partition_folder
from bot.moderation import commands
from bot.replies.endings import Shown
from bot.replies.notices import Reason
from bot.replies.words import WORDS, Word

TOKEN_VARIABLE = "DISCORD_TOKEN"  # noqa: S105 - the name of the variable, not its value
KEY_VARIABLE = "ECHOLESS_VAULT_KEY"

Ids = tuple[Snowflake, ...]
Call = Literal["mention", "reply", "dm", "rule"]
Permission = Literal[
    "administrator",
    "manage_guild",
    "manage_channels",
    "manage_roles",
    "manage_messages",
    "moderate_members",
    "kick_members",
    "ban_members",
    "view_audit_log",
]


def _known_command(name: str) -> str:
    if name not in commands.settings():
        raise ValueError  # the sentence is built from the setting's description
    return name


CommandName = Annotated[str, AfterValidator(_known_command)]


class DiscordSettings(Section):
    """Discord's addresses, and what the bot needs from Discord."""

    api_url: HttpAddress = Field("https://discord.com/api/v10", description="an http:// or https:// address")
    gateway_url: WebsocketAddress = Field("wss://gateway.discord.gg", description="a ws:// or wss:// address")
    message_content: Switch = Field(default=True, description=SWITCH)
    token_file: FilePathOrNone = Field(None, description="the path of a file that holds the token")


class LogSettings(Section):
    """The place of the event log, and how it is kept."""

    path: FilePath = Field(Path("data"), description="the path of a folder")
    durability: Literal["full", "normal"] = Field("full", description='"full" or "normal"')
    key_file: FilePathOrNone = Field(None, description="the path of the file that holds the vault's key")
    engine: ExtensionName = Field("sqlite", description=ENGINE)
    postgresql: PostgresqlSettings = Field(PostgresqlSettings(), description=POSTGRESQL)
    dynamodb: DynamodbSettings = Field(DynamodbSettings(), description=DYNAMODB)
    kafka: KafkaSettings = Field(KafkaSettings(), description=KAFKA)
    engines: Mapping[ExtensionName, Made] = Field({}, description=OTHERS)
    takeover: PositiveDuration = Field(timedelta(seconds=30), description=POSITIVE_DURATION)
    anchor_channel: SnowflakeOrNone = Field(None, description=CHANNEL)
    hot_channels: Positive = Field(10_000, description=COUNT)
    hot_bytes: Positive = Field(64_000_000, description=COUNT)
    snapshot_every: Positive = Field(snapshots.EVERY, description=COUNT)

    @property
    def vault_key_file(self) -> Path:
        """Return the path of the vault's key: ``key_file``, or ``vault.key`` beside the log."""
        return self.key_file or self.path / "vault.key"


class BackupSettings(Section):
    """Backups that the running bot takes."""

    every: Every = Field(None, description=EVERY)
    keep: Positive = Field(14, description=COUNT)
    folder: FilePath = Field(Path("backup"), description="the path of a folder")


class RetentionSettings(Section):
    """How long people's words are kept, by default, by server and by channel."""

    words: Age = Field(None, description=AGE)
    servers: Mapping[Snowflake, Age] = Field({}, description=AGES)
    channels: Mapping[Snowflake, Age] = Field({}, description=AGES)


class RepliesSettings(Section):
    """What counts as addressed to the bot, and how it answers."""

    answer: tuple[Call, ...] = Field(
        ("mention", "reply", "dm", "rule"), description='a list of any of "mention", "reply", "dm" and "rule"'
    )
    responder: Annotated[tuple[ExtensionName, ...], BeforeValidator(parse_names)] = Field(
        ("rules",), description=RESPONDERS
    )
    max_age: PositiveDuration = Field(timedelta(minutes=30), description=POSITIVE_DURATION)
    send_timeout: PositiveDuration = Field(timedelta(seconds=15), description=POSITIVE_DURATION)
    max_attempts: Positive = Field(30, description=COUNT)
    answer_bots: Switch = Field(default=False, description=SWITCH)
    window: Positive = Field(64, description=COUNT)
    history: Literal["window", "chain"] = Field("window", description='"window" or "chain"')
    ask: Switch = Field(default=False, description=SWITCH)
    own_role: Switch = Field(default=True, description=SWITCH)
    names: tuple[Name, ...] = Field((), description=NAMES)
    answer_all: Ids = Field((), description=IDS)
    threads: Switch = Field(default=False, description=SWITCH)
    open_threads: Switch = Field(default=False, description=SWITCH)
    edits: Switch = Field(default=False, description=SWITCH)
    proxy_grace: Duration = Field(timedelta(seconds=2), description=DURATION)
    proxies: Ids = Field((), description=IDS)
    pluralkit_api: HttpAddressOrNone = Field("", description='an http:// or https:// address, or "" for none')
    notices: Annotated[Mapping[Reason, NoticeText], BeforeValidator(beside_defaults)] = Field(
        NOTICES, description=NOTICE
    )
    buttons: Shown = Field("cut", description='"off", "cut" or "all"')
    words: Annotated[Mapping[Word, str], BeforeValidator(parse_words)] = Field(WORDS, description=WORDS_TABLE)


class ChannelsSettings(Section):
    """Where the bot records and answers: ids of channels, of threads' parents or of servers."""

    record: Ids = Field((), description=IDS)
    ignore: Ids = Field((), description=IDS)
    answer: Ids = Field((), description=IDS)
    no_answer: Ids = Field((), description=IDS)


class RuleSettings(Section):
    """A rule: the pattern that a whole message has to match, and the reply.

    ``line`` is the rule's line in the file, for the error when ``match`` does not compile.
    """

    match: Text = Field(description=TEXT)
    reply: Text = Field(description=TEXT)
    facts: FilePath | None = Field(None, description="the path of a JSON file")
    ignore_case: Switch = Field(default=False, description=SWITCH)
    line: int | None = None


class CatchupSettings(Section):
    """How far back missed messages are read."""

    enabled: Switch = Field(default=True, description=SWITCH)
    max_age: PositiveDuration = Field(timedelta(days=7), description=POSITIVE_DURATION)
    max_messages: Positive = Field(10000, description=COUNT)
    concurrency: Positive = Field(4, description=COUNT)


class AuditSettings(Section):
    """How often the newest history is compared with the log."""

    enabled: Switch = Field(default=True, description=SWITCH)
    every: PositiveDuration = Field(timedelta(minutes=15), description=POSITIVE_DURATION)


class LimitsSettings(Section):
    """How much is answered, and how much may wait."""

    per_channel: Limit = Field(Rate(1000, timedelta(minutes=10)), description=LIMIT)
    per_person: Limit = Field(Rate(100, timedelta(minutes=10)), description=LIMIT)
    queue: Positive = Field(1000, description=COUNT)
    together: Duration = Field(timedelta(), description=DURATION)
    bots_in_a_row: Positive = Field(3, description=COUNT)
    tokens_per_person: Tokens = Field(None, description=TOKENS)
    tokens_per_channel: Tokens = Field(None, description=TOKENS)
    tokens_per_server: Tokens = Field(None, description=TOKENS)
    tokens_for_moderators: Tokens = Field(1_000_000, description=TOKENS)
    cost_per_day: Dollars = Field(None, description=DOLLARS)


class CommandRule(Section):
    """Who may use one command. It replaces the roles and people that are set for all commands."""

    roles: Ids = ()
    people: Ids = ()


class ModerationSettings(Section):
    """Who may use the moderators' commands: people with the permission, with one of the roles, or listed themselves.

    ``owner`` lists the people who may also use them in direct messages. ``forget_conversation`` says who may use the
    command of that name: "direct" is also everybody in their direct messages with the bot.
    """

    permission: Permission = Field(
        "manage_guild", description='the name of a permission of Discord such as "manage_guild" or "manage_messages"'
    )
    roles: Ids = Field((), description=IDS)
    people: Ids = Field((), description=IDS)
    commands: Mapping[CommandName, CommandRule] = Field(
        {}, description="a table of commands and who may use each, such as {rewind = {roles = [], people = []}}"
    )
    owner: Ids = Field((), description=IDS)
    forget_conversation: Literal["moderators", "direct", "everybody"] = Field(
        "moderators", description='"moderators", "direct" or "everybody"'
    )


class PrivacySettings(Section):
    """What becomes of words beyond what people ask for themselves."""

    erase_answers: Switch = Field(default=False, description=SWITCH)


class TelemetrySettings(Section):
    """What an operator sees."""

    host: Text = Field("127.0.0.1", description="a host name or address")
    port: Annotated[Whole, Field(ge=0, le=65535)] = Field(8080, description="a port from 1 to 65535, or 0 (off)")
    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        "info", description='"debug", "info", "warning", "error" or "critical"'
    )
    log_format: Literal["auto", "console", "json"] = Field("auto", description='"auto", "console" or "json"')
    events: Switch = Field(default=False, description=SWITCH)
    events_words: Switch = Field(default=False, description=SWITCH)
    events_token_file: FilePathOrNone = Field(None, description="the path of a file that holds the token")


class PageSettings(Section):
    """The page of conversations, beside ``/healthz``."""

    enabled: Switch = Field(default=False, description=SWITCH)
    address: HttpAddressOrNone = Field("", description='an http:// or https:// address, or "" for none')


class Config(Section):
    """Every setting of a process, made by :func:`bot.config.load`."""

    discord: DiscordSettings = DiscordSettings()
    log: LogSettings = LogSettings()
    backup: BackupSettings = BackupSettings()
    retention: RetentionSettings = RetentionSettings()
    replies: RepliesSettings = RepliesSettings()
    channels: ChannelsSettings = ChannelsSettings()
    rules: tuple[RuleSettings, ...] = ()
    llm: Llm = Llm()
    responders: Mapping[Text, Made] = Field({}, description=RESPONDER_SETTINGS)
    consumers: Mapping[ExtensionName, Made] = Field({}, description=CONSUMERS)
    catchup: CatchupSettings = CatchupSettings()
    audit: AuditSettings = AuditSettings()
    limits: LimitsSettings = LimitsSettings()
    moderation: ModerationSettings = ModerationSettings()
    privacy: PrivacySettings = PrivacySettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    page: PageSettings = PageSettings()
    shards: ShardsSettings = ShardsSettings()
    _folder: Path = PrivateAttr(default_factory=Path.cwd)
    _partition: int | None = PrivateAttr(default=None)
    _whole: Config | None = PrivateAttr(default=None)

    @property
    def folder(self) -> Path:
        """Return the settings file's folder, else the working directory: the owner's own modules are found there."""
        return self._folder

    @property
    def partition(self) -> int | None:
        """Return the number of the partition that these settings are for, None where they are for all of the log."""
        return self._partition

    def of_partition(self, partition: int) -> Config:
        """Return these settings as they are for one partition of the log.

        It has folders of its own, the one master key, and its part of what all servers together may take in a day.
        """
        count = self.shards.partitions
        if count == 1:
            return self
        if self._whole is not None:
            return self._whole.of_partition(partition)
        log, limits = self.log, self.limits
        cost, tokens = limits.cost_per_day, limits.tokens_for_moderators
        folder = partition_folder(log.path, partition, count)
        copied = self.model_copy(
            update={
                "log": log.model_copy(update={"path": folder, "key_file": log.vault_key_file}),
                "backup": self.backup.model_copy(
                    update={"folder": partition_folder(self.backup.folder, partition, count)}
                ),
                "limits": limits.model_copy(
                    update={
                        "cost_per_day": None if cost is None else cost / count,
                        "tokens_for_moderators": None if tokens is None else max(1, tokens // count),
                    }
                ),
            }
        )
        copied._partition, copied._whole = partition, self  # noqa: SLF001 - a copy of our own kind
        return copied

    def kept_in(self, folder: Path) -> Config:
        """Return these settings as those of a file in a folder."""
        copied = self.model_copy()
        copied._folder = folder  # noqa: SLF001 - a copy of our own kind
        return copied

    def token(self, environ: Mapping[str, str]) -> SecretStr:
        """Return the bot's token from ``DISCORD_TOKEN`` or ``discord.token_file``.

        Raises :class:`TokenError` when there is none, or when an HTTP header could not hold it.
        """
        source, token = TOKEN_VARIABLE, environ.get(TOKEN_VARIABLE, "").strip()
        if not token and self.discord.token_file:
            source, token = str(self.discord.token_file), _read_token(self.discord.token_file)
        if not token:
            raise TokenError(
                "There is no bot token: copy it from https://discord.com/developers/applications (your "
                f"application, Bot, Reset Token) and set {TOKEN_VARIABLE} in the environment or in the file .env "
                "beside the settings (`echoless init` asks for it), or name a file that holds it as discord.token_file."
            )
        return parse_token(token, source)

    def vault_key(self, environ: Mapping[str, str]) -> SecretBytes | None:
        """Return the vault's key from ``ECHOLESS_VAULT_KEY``, None if it is not set.

        Raises :class:`~bot.errors.KeyMismatch` when the variable does not hold a key.
        """
        text = environ.get(KEY_VARIABLE, "").strip()
        return SecretBytes(parse_key(text, KEY_VARIABLE)) if text else None


def parse_token(text: str, source: str) -> SecretStr:
    """Return ``text`` as a token; raise :class:`TokenError`, naming ``source``, if no HTTP header could hold it."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise TokenError(f"What {source} holds is not a bot token, which is one plain word: copy it again.")
    return SecretStr(text)


def _read_token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise TokenError(
            f"The token file {path} can't be read ({exc.strerror}): put the bot's token there, "
            f"or set {TOKEN_VARIABLE} in the environment."
        ) from exc
    except UnicodeDecodeError as exc:
        raise TokenError(f"The token file {path} is not a text: write the bot's token into it.") from exc
    if not token:
        raise TokenError(f"The token file {path} is empty: write the bot's token into it.")
    return token
