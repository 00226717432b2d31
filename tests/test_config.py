"""Settings: what is read from where, and what a user is told when they are wrong."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import Config, Rate, RepliesSettings, RuleSettings, answering_version, load, survey
from bot.config.lines import Lines
from bot.config.load import _validated
from bot.config.model import CommandRule
from bot.config.problems import explain, settings
from bot.config.values import NOTICES, parse_duration
from bot.errors import ConfigError, KeyMismatch, TokenError

Write = Callable[[str], Path]
SECRET = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a ``config.toml`` into an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def write_file(text: str) -> Path:
        path = Path("config.toml")
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def refusal(path: Path | None, environ: dict[str, str] | None = None, **overrides: object) -> str:
    """Return the sentence with which ``load`` refuses."""
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {}, {name.replace("__", "."): value for name, value in overrides.items()})
    return str(caught.value)


def test_defaults_hold_where_nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, no environment: every setting has a value, and paths are absolute."""
    monkeypatch.chdir(tmp_path)

    config = load(None, {})

    assert Config(log=config.log, backup=config.backup) == config
    assert tmp_path / "backup" == config.backup.folder
    assert tmp_path / "data" == config.log.path
    assert tmp_path / "data" / "vault.key" == config.log.vault_key_file
    assert timedelta(minutes=30) == config.replies.max_age
    assert Rate(100, timedelta(minutes=10)) == config.limits.per_person


def test_config_toml_of_the_working_directory_is_read_unasked(write: Write) -> None:
    """``path`` None finds it."""
    write("[telemetry]\nport = 1")

    assert load(None, {}).telemetry.port == 1


def test_flags_win_over_environment_over_file_over_defaults(write: Write) -> None:
    """Each source is asked in turn, setting by setting."""
    path = write("[replies]\nwindow = 1\nmax_attempts = 1\nmax_age = '1m'")
    environ = {"ECHOLESS_REPLIES__WINDOW": "2", "ECHOLESS_REPLIES__MAX_ATTEMPTS": "2"}

    replies = load(path, environ, {"replies.window": 3, "replies.responder": None}).replies

    assert (replies.window, replies.max_attempts, replies.max_age) == (3, 2, timedelta(minutes=1))
    assert replies.responder == ("rules",)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("REPLIES__ANSWER", "mention, dm", ("mention", "dm"), id="a list by commas"),
        pytest.param("REPLIES__ANSWER", '["mention","dm"]', ("mention", "dm"), id="a list as JSON"),
        pytest.param("REPLIES__ANSWER", "", (), id="an empty list"),
        pytest.param("REPLIES__RESPONDER", "rules, llm", ("rules", "llm"), id="names in a row"),
        pytest.param("LLM__TEMPERATURE", "0.5", 0.5, id="a fraction"),
        pytest.param("LLM__FALLBACKS", "a:b,c:d:e", ("a:b", "c:d:e"), id="models by commas"),
        pytest.param("CHANNELS__RECORD", "80351110224678912,1", (80351110224678912, 1), id="ids by commas"),
        pytest.param("CHANNELS__RECORD", '["80351110224678912"]', (80351110224678912,), id="ids as strings"),
        pytest.param("REPLIES__ANSWER_BOTS", "Yes", True, id="a switch that is on"),
        pytest.param("DISCORD__MESSAGE_CONTENT", "0", False, id="a switch that is off"),
        pytest.param("TELEMETRY__PORT", " 99 ", 99, id="a number"),
        pytest.param("TELEMETRY__PORT", "", 8080, id="an empty variable is an unset one"),
        pytest.param("CATCHUP__MAX_AGE", "1h30m", timedelta(minutes=90), id="a duration"),
        pytest.param("LIMITS__PER_PERSON", "off", None, id="no limit"),
        pytest.param("LIMITS__TOKENS_PER_PERSON", "1000", 1000, id="a number or no limit"),
        pytest.param("LIMITS__TOKENS_PER_PERSON", "off", None, id="no limit of the day"),
        pytest.param("LIMITS__COST_PER_DAY", "2", 2.0, id="an amount"),
        pytest.param(
            "MODERATION__COMMANDS",
            '{"rewind": {"people": ["7"]}}',
            {"rewind": CommandRule(people=(7,))},
            id="a table as JSON",
        ),
        pytest.param(
            "REPLIES__NOTICES",
            '{"failed": "Sorry.", "expired": ""}',
            {**NOTICES, "failed": "Sorry.", "expired": ""},
            id="a table beside defaults",
        ),
        pytest.param("LIMITS__PER_CHANNEL", "5/20s", Rate(5, timedelta(seconds=20)), id="a limit"),
        pytest.param("DISCORD__API_URL", "http://127.0.0.1:1/api/", "http://127.0.0.1:1/api", id="an address"),
    ],
)
def test_environment_sets_every_kind_of_value(write: Write, name: str, text: str, value: object) -> None:
    """A variable's text is read as its setting's type."""
    section, key = name.lower().split("__")

    config = load(write(""), {f"ECHOLESS_{name}": text})

    assert value == getattr(getattr(config, section), key)


def test_every_setting_can_be_set_by_a_flag_or_variable_of_its_name() -> None:
    """Names follow from the sections alone, and none of them is ambiguous."""
    names = [f"ECHOLESS_{'__'.join(map(str, place))}".upper() for place in settings()]

    assert len({name.replace("__", "_") for name in names}) == len(names) > len(Config.model_fields)


@pytest.mark.parametrize(
    "notices",
    ['{ waiting = "Please wait." }', '{ sometimes = "x" }', '"x"', "{ failed = 7 }"],
    ids=["a sentence while waiting", "an unknown reason", "no table", "a number"],
)
def test_notices_that_make_no_sense_are_refused(write: Write, notices: str) -> None:
    """With what they have to be."""
    with pytest.raises(ConfigError, match=r"line 2: replies\.notices.* has to be a table of reasons"):
        load(write(f"[replies]\nnotices = {notices}"), {})


@pytest.mark.parametrize("end", ["", "/", "/?v=10&encoding=json", "?v=10"])
def test_the_gateway_is_known_by_its_address_alone(write: Write, end: str) -> None:
    """Discord's documents write it with a version and an encoding, which discord.py adds by itself."""
    config = load(write(f'[discord]\ngateway_url = "wss://gateway.discord.gg{end}"'), {})

    assert config.discord.gateway_url == "wss://gateway.discord.gg"


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From elsewhere, the same file means the same places; flags and variables count from where they are typed."""
    folder, here = tmp_path / "etc", tmp_path / "here"
    folder.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = folder / "bot.toml"
    path.write_text(
        "[discord]\ntoken_file = '/run/token'\n[log]\nkey_file = '~/key'\n"
        "[[rules]]\nmatch = 'a'\nreply = 'b'\nfacts = 'facts.json'"
    )

    from_file = load(path, {})
    from_outside = load(path, {"ECHOLESS_LOG__PATH": "env"}, {"discord.token_file": Path("flag")})

    assert folder / "data" == from_file.log.path
    assert folder / "facts.json" == from_file.rules[0].facts
    assert Path("/run/token") == from_file.discord.token_file
    assert tmp_path / "home" / "key" == from_file.log.vault_key_file
    assert here / "env" == from_outside.log.path
    assert here / "flag" == from_outside.discord.token_file


def test_the_settings_of_an_answer_have_a_name(write: Write) -> None:
    """It changes with what is said, facts included, and with nothing else."""
    rules = "[[rules]]\nmatch = 'a'\nreply = '{fact}'\nfacts = 'facts.json'\n"
    Path(write(rules).parent, "facts.json").write_text('{"a": "b"}', encoding="utf-8")
    name = answering_version(load(None, {}))

    assert name == answering_version(load(write(f"\n\n{rules}[telemetry]\nport = 1"), {}))
    assert name != answering_version(load(write(rules.replace("'a'", "'b'")), {}))
    assert name != answering_version(load(write(f"{rules}[replies]\nwindow = 5"), {}))
    Path(write(rules).parent, "facts.json").write_text('{"a": "c"}', encoding="utf-8")
    assert name != answering_version(load(None, {}))


def test_rules_know_their_lines(write: Write) -> None:
    """A rule that doesn't compile can be named by its line."""
    path = write(
        "# [[rules]] in a comment\n[[rules]]\nmatch = 'a'\nreply = '''\n[[rules]]\n'''\n\n"
        "  [[ rules ]] # the second\n  match = 'b'\n  reply = 'b'\n  ignore_case = true\n"
    )

    rules = load(path, {}).rules

    assert [2, 8] == [rule.line for rule in rules]
    assert RuleSettings(match="b", reply="b", ignore_case=True, line=8) == rules[1]


def test_one_responder_may_be_named_alone(write: Write) -> None:
    """As one name, or as a list of it."""
    alone, listed = (load(write(f"[replies]\nresponder = {name}"), {}) for name in ("'llm'", "['llm']"))

    assert alone == listed
    assert ("llm",) == alone.replies.responder


def test_prices_are_in_dollars_in_and_out(write: Write) -> None:
    """By the model's name."""
    prices = load(write("[llm]\nprices = { 'openai:gpt-5' = { in = 1.25, out = 10, cached = 0.5 } }"), {}).llm.prices

    assert {"openai:gpt-5": (1.25, 10.0, 0.5, None)} == {
        name: (price.read, price.written, price.cached, price.reasoning) for name, price in prices.items()
    }


def test_the_model_counts_for_the_name_of_an_answers_settings_where_it_answers(write: Write) -> None:
    """Prices and time-outs do not: they change nothing that is said."""
    plain = answering_version(load(write("[replies]\nresponder = 'llm'"), {}))

    assert plain == answering_version(load(write("[replies]\nresponder = 'llm'\n[llm]\ntotal = '9s'"), {}))
    assert plain != answering_version(load(write("[replies]\nresponder = 'llm'\n[llm]\npersona = 'x'"), {}))
    assert answering_version(load(write(""), {})) == answering_version(load(write("[llm]\npersona = 'x'"), {}))


def test_flags_can_bring_rules() -> None:
    """The demo brings its own."""
    rules = load(None, {}, {"rules": [{"match": "a", "reply": "b"}]}).rules

    assert (RuleSettings(match="a", reply="b"),) == rules


def test_a_partition_has_folders_of_its_own_and_its_part_of_what_is_for_all(write: Write) -> None:
    """The key is one for all; a log that is not divided is as it was."""
    limits = "[limits]\ncost_per_day = 10\ntokens_for_moderators = 1000\ntokens_per_person = 7"
    whole = load(write(f"[shards]\npartitions = 4\ntotal = 2\n{limits}"), {"ECHOLESS_SHARDS__IDS": "1"})
    part = whole.of_partition(2).of_partition(3)

    assert (whole.partition, part.partition) == (None, 3)
    assert part.log.path == whole.log.path / "3"
    assert part.backup.folder == whole.backup.folder / "3"
    assert part.log.vault_key_file == whole.log.vault_key_file
    assert (part.limits.cost_per_day, part.limits.tokens_for_moderators, part.limits.tokens_per_person) == (2.5, 250, 7)
    assert whole.shards.here == (1,)
    assert Config().of_partition(0) == Config()


def test_settings_are_frozen(write: Write) -> None:
    """What was checked once stays as it is."""
    config = load(write(""), {})

    with pytest.raises(ValueError, match="frozen"):
        setattr(config.telemetry, "port", 1)  # noqa: B010 - the plain way is refused by the type checker, too


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            "[log]\n\npth = 'x'",
            "config.toml, line 3: [log] has no setting 'pth': did you mean 'path'?",
            id="an unknown key",
        ),
        pytest.param(
            "[replis]\nwindow = 1",
            "config.toml, line 1: there is no section or setting 'replis': did you mean 'replies'?",
            id="an unknown section",
        ),
        pytest.param(
            "window = 3",
            "config.toml, line 1: there is no section or setting 'window': it belongs in [replies].",
            id="a key of another section",
        ),
        pytest.param(
            "\n'zzz zzz'.q = 1",
            "config.toml, line 2: there is no section or setting 'zzz zzz': config.example.toml lists every setting.",
            id="a name that resembles nothing",
        ),
        pytest.param(
            "[[rules]]\nmatch = 'a'\nreply = 'b'\nline = 3",
            "config.toml, line 4: [rules] has no setting 'line': config.example.toml lists every setting.",
            id="the line of a rule, which is found, not set",
        ),
        pytest.param(
            "[[rules]]\nmatch = 'a'\nreply = 'b'\n[[rules]]\nmatch = 'a'",
            "config.toml, line 4: this rule has no reply, which has to be a text that is not empty.",
            id="a rule without a reply",
        ),
        pytest.param(
            "[[rules]]\nmatch = ''\nreply = 'b'",
            "config.toml, line 2: rules.match has to be a text that is not empty, not an empty string.",
            id="a rule that matches nothing",
        ),
        pytest.param(
            "[rules]\nmatch = 'a'",
            "config.toml, line 1: rules have to be written as [[rules]] tables, not as a table.",
            id="rules as one table",
        ),
        pytest.param(
            "rules = [1]",
            "config.toml, line 1: rules have to be written as [[rules]] tables, not as 1.",
            id="a rule that is a number",
        ),
        pytest.param(
            "log = 'data'",
            "config.toml, line 1: log has to be a section, written [log], not a string.",
            id="a section that is a text",
        ),
        pytest.param(
            "[log]\nhot_channels = 'many'",
            "config.toml, line 2: log.hot_channels has to be a whole number, 1 or more, not a string.",
            id="a text for a number",
        ),
        pytest.param(
            "log.hot_channels = true",
            "config.toml, line 1: log.hot_channels has to be a whole number, 1 or more, not a boolean.",
            id="a boolean for a number",
        ),
        pytest.param(
            "log = { path = 'x', hot_channels = 0 }",
            "config.toml, line 1: log.hot_channels has to be a whole number, 1 or more, not 0.",
            id="a number out of range, in an inline table",
        ),
        pytest.param(
            "[telemetry]\nport = 70000",
            "config.toml, line 2: telemetry.port has to be a port from 1 to 65535, or 0 (off), not 70000.",
            id="a port out of range",
        ),
        pytest.param(
            "[telemetry]\nport = 80.5",
            "config.toml, line 2: telemetry.port has to be a port from 1 to 65535, or 0 (off), not 80.5.",
            id="a port with a fraction",
        ),
        pytest.param(
            "[discord]\nmessage_content = 'yes'",
            "config.toml, line 2: discord.message_content has to be true or false, not a string.",
            id="a text for a switch",
        ),
        pytest.param(
            "[discord]\napi_url = 'discord.com'",
            "config.toml, line 2: discord.api_url has to be an http:// or https:// address, not this string.",
            id="an address without a scheme",
        ),
        pytest.param(
            "[discord]\ngateway_url = 'wss://[x'",
            "config.toml, line 2: discord.gateway_url has to be a ws:// or wss:// address, not this string.",
            id="an address that is none",
        ),
        pytest.param(
            "[replies]\nmax_age = 30",
            'config.toml, line 2: replies.max_age has to be a duration such as "30m", "7d" or "1h30m", '
            "longer than 0s and at most 36500d, not 30.",
            id="a duration without a unit",
        ),
        pytest.param(
            "[replies]\nmax_age = '999999999d'",
            'config.toml, line 2: replies.max_age has to be a duration such as "30m", "7d" or "1h30m", '
            "longer than 0s and at most 36500d, not this string.",
            id="a duration past the calendar",
        ),
        pytest.param(
            "[audit]\nevery = 2026-11-23",
            'config.toml, line 2: audit.every has to be a duration such as "30m", "7d" or "1h30m", '
            "longer than 0s and at most 36500d, not a date.",
            id="a date for a duration",
        ),
        pytest.param(
            "[replies]\nanswer = [\n  'mention',\n  'whisper',\n]",
            'config.toml, line 2: replies.answer has to be a list of any of "mention", "reply", "dm" '
            'and "rule", not this string.',
            id="an unknown call",
        ),
        pytest.param(
            "[channels]\nrecord = 5",
            "config.toml, line 2: channels.record has to be a list of Discord ids such as [123456789012345678], not 5.",
            id="an id where a list is wanted",
        ),
        pytest.param(
            "[limits]\nper_person = '0/1m'",
            "config.toml, line 2: limits.per_person has to be a number of replies in a duration such as "
            '"30/1m", or "off", not this string.',
            id="a limit of nothing",
        ),
        pytest.param(
            "[log]\ndurability = 'ful'",
            'config.toml, line 2: log.durability has to be "full" or "normal", not this string.',
            id="a word that is none of the choices",
        ),
        pytest.param(
            "[moderation]\ncommands = { rewnd = { roles = [1] } }",
            "config.toml, line 2: moderation.commands.rewnd has to be a table of commands and who may use each, such "
            "as {rewind = {roles = [], people = []}}, not this string.",
            id="a command that is none",
        ),
        pytest.param(
            "[moderation.commands.rewind]\nroles = 5",
            "config.toml, line 2: moderation.commands.rewind.roles has to be a table of commands and who may use each, "
            "such as {rewind = {roles = [], people = []}}, not 5.",
            id="a role where a list is wanted",
        ),
        pytest.param(
            "[replies]\nresponder = ['rules', 'l l m']",
            'config.toml, line 2: replies.responder has to be a responder ("rules", "llm", "http", an installed one or '
            '"module:Class"), or a list of them, each once, in the order in which they are asked, not this string.',
            id="a responder that is none",
        ),
        pytest.param(
            "[replies]\nresponder = ['llm', 'llm']",
            'config.toml, line 2: replies.responder has to be a responder ("rules", "llm", "http", an installed one or '
            '"module:Class"), or a list of them, each once, in the order in which they are asked, not an array.',
            id="a responder twice",
        ),
        pytest.param(
            "[replies]\nresponder = 'dice:'",
            'config.toml, line 2: replies.responder has to be a responder ("rules", "llm", "http", an installed one or '
            '"module:Class"), or a list of them, each once, in the order in which they are asked, not this string.',
            id="a module without its class",
        ),
        pytest.param(
            "[responders]\ndice = 6",
            "config.toml, line 2: responders.dice has to be a table of responders and what each is made with, such as "
            "{dice = {sides = 6}}, not 6.",
            id="a responder's settings that are no table",
        ),
        pytest.param(
            "responders = 'dice'",
            "config.toml, line 1: responders has to be a table of responders and what each is made with, such as "
            "{dice = {sides = 6}}, not a string.",
            id="responders' settings that are no table",
        ),
        pytest.param(
            "[llm]\nmodel = 'gpt-5'",
            'config.toml, line 2: llm.model has to be a model written "provider:model" such as "openai:gpt-5-mini" or '
            '"ollama:llama3.2", not this string.',
            id="a model without its provider",
        ),
        pytest.param(
            "[llm.prices.'openai:gpt-5']\nin = -1\nout = 2",
            "config.toml, line 2: llm.prices.openai:gpt-5.in has to be an amount of dollars for a million tokens, 0 or "
            "more, not -1.",
            id="a price below nothing",
        ),
        pytest.param(
            "[llm.prices.x]\nin = inf\nout = 2",
            "config.toml, line 2: llm.prices.x.in has to be an amount of dollars for a million tokens, 0 or more, "
            "not inf.",
            id="a price beyond all",
        ),
        pytest.param(
            "[llm.prices.x]\nin = 1",
            "config.toml, line 1: llm.prices.x.out is missing, which has to be an amount of dollars for a million "
            "tokens, 0 or more.",
            id="half a price",
        ),
        pytest.param(
            "[limits]\nqueue = 0x" + "f" * 4000,
            "config.toml, line 2: limits.queue has to be a whole number, 1 or more, not a number that is too large.",
            id="a number of thousands of digits",
        ),
        pytest.param(
            "[limits]\ntokens_per_person = 9223372036854775808",
            "config.toml, line 2: limits.tokens_per_person has to be a number of tokens a day, 1 or more, or "
            '"off", not a number that is too large.',
            id="a number of 64 bits",
        ),
        pytest.param(
            "[limits]\ncost_per_day = 1e308",
            'config.toml, line 2: limits.cost_per_day has to be an amount of dollars a day, more than 0, or "off", '
            "not a number that is too large.",
            id="more dollars than there are",
        ),
        pytest.param(
            "[llm.prices.x]\nin = 1e308\nout = 2",
            "config.toml, line 2: llm.prices.x.in has to be an amount of dollars for a million tokens, 0 or more, "
            "not a number that is too large.",
            id="a price that no sum can hold",
        ),
        pytest.param(
            "[llm.prices.x]\nin = nan\nout = 2",
            "config.toml, line 2: llm.prices.x.in has to be an amount of dollars for a million tokens, 0 or more, "
            "not nan.",
            id="a price that is no number",
        ),
        pytest.param(
            "channels.record = [0x" + "f" * 4000 + "]",
            "config.toml, line 1: channels.record has to be a list of Discord ids such as [123456789012345678], "
            "not a number that is too large.",
            id="an id of thousands of digits",
        ),
        pytest.param(
            "[responders.dice]\nsides = [{most = 0x" + "f" * 4000 + "}]",
            "config.toml, line 1: responders.dice holds a number of more than 64 bits, which is too large.",
            id="a responder's number of thousands of digits",
        ),
        pytest.param(
            "[limits]\ncost_per_day = inf",
            'config.toml, line 2: limits.cost_per_day has to be an amount of dollars a day, more than 0, or "off", '
            "not inf.",
            id="a limit beyond all",
        ),
        pytest.param(
            "[llm.prices.x]\nin = 1\nout = 2\nseen = 3",
            "config.toml, line 4: [llm.prices.x] has no setting 'seen': config.example.toml lists every setting.",
            id="a price of something else",
        ),
        pytest.param(
            "[llm]\ntemperature = 3",
            "config.toml, line 2: llm.temperature has to be a number from 0 to 2, not 3.",
            id="too hot",
        ),
        pytest.param(
            "[log]\npath = ' '",
            "config.toml, line 2: log.path has to be the path of a folder, not this string.",
            id="an empty path",
        ),
        pytest.param(
            "[shards]\npartitions = 6",
            "config.toml, line 2: shards.partitions has to be a power of two from 1 to 1024; it is chosen when the log "
            "begins, not 6.",
            id="a number of partitions that is no power of two",
        ),
        pytest.param(
            "[shards]\npartitions = 4\ntotal = 3",
            "config.toml, line 3: shards.total has to be a number of shards that divides shards.partitions: 1, 2, 4 "
            "and so on up to it, not 3.",
            id="shards that do not divide the partitions",
        ),
        pytest.param(
            "[shards]\ntotal = 2",
            "config.toml, line 2: shards.total has to be a number of shards that divides shards.partitions: 1, 2, 4 "
            "and so on up to it, not 2.",
            id="more shards than partitions",
        ),
        pytest.param(
            "[shards]\npartitions = 4\ntotal = 2\nids = [0, 2]",
            "config.toml, line 4: shards.ids has to be a list of numbers of shards, each from 0 on and below "
            "shards.total, not 2.",
            id="a shard that there is not",
        ),
        pytest.param(
            "[repiles]\nwindow = 1\n[log]\nbad = 1\n[replies]\nrespnder = 'llm'\nmax_age = 'x'\n"
            "[telemetry]\nport = -1\n[[rules]]\nmatch = 'a'\nline = 3\n[[rules]]\nreply = 5\n",
            "9 things are wrong:\n"
            "  config.toml, line 1: there is no section or setting 'repiles': did you mean 'replies'?\n"
            "  config.toml, line 4: [log] has no setting 'bad': config.example.toml lists every setting.\n"
            "  config.toml, line 6: [replies] has no setting 'respnder': did you mean 'responder'?\n"
            '  config.toml, line 7: replies.max_age has to be a duration such as "30m", "7d" or "1h30m", '
            "longer than 0s and at most 36500d, not this string.\n"
            "  config.toml, line 9: telemetry.port has to be a port from 1 to 65535, or 0 (off), not -1.\n"
            "  config.toml, line 10: this rule has no reply, which has to be a text that is not empty.\n"
            "  config.toml, line 12: [rules] has no setting 'line': config.example.toml lists every setting.\n"
            "  config.toml, line 13: this rule has no match, which has to be a text that is not empty.\n"
            "  config.toml, line 14: rules.reply has to be a text that is not empty, not 5.",
            id="several mistakes, in the order of the file",
        ),
    ],
)
def test_wrong_settings_are_refused_with_their_line(write: Write, text: str, sentence: str) -> None:
    """The sentence says where, what it has to be and what it is instead."""
    assert sentence == refusal(write(text))


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        pytest.param(
            "ECHOLESS_LOG__PTH",
            "x",
            "ECHOLESS_LOG__PTH: there is no such setting: did you mean ECHOLESS_LOG__PATH?",
            id="an unknown key",
        ),
        pytest.param(
            "ECHOLESS_LOG_PATH",
            "x",
            "ECHOLESS_LOG_PATH: there is no such setting: did you mean ECHOLESS_LOG__PATH?",
            id="one underscore too few",
        ),
        pytest.param(
            "ECHOLESS_QQQ__ZZZZZZZZZZZZZZZZZZ",
            "x",
            "ECHOLESS_QQQ__ZZZZZZZZZZZZZZZZZZ: there is no such setting: config.example.toml lists every setting.",
            id="a section that resembles nothing",
        ),
        pytest.param(
            "ECHOLESS_TELEMETRY__PORT",
            "http",
            "ECHOLESS_TELEMETRY__PORT: telemetry.port has to be a port from 1 to 65535, or 0 (off), not a string.",
            id="a text for a number",
        ),
        pytest.param(
            "ECHOLESS_TELEMETRY__PORT",
            "9" * 5000,
            "ECHOLESS_TELEMETRY__PORT: telemetry.port has to be a port from 1 to 65535, or 0 (off), not a string.",
            id="a number of five thousand digits",
        ),
        pytest.param(
            "ECHOLESS_CHANNELS__RECORD",
            "[1",
            "ECHOLESS_CHANNELS__RECORD: channels.record has to be a list of Discord ids such as "
            "[123456789012345678], not a string.",
            id="broken JSON",
        ),
        pytest.param(
            "ECHOLESS_CHANNELS__RECORD",
            "1,two",
            "ECHOLESS_CHANNELS__RECORD: channels.record has to be a list of Discord ids such as "
            "[123456789012345678], not this string.",
            id="an id that is no number",
        ),
    ],
)
def test_wrong_variables_are_refused_by_name(write: Write, name: str, text: str, sentence: str) -> None:
    """A variable that is nearly a setting is never ignored."""
    assert sentence == refusal(write("[telemetry]\nport = 1"), {name: text})


def test_all_that_is_wrong_is_said_at_once(write: Write) -> None:
    """In the file, the environment and the flags; each thing once."""
    path = write("[log]\npth = 1\n[channels]\nrecord = ['a', 'b']\n")

    said = refusal(path, {"ECHOLESS_REPLES__WINDOW": "1", "ECHOLESS_AUDIT__EVERY": "x"}, telemetry__port=-1)

    assert [line.partition(": ")[0].strip() for line in said.splitlines()] == [
        "5 things are wrong:",
        "config.toml, line 2",
        "config.toml, line 4",
        "ECHOLESS_REPLES__WINDOW",
        "ECHOLESS_AUDIT__EVERY",
        "the command line",
    ]
    assert "did you mean ECHOLESS_REPLIES__WINDOW?" in said


WRONG = (
    "[repiles]\nwindow = 1\n[replies]\nwindow = 'x'\nask = true\n[[rules]]\nmatch = 'a'\n"
    "[[rules]]\nmatch = 'b'\nreply = 'c'\n[llm.prices]\nx = { in = 1 }\n[log]\npath = 'kept'\n"
)


def test_what_is_valid_counts_beside_what_is_not(write: Write) -> None:
    """For whoever looks on: defaults stand for the rest, and a rule keeps its number."""
    found = survey(write(WRONG), {"ECHOLESS_LOG__HOT_CHANNELS": "none"})

    assert len(found.problems) == 5
    assert found.config.replies == RepliesSettings(ask=True)
    assert found.config.log.path == Path("kept").absolute()
    assert [(rule.line, rule.reply) for rule in found.config.rules[1:]] == [(8, "c")]
    assert {("log", "hot_channels"), ("replies", "window")} <= found.wrong
    assert ("log", "path") not in found.wrong


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.just("30m")),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from([*Config.model_fields, "path", "match", "reply", "x"]), inner, max_size=4),
        ),
        max_leaves=12,
    )
)
def test_whatever_is_wrong_there_are_settings(data: object) -> None:
    """And as many sentences as there are mistakes: never a traceback."""
    config, errors = _validated(data if isinstance(data, dict) else {"replies": data})

    assert isinstance(config, Config)
    for error in errors:
        assert explain(error)


def test_other_variables_of_ours_are_left_alone(write: Write) -> None:
    """The vault's key is no setting."""
    assert load(write(""), {"ECHOLESS_VAULT_KEY": "x", "ECHOLESS": "", "PATH": "/bin"}) == load(write(""), {})


def test_wrong_flags_are_refused(write: Write) -> None:
    """Flags are checked like everything else, and an unknown one is a mistake of ours that nobody overlooks."""
    path = write("")

    assert refusal(path, telemetry__port=-1).startswith("the command line: telemetry.port has to be a port")
    assert refusal(path, log__pth="x") == "the command line: [log] has no setting 'pth': did you mean 'path'?"


def test_a_flag_does_not_hide_a_broken_section(write: Write) -> None:
    """``log = 3`` stays wrong whatever is set inside of it."""
    assert "line 1: log has to be a section" in refusal(write("log = 3"), {}, log__path="x")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(
            b"[log]\npath = data",
            "config.toml, line 2, column 8: this is not valid TOML and has to be corrected first: Invalid value.",
            id="a value without quotes",
        ),
        pytest.param(
            b"[log]\npath = 'data",
            "config.toml, line 2, at the end of the file: this is not valid TOML and has to be corrected first: "
            'Expected "\'".',
            id="a string that does not end",
        ),
        pytest.param(
            b"[log]\npath = 'a'\npath = 'b'\n",
            "config.toml, line 3, column 11: this is not valid TOML and has to be corrected first: "
            "Cannot overwrite a value.",
            id="a key that comes twice",
        ),
        pytest.param(
            b"[log]\npath = 'caf\xe9'",
            "config.toml, line 2: the settings file has to be UTF-8 text: save it as such.",
            id="not UTF-8",
        ),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_the_place(write: Write, content: bytes, sentence: str) -> None:
    """Line and column, in the parser's words."""
    path = write("")
    path.write_bytes(content)

    assert sentence == refusal(path)


def test_a_number_of_five_thousand_digits_is_refused(write: Write) -> None:
    """Python doesn't even read it, which is no reason for a traceback."""
    assert "not valid TOML" in refusal(write(f"[log]\nhot_channels = {'9' * 5000}"))


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistakes(write: Write) -> None:
    """Windows' editor writes both."""
    path = write("")
    path.write_bytes(b"\xef\xbb\xbf[telemetry]\r\nport = 1\r\n")

    assert load(path, {}).telemetry.port == 1


def test_a_file_that_is_not_there_or_not_readable_is_named(tmp_path: Path) -> None:
    """Asked for by name, it has to be there."""
    missing = tmp_path / "no.toml"

    assert str(missing) in refusal(missing)
    assert "echoless init" in refusal(missing)
    assert f"The settings file {tmp_path} can't be read (Is a directory)" in refusal(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"[discord]\ntoken = '{SECRET}'", id="in its section"),
        pytest.param(f"DISCORD_TOKEN = '{SECRET}'\n", id="at the top"),
    ],
)
def test_the_token_may_not_stand_in_the_file(write: Write, text: str) -> None:
    """The sentence says where it belongs, and doesn't repeat it."""
    said = refusal(write(text))

    assert "the token does not belong among the settings: set DISCORD_TOKEN" in said
    assert SECRET not in said


def test_the_token_has_no_variable_of_ours(write: Write) -> None:
    """It is Discord's."""
    said = refusal(write(""), {"ECHOLESS_DISCORD__TOKEN": SECRET})

    assert "set DISCORD_TOKEN in the environment" in said
    assert SECRET not in said


@pytest.mark.parametrize(("section", "key"), settings())
def test_no_refusal_repeats_a_text(write: Write, section: str, key: str) -> None:
    """Whatever setting a secret was put into by mistake, neither the message nor its cause shows it."""
    path = write(f"[{section}]\n{key} = ['{SECRET}']")

    with pytest.raises(ConfigError) as caught:
        load(path, {})

    assert f"{path}, line 2: {section}.{key} has to be" in str(caught.value)
    assert SECRET not in f"{caught.value}{caught.value.__cause__}"


def test_token_comes_from_the_environment_first(write: Write, tmp_path: Path) -> None:
    """``DISCORD_TOKEN`` counts over the file, and an empty one doesn't count."""
    (tmp_path / "token").write_text(f"\n {SECRET} \n")
    config = load(write("[discord]\ntoken_file = 'token'"), {})

    assert config.token({"DISCORD_TOKEN": " abc\n"}).get_secret_value() == "abc"
    assert config.token({"DISCORD_TOKEN": " "}).get_secret_value() == SECRET
    assert SECRET not in repr(config.token({}))


@pytest.mark.parametrize(
    ("content", "environ", "said"),
    [
        pytest.param(None, {}, "can't be read (No such file or directory)", id="the file is missing"),
        pytest.param(b" \n", {}, "is empty", id="the file is empty"),
        pytest.param(b"\xff\xfe", {}, "is not a text", id="the file is no text"),
        pytest.param(b"two words", {}, "is not a bot token", id="the file holds something else"),
        pytest.param(b"x", {"DISCORD_TOKEN": "a\nb"}, "DISCORD_TOKEN holds is not a bot token", id="two lines"),
    ],
)
def test_token_that_is_none_is_refused(
    write: Write, tmp_path: Path, content: bytes | None, environ: dict[str, str], said: str
) -> None:
    """Each refusal says what to do about it."""
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    config = load(write("[discord]\ntoken_file = 'token'"), {})

    with pytest.raises(TokenError) as caught:
        config.token(environ)

    assert said in str(caught.value)


def test_no_token_at_all_says_where_to_get_one(write: Write) -> None:
    """The first thing a new owner meets."""
    with pytest.raises(TokenError, match=r"discord\.com/developers/applications.*DISCORD_TOKEN.*token_file"):
        load(write(""), {}).token({})


def test_vault_key_comes_from_the_environment(write: Write) -> None:
    """None means: use the key file."""
    config, key = load(write(""), {}), bytes(range(32))

    secret = config.vault_key({"ECHOLESS_VAULT_KEY": base64.b64encode(key).decode()})

    assert secret is not None
    assert key == secret.get_secret_value()
    assert config.vault_key({"ECHOLESS_VAULT_KEY": " "}) is None
    assert config.vault_key({}) is None


def test_vault_key_that_is_none_is_refused(write: Write) -> None:
    """By name, and without repeating it."""
    with pytest.raises(KeyMismatch, match="ECHOLESS_VAULT_KEY") as caught:
        load(write(""), {}).vault_key({"ECHOLESS_VAULT_KEY": "hunter2"})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("20s", timedelta(seconds=20)),
        ("30m", timedelta(minutes=30)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("7d", timedelta(days=7)),
        ("1d2h3m4s5ms", timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=5)),
        ("0s", timedelta()),
        ("30 m", timedelta(minutes=30)),
        ("1 day 2 hours", timedelta(hours=26)),
        ("3 min 20.5 s", timedelta(minutes=3, seconds=20.5)),
        ("36500d", timedelta(days=36_500)),
    ],
)
def test_durations_are_read(text: str, duration: timedelta) -> None:
    """Numbers with units, the largest first."""
    assert duration == parse_duration(text)


@pytest.mark.parametrize(
    "value",
    ["", "30", "m", "-1m", "1.5h", "30m1h", "1m1m", "1w", "٣m", "36500d1ms", "999999999d", "9" * 9999 + "d", 30, None,
     True],
)  # fmt: skip
def test_what_is_no_duration_is_refused(value: object) -> None:
    """No guessing what a bare number counts."""
    with pytest.raises(ValueError, match=r"^$"):
        parse_duration(value)


KEYS = st.text("abc", min_size=1, max_size=3)
VALUES = st.sampled_from(
    [
        "1",
        '"a = 1 # [x]"',
        "'[[a]]'",
        '"""\n[a]\nb = 1\n"""',
        '"""x"""""',
        '"\\""',
        "'''\n[[c]]\n''' # it's",
        "[\n  1, # ]\n  '[',\n]",
        "{ a = [1, 2] } # }",
        "2026-11-23T10:00:00Z",
    ]
)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, min_size=1), min_size=1))
def test_every_key_is_found_on_its_line(tables: dict[str, dict[str, str]]) -> None:
    """Whatever the values look like, and wherever they end."""
    text, expected = "", {}
    for table, pairs in tables.items():
        text += f"\n# {table}.x = 1\n[{table}] # [no]\n"
        for key, value in pairs.items():
            expected[table, key] = text.count("\n") + 1
            text += f' "{key}" = {value}\n'

    lines = Lines(text)

    assert tables.keys() == tomllib.loads(text).keys()
    assert expected == {place: lines.find(place) for place in expected}


def test_lines_of_what_has_none_are_those_around_it() -> None:
    """An inline table's key stands where the table does; what isn't there stands nowhere."""
    lines = Lines("a = { b = 1 }\n[[c.d]]\n[[c.d]]\nx.y = 1\n")

    assert lines.find(("a", "b")) == 1
    assert lines.find(("c", "d", 1, "x", "y")) == 4
    assert lines.find(("c", "d", 1, "z")) == 3
    assert lines.find(("c", "q")) == 2
    assert lines.find(("q",)) is None
