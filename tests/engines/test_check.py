"""``echoless check`` on the engine that keeps the log, and the settings that name one."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.app.engines import engine_of, secrets_of
from bot.cli.check_engine import check_engine
from bot.cli.check_result import Status
from bot.config import Config
from bot.errors import ConfigError
from bot.eventlog.remote.port import Partition
from bot.kafka_access import KafkaAccess
from bot.telemetry.masking import masker
from tests.engines.conftest import execute
from tests.engines.emulators import NOBODY, SERVERS


@pytest.fixture(params=list(SERVERS))
def engine_name(request: pytest.FixtureRequest) -> str:
    """Name each engine in turn."""
    return str(request.param)


def settings(engine: str, address: str) -> Config:
    """Return the settings for a log at an address."""
    parts = urlsplit(address)
    log = {
        "postgresql": {"dsn_env": "ADDRESS"},
        "dynamodb": {"table": parts.path.split("/")[1], "endpoint": f"http://{parts.netloc}"},
        "kafka": {"bootstrap": parts.netloc, "topic": parts.path[1:]},
    }
    return Config.model_validate({"log": {"engine": engine, engine: log[engine]}})


async def test_an_engine_is_looked_at(engine_name: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is made there, and afterwards; of what is weak each thing is said."""
    monkeypatch.setenv("ADDRESS", address)
    config = settings(engine_name, address)

    assert [Status.OK] == [result.status for result in await check_engine(config)]
    engine = engine_of(config, {"ADDRESS": address})
    assert engine is not None
    await engine.partition.open()
    await engine.partition.close()
    results = await check_engine(config)
    assert {result.status for result in results} == {Status.OK if engine_name == "postgresql" else Status.WARN}
    assert all(result.name == "engine" and engine.partition.name in result.found for result in results)


@pytest.mark.parametrize("engine", list(SERVERS))
async def test_an_engine_that_is_away_fails_the_check(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, without the address."""
    for name, value in {**NOBODY, "ADDRESS": "postgresql://a:hidden@127.0.0.1:1/hidden"}.items():
        monkeypatch.setenv(name, value)
    (result,) = await check_engine(settings(engine, "kafka://127.0.0.1:1/hidden"))

    assert result.status is Status.FAIL
    assert "which keeps the log, can't be used" in result.found
    assert "hidden" not in result.found


async def test_rights_that_are_missing_fail_the_check(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where another user made the tables."""
    schema = dsn.rpartition("=")[2]
    await execute(dsn, f"CREATE ROLE {schema} LOGIN PASSWORD 'own'")
    await execute(dsn, f"GRANT USAGE ON SCHEMA {schema} TO {schema}")
    monkeypatch.setenv("ADDRESS", f"{dsn}&options=-c%20role%3D{schema}")

    (result,) = await check_engine(settings("postgresql", dsn))
    assert result.status is Status.FAIL
    assert "grant CREATE on the schema" in result.found
    await execute(dsn, "CREATE TABLE echoless_log (seq int)")
    await execute(dsn, "CREATE TABLE echoless_owner (seq int)")
    (result,) = await check_engine(settings("postgresql", dsn))
    assert result.status is Status.FAIL
    assert "grant SELECT, INSERT and UPDATE" in result.found
    await execute(dsn, f"DROP OWNED BY {schema}")
    await execute(dsn, f"DROP ROLE {schema}")


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ({"engine": "kafka"}, "log.kafka names no broker"),
        (
            {"engine": "kafka", "kafka": {"bootstrap": "a:1", "sasl": "PLAIN"}},
            "names no username and password",
        ),
        (
            {"engine": "kafka", "kafka": {"bootstrap": "a:1", "tls": True, "ca_file": "/none"}},
            "A file of log.kafka can't be used for TLS",
        ),
        ({"engine": "cassandra"}, '"dynamodb", "kafka", "postgresql", "sqlite"'),
        ({"engine": "pathlib:Path"}, "it is no engine"),
    ],
)
async def test_settings_that_are_not_enough_fail_the_check(log: dict[str, Any], told: str) -> None:
    """And say what is missing."""
    (result,) = await check_engine(Config.model_validate({"log": log}))

    assert result.status is Status.FAIL
    assert told in result.found


@pytest.mark.parametrize(
    ("log", "environ", "hidden"),
    [
        ({"engine": "sqlite"}, {}, set()),
        (
            {"engine": "postgresql"},
            {"ECHOLESS_POSTGRESQL": "postgresql://bot:p%40ss%20word@h/d?password=other"},
            {"postgresql://bot:p%40ss%20word@h/d?password=other", "p%40ss%20word", "p@ss word", "other"},
        ),
        ({"engine": "postgresql"}, {"ECHOLESS_POSTGRESQL": "postgresql://h/d", "PGPASSWORD": "apart"}, {"apart"}),
        ({"engine": "dynamodb"}, {"AWS_SECRET_ACCESS_KEY": "key"}, {"key"}),
        (
            {"engine": "kafka", "kafka": {"bootstrap": "a:1", "sasl": "PLAIN", "username": "u"}},
            {"ECHOLESS_KAFKA_PASSWORD": "pass"},
            {"pass"},
        ),
    ],
)
def test_what_is_secret_reaches_no_log_line(log: dict[str, Any], environ: dict[str, str], hidden: set[str]) -> None:
    """Whoever writes it, and however it is written."""
    secrets = secrets_of(Config.model_validate({"log": log}), environ)
    line = masker(secrets)(f"asked at {', '.join(sorted(hidden))}.")

    assert hidden <= set(secrets)
    assert line == f"asked at {', '.join(['[secret]'] * len(hidden))}."


def test_a_password_of_kafka_may_be_in_a_file(tmp_path: Path) -> None:
    """Named from the folder of the settings, as a certificate is; a client may have one of its own."""
    (tmp_path / "password").write_text("pass\n")
    kafka = {"bootstrap": "a:1", "sasl": "PLAIN", "username": "u", "password_file": "password"}
    config = Config.model_validate({"log": {"engine": "kafka", "kafka": kafka}}).kept_in(tmp_path)

    assert secrets_of(config, {}) == ("pass",)
    options = config.log.kafka.options("log.kafka", tmp_path, {})
    assert (options["sasl_plain_password"], options["security_protocol"]) == ("pass", "SASL_PLAINTEXT")
    with pytest.raises(ConfigError, match=r"A file of log.kafka can't be used for TLS"):
        KafkaAccess(bootstrap="a:1", tls=True, cert_file=tmp_path / "none").options("log.kafka", tmp_path, {})


def test_an_engine_may_be_of_somebody_else() -> None:
    """It is made with what log.engines holds."""
    name = "bot.engines.dynamodb.partition:DynamodbPartition"
    log = {"engine": name, "engines": {name: {"table": "echoless"}}}
    engine = engine_of(Config.model_validate({"log": log}), {})

    assert engine is not None
    assert isinstance(engine.partition, Partition)


async def test_the_log_in_its_folder_has_no_engine_to_look_at() -> None:
    """Nothing is said of one."""
    assert await check_engine(Config()) == []
