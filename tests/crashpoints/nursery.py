"""Starts bots and sandboxes by forking a process that has imported everything: a start costs a twentieth.

Each child is a process of its own, with its own pid to kill. It stops itself (SIGSTOP) before it runs anything, so that
its death can be arranged first; ``Child.go`` lets it run.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bot.responders.llm.responder  # noqa: F401 - children of a bot with a model need not import it, which takes seconds
from bot.sandbox.__main__ import main as run_sandbox
from bot.sandbox.child_process import tether, tethered
from bot.sandbox.control_client import ControlClient
from bot.sandbox.process import SandboxProcess
from tests.crashpoints import doomed_bot, doomed_example
from tests.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
PROGRAMS: dict[str, Callable[[], int | None]] = {
    "bot": doomed_bot.main,
    "example": doomed_example.main,
    "sandbox": run_sandbox,
}


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the nursery; ``ended`` gives its exit code, negative for the signal that killed it.

    Many wait for that, so each waits by :meth:`end` or :meth:`wait`: awaited plainly, it would be cancelled for all.
    """

    pid: int
    ended: asyncio.Future[int]

    def go(self) -> None:
        """Let it run."""
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to end, unless it has ended."""
        self._signal(signal.SIGTERM)

    async def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return await asyncio.shield(self.ended)

    async def end(self) -> None:
        """Ask it to end, and kill it where it does not."""
        self.terminate()
        await asyncio.wait((self.ended,), timeout=PATIENCE)
        self._signal(signal.SIGKILL)
        await self.wait()

    def _signal(self, number: signal.Signals) -> None:
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Nursery(asyncio.SubprocessProtocol):
    """The side of whoever wants children; make one with :func:`nursery`.

    It hears of births and deaths as they come and not in a task: whoever cleans up waits for them, after every task
    was cancelled.
    """

    def __init__(self) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._children: dict[int, Child] = {}
        self._awaited: deque[asyncio.Future[Child]] = deque()
        self._heard = b""
        self._stdin: asyncio.WriteTransport

    async def start(self, program: str, arguments: Sequence[str], environ: Mapping[str, str], output: Path) -> Child:
        """Fork a stopped child that will run a program; what it prints goes to ``output``."""
        if self.ended.done():
            raise ConnectionError("The nursery has ended.")
        order = {"program": program, "arguments": list(arguments), "environ": dict(environ), "output": str(output)}
        born: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._awaited.append(born)
        self._stdin.write(json.dumps(order).encode() + b"\n")
        return await born

    @asynccontextmanager
    async def sandbox(self, folder: Path, *arguments: str) -> AsyncIterator[SandboxProcess]:
        """Run a sandbox whose output goes to ``folder``."""
        output = folder / "sandbox.out"
        child = await self.start("sandbox", ["--json", *arguments], {}, output)
        child.go()

        def ready() -> bool:
            assert not child.ended.done(), output.read_text(encoding="utf-8")
            return output.exists() and output.read_bytes().endswith(b"\n")

        try:
            await eventually(ready)
            said: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
            async with ControlClient(said["control_url"], patience=PATIENCE) as control:
                yield SandboxProcess(**said, control=control)
        finally:
            await child.end()

    def close(self) -> None:
        """Let it end, and its children with it."""
        self._stdin.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where orders go."""
        assert isinstance(transport, asyncio.SubprocessTransport)
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        self._stdin = stdin

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Hear of births and deaths."""
        del fd
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            news = json.loads(line)
            if "code" in news:
                self._children.pop(news["pid"]).ended.set_result(news["code"])
            else:
                self._bear(news["pid"])

    def _bear(self, pid: int) -> None:
        child = self._children[pid] = Child(pid, asyncio.get_running_loop().create_future())
        born = self._awaited.popleft()
        if not born.done():
            born.set_result(child)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take its children as killed: they end with it."""
        del exc
        for child in self._children.values():
            child.ended.set_result(-signal.SIGKILL)
        for born in self._awaited:
            if not born.done():
                born.set_exception(ConnectionError("The nursery has ended."))
        self.ended.set_result(None)


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """Run a nursery; its children end with it, and it with this process."""
    command = tethered(sys.executable, "-m", "tests.crashpoints.nursery")
    transport, made = await asyncio.get_running_loop().subprocess_exec(Nursery, *command, cwd=ROOT, stderr=None)
    try:
        yield made
    finally:
        made.close()
        await asyncio.shield(made.ended)
        transport.close()


def main() -> None:
    """Fork children as stdin asks, and tell on stdout of their births and deaths, until stdin ends."""
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: set[int] = set()
    waiting = b""
    while True:
        readable, _, _ = select.select([0, awake], [], [])
        if awake in readable:
            os.read(awake, 4096)
        children -= bury()
        if 0 in readable:
            heard = os.read(0, 65536)
            if not heard:
                break
            *orders, waiting = (waiting + heard).split(b"\n")
            children |= {bear(json.loads(order)) for order in orders}
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def bear(order: Mapping[str, Any]) -> int:
    """Fork a child, wait until it has stopped itself, and tell of it."""
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        tether(parent)
        os._exit(live(order))
    os.waitpid(pid, os.WUNTRACED)
    tell({"pid": pid})
    return pid


def live(order: Mapping[str, Any]) -> int:
    """Run a child's program and return its exit code."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(order["environ"])
        sys.argv = [order["program"], *order["arguments"]]
        os.kill(os.getpid(), signal.SIGSTOP)
        code = PROGRAMS[order["program"]]()
    except BaseException:  # noqa: BLE001 - nothing may get back into the nursery's own code
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code or 0


def bury() -> set[int]:
    """Collect the dead, tell of them, and return their pids."""
    dead: set[int] = set()
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            tell({"pid": found[0], "code": os.waitstatus_to_exitcode(found[1])})
            dead.add(found[0])
    return dead


def tell(news: Mapping[str, int]) -> None:
    """Write one line of news."""
    os.write(1, json.dumps(news).encode() + b"\n")


if __name__ == "__main__":
    main()
