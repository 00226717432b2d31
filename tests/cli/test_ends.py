"""How commands end when somebody presses Ctrl-C, and when nobody reads what they write: real processes, real signals.

A command that must be caught in the middle is held by something it waits for: a settings file that is a FIFO, a server
that never answers, a pipe that nobody empties.
"""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.cli.sandbox import bot_beside
from bot.core import events as e
from bot.demo.bot_process import bot_process
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.moderation.control_socket import SOCKET
from bot.sandbox.process import sandbox_process
from tests.cli.conftest import GENERAL

pytestmark = pytest.mark.long

PATIENCE = 300
"""Seconds after which a command hangs."""

MANY = 6000
"""Events whose lines fill a pipe many times over."""

READING = [
    pytest.param("log show", id="log show"),
    pytest.param("log show --json", id="log show --json"),
    pytest.param("log stats", id="log stats"),
    pytest.param("log stats --json", id="log stats --json"),
    pytest.param("log verify", id="log verify"),
    pytest.param("log export", id="log export"),
    pytest.param("usage", id="usage"),
    pytest.param("usage --json", id="usage --json"),
    pytest.param("stats --since 9000d", id="stats"),
    pytest.param("check", id="check"),
    pytest.param("check --json", id="check --json"),
    pytest.param(f"replay --channel {GENERAL}", id="replay"),
    pytest.param(f"replay state --channel {GENERAL}", id="replay state"),
    pytest.param(f"replay timeline --channel {GENERAL}", id="replay timeline"),
    pytest.param("replay pending", id="replay pending"),
    pytest.param("replay verify", id="replay verify"),
    pytest.param(f"replay export --channel {GENERAL}", id="replay export"),
    pytest.param(f"replay pause --channel {GENERAL}", id="replay pause"),
]


@contextmanager
def started(
    *arguments: object,
    cwd: Path,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command line in a process of its own, gone at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ECHOLESS_", "DISCORD_"))}
    command = [sys.executable, "-m", "bot", *map(str, arguments)]
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment | {"DISCORD_TOKEN": "a.token.that-is-none", "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def interrupted(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGINT) -> int:
    """Press Ctrl-C, and return the exit code; no traceback may come."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert b"Traceback" not in errors, errors.decode()
    return process.returncode


def offline(folder: Path) -> Path:
    """Write settings that ask nobody."""
    config = folder / "config.toml"
    config.write_text(
        '[discord]\napi_url = "http://127.0.0.1:9/api"\ngateway_url = "ws://127.0.0.1:9"\n[telemetry]\nport = 0\n'
    )
    return config


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Give both ends of a terminal: ours, and that of the command."""
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


@contextmanager
def silent_server() -> Iterator[socket.socket]:
    """Give a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server


@pytest.fixture(scope="session")
def _long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long") / "log"

    async def write() -> None:
        log = await open_log(Location(folder), clock=lambda: 1_700_000_000_000_000, full=False)
        drafts = [e.Draft(e.GatewayLost(reason=f"reason {number}")) for number in range(MANY)]
        await log.append("bot", drafts)
        await log.close()

    asyncio.run(write())
    return folder


@pytest.fixture
def long(_long: Path, tmp_path: Path) -> Path:
    """Return the folder of a log that takes a while to read."""
    return Path(shutil.copytree(_long, tmp_path / "long"))


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("run", id="run"),
        pytest.param("log show", id="log show"),
        pytest.param("log verify", id="log verify"),
        pytest.param("usage", id="usage"),
        pytest.param("check", id="check"),
        pytest.param(f"replay --channel {GENERAL}", id="replay"),
        pytest.param(f"replay pause --channel {GENERAL}", id="replay pause"),
    ],
)
def test_ctrl_c_while_a_command_starts(command: str, folder: Path, tmp_path: Path) -> None:
    """Its settings never come."""
    config = tmp_path / "config.toml"
    os.mkfifo(config)
    with started(*command.split(), "--config", config, "--log", folder, cwd=tmp_path) as process:
        hold = config.open("w")  # opens once the command has opened it, too
        process.send_signal(signal.SIGINT)
        hold.close()
        _, errors = process.communicate(timeout=PATIENCE)

    assert b"Traceback" not in errors, errors.decode()
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [("check", signal.SIGINT, 130), ("run", signal.SIGINT, 130), ("run", signal.SIGTERM, 0)],
)
def test_ctrl_c_while_discord_does_not_answer(command: str, number: signal.Signals, code: int, tmp_path: Path) -> None:
    """The bot ends in good order either way; a service manager that stops it sees no failure."""
    with silent_server() as server:
        port = server.getsockname()[1]
        offline(tmp_path).write_text(
            f'[discord]\napi_url = "http://127.0.0.1:{port}/api"\ngateway_url = "ws://127.0.0.1:{port}"\n'
            "[telemetry]\nport = 0\n"
        )
        with started(command, cwd=tmp_path) as process:
            connection, _ = server.accept()
            with connection:
                assert interrupted(process, number) == code


def test_ctrl_c_while_the_bot_does_not_answer(folder: Path) -> None:
    """A command waits for the bot that owns the log."""
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(PATIENCE)
        server.bind(str(folder / SOCKET))
        server.listen()
        with started("replay", "state", "--channel", GENERAL, "--log", folder, cwd=folder) as process:
            connection, _ = server.accept()
            with connection:
                assert interrupted(process) == 130


@pytest.mark.parametrize("command", ["log show --limit 0", "log show --json --limit 0", "log export"])
def test_ctrl_c_in_the_middle_of_the_output(command: str, long: Path) -> None:
    """It has written a line and can't have written all: nobody empties the pipe."""
    with started(*command.split(), "--log", long, cwd=long) as process:
        assert process.stdout is not None
        process.stdout.readline()

        assert interrupted(process) == 130


def test_ctrl_c_while_a_bar_grows(long: Path) -> None:
    """Every event is damaged, and nobody empties the pipe that the findings go to."""
    with closing(sqlite3.connect(long / "events.db")) as database, database:
        database.execute("DROP TRIGGER events_refuse_update")
        database.execute("UPDATE events SET recorded_at = recorded_at + 1")
    with terminal() as (ours, theirs), started("log", "verify", "--log", long, cwd=long, stderr=theirs) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        shown = os.read(ours, 10_000)

    assert process.returncode == 130
    assert b"verify" in shown
    assert b"Traceback" not in shown


@pytest.mark.parametrize("command", ["rewind 2", "reset"])
@pytest.mark.parametrize(("typed", "code"), [(None, 130), (b"n\n", 1), (b"y\n", 0)])
def test_ctrl_c_at_a_question(command: str, typed: bytes | None, code: int, folder: Path) -> None:
    """It changes nothing; "no" is an answer like "yes"."""
    before = (folder / "events.db").read_bytes()
    arguments = ["replay", *command.split(), "--channel", GENERAL, "--log", folder]
    with terminal() as (ours, theirs), started(*arguments, cwd=folder, stdin=theirs) as process:
        assert process.stderr is not None
        shown = b""
        while not shown.endswith(b"[y/N]: "):
            shown += process.stderr.read(1)
        if typed is None:
            _until_it_waits(process)
            process.send_signal(signal.SIGINT)
        else:
            os.write(ours, typed)
        _, errors = process.communicate(timeout=PATIENCE)

    assert b"leave the window:" in shown
    assert b"Traceback" not in errors
    assert process.returncode == code
    assert (before == (folder / "events.db").read_bytes()) == bool(code)


def _until_it_waits(process: subprocess.Popen[bytes]) -> None:
    """Return once it sleeps until somebody types: Python misses a signal that comes just before it begins to read."""
    status = Path(f"/proc/{process.pid}/stat")
    while status.exists() and status.read_text(encoding="ascii").rpartition(")")[2].split()[0] != "S":
        pass


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_ctrl_c_ends_the_sandbox(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """In good order."""
    with started("sandbox", "--json", cwd=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()

        assert interrupted(process, number) == code


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("--help", id="help"),
        pytest.param("--version", id="version"),
        pytest.param("log show --help", id="help of a command"),
        pytest.param("sandbox", id="sandbox"),
        pytest.param("sandbox --json", id="sandbox --json"),
        *READING,
        pytest.param(f"replay reset --yes --channel {GENERAL}", id="replay reset"),
    ],
)
def test_a_reader_that_leaves_is_no_error(command: str, folder: Path, tmp_path: Path) -> None:
    """As with ``| head``: exit code 0, and not a word on stderr."""
    config = offline(tmp_path)
    asks_for_settings = command.startswith(("log ", "stats", "usage", "check", "replay")) and not command.endswith(
        "--help"
    )
    named = ["--config", config, "--log", folder] if asks_for_settings else []
    reading, writing = os.pipe()
    os.close(reading)
    with started(*command.split(), *named, cwd=tmp_path, stdout=writing) as process:
        os.close(writing)
        _, errors = process.communicate(timeout=PATIENCE)

    assert (process.returncode, errors) == (0, b"")


def test_a_full_disk_gets_a_sentence(folder: Path) -> None:
    """Not a traceback."""
    with (
        Path("/dev/full").open("wb") as full,
        started("log", "show", "--log", folder, cwd=folder, stdout=full.fileno()) as process,
    ):
        _, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert errors.startswith(b"Error: There is no space left")
    assert errors.count(b"\n") == 1


async def test_a_terminals_ctrl_c_is_for_the_command_and_not_for_its_children(tmp_path: Path) -> None:
    """Else a child may end first, and the command would call that an error."""
    nowhere = {"token": "t", "api_url": "http://127.0.0.1:9/api/v10", "gateway_url": "ws://127.0.0.1:9"}
    async with bot_beside({**nowhere, "control_url": ""}) as beside, bot_process(tmp_path, "t") as played:
        played.configure(nowhere["api_url"], nowhere["gateway_url"], "{}")
        await played.start()
        async with sandbox_process(()) as sandbox:
            assert beside._process is not None
            children = [beside._process.pid, played.pid, sandbox.pid]

            assert {os.getpgid(child) for child in children} == set(children)
