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
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.sandbox.__main__ import main as run_sandbox
from bot.sandbox.control_client import ControlClient
from bot.sandbox.process import SandboxProcess
from tests.crashpoints import doomed_bot

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
PROGRAMS: dict[str, Callable[[], int | None]] = {"bot": doomed_bot.main, "sandbox": run_sandbox}


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the nursery; ``ended`` gives its exit code, negative for the signal that killed it."""

    pid: int
    ended: asyncio.Future[int]

    def go(self) -> None:
        """Let it run."""
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to end, unless it has ended."""
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)


class Nursery:
    """The side of whoever wants children; make one with :func:`nursery`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._born: asyncio.Queue[Child] = asyncio.Queue()
        self._children: dict[int, Child] = {}
        self._turn = asyncio.Lock()

    async def start(self, program: str, arguments: Sequence[str], environ: Mapping[str, str], output: Path) -> Child:
        """Fork a stopped child that will run a program; what it prints goes to ``output``."""
        order = {"program": program, "arguments": list(arguments), "environ": dict(environ), "output": str(output)}
        assert self._process.stdin
        async with self._turn:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            return await self._born.get()

    @asynccontextmanager
    async def sandbox(self, folder: Path, *arguments: str) -> AsyncIterator[SandboxProcess]:
        """Run a sandbox whose output goes to ``folder``."""
        output = folder / "sandbox.out"
        child = await self.start("sandbox", ["--json", *arguments], {}, output)
        child.go()
        try:
            async with asyncio.timeout(PATIENCE):
                while not (output.exists() and output.read_bytes().endswith(b"\n")):
                    assert not child.ended.done(), output.read_text(encoding="utf-8")
                    await asyncio.sleep(0.005)
            ready: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
            async with ControlClient(ready["control_url"]) as control:
                yield SandboxProcess(**ready, control=control)
        finally:
            child.terminate()
            await child.ended

    async def listen(self) -> None:
        """Hear of births and deaths."""
        assert self._process.stdout
        async for line in self._process.stdout:
            news = json.loads(line)
            if "code" in news:
                self._children.pop(news["pid"]).ended.set_result(news["code"])
            else:
                child = Child(news["pid"], asyncio.get_running_loop().create_future())
                self._children[child.pid] = child
                self._born.put_nowait(child)


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """Run a nursery; its children end with it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crashpoints.nursery", cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    made = Nursery(process)
    listening = asyncio.create_task(made.listen())
    try:
        yield made
    finally:
        process.stdin.close()
        await process.wait()
        await listening


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
    pid = os.fork()
    if not pid:
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
