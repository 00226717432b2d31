"""Hosts on one machine: Linux's network namespaces, each with two links to the host on which all this runs.

That one is a namespace too (:func:`entering`), with Discord at one address and the engine at another. Every host
reaches each of them over a link of its own, which can be cut at either end. No namespace has a name: each ends with the
process that keeps it, which ends with this one. The addresses are loopback's, because the sandbox listens nowhere else;
within the namespaces they are routed as any others.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from bot.sandbox.child_process import tethered

ADDRESSES = {"discord": "127.77.0.1", "engine": "127.77.0.2"}
PROGRAMS = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux"}
"""The programs that this needs, and the packages that bring them."""

NEIGHBOURS = "/proc/sys/net/ipv4/neigh"
ASKED_EVERY = 50
"""Milliseconds after which a host asks again who has an address (Linux: a second). It asks three times, and holds what
it sends there until then, whatever became of the socket: for as long as that, it may arrive when a link is mended.
Times for a request are shorter here than a bot's, so this is, too."""


class End(StrEnum):
    """Which end of a link is down."""

    NEAR = "near"
    """The host's own: it is told at once that there is no way."""
    FAR = "far"
    """The other one: whatever is sent gets no answer."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host; ``pid`` is the process that keeps it."""

    name: str
    number: int
    pid: int

    @property
    def through(self) -> tuple[str, ...]:
        """Return what begins a command line that runs on this host."""
        return ("nsenter", "--target", str(self.pid), "--net", "--uts", "--")

    async def set_link(self, link: str, end: End, *, up: bool) -> None:
        """Cut a link ("discord" or "engine") at an end, or mend it."""
        state = "up" if up else "down"
        if end is End.FAR:
            await _run("ip", "link", "set", f"{link}{self.number}", state)
        else:
            await _run(*self.through, "ip", "link", "set", link, state)


def why_not() -> str:
    """Return why there can be no hosts here, "" where there can."""
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if sys.platform != "linux" or missing:
        return f"Hosts are network namespaces of Linux, and need {' and '.join(missing) or 'Linux'}."
    if os.geteuid():
        return "Hosts are network namespaces, which only root can make."
    return ""


def entering(command: Sequence[str]) -> tuple[str, ...]:
    """Return the command line that runs a command on a host of its own, from which it can make the other hosts."""
    return ("unshare", "--net", "--", *command)


async def prepare() -> None:
    """Set up this process's own host."""
    await _set_up(())


@asynccontextmanager
async def hosts(count: int, first: int = 1) -> AsyncIterator[list[Host]]:
    """Yield hosts, numbered from ``first`` on; they end with the context."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_host(number)) for number in range(first, first + count)]


@asynccontextmanager
async def _host(number: int) -> AsyncIterator[Host]:
    name = f"host-{number}"
    keeping = ("sh", "-c", f"hostname {name} && echo && exec sleep infinity")
    keeper = await asyncio.create_subprocess_exec(
        *tethered("unshare", "--net", "--uts", "--", *keeping), stdout=asyncio.subprocess.PIPE, process_group=0
    )
    try:
        if keeper.stdout is None or not await keeper.stdout.readline():
            raise OSError("A network namespace could not be made.")
        host = Host(name, number, keeper.pid)
        await _set_up(host.through)
        for subnet, (link, address) in enumerate(ADDRESSES.items(), 1):
            own, far = f"127.77.{subnet}.{number}", f"{link}{number}"
            await _run("ip", "link", "add", far, "type", "veth", "peer", "name", link, "netns", str(host.pid))
            for through, device, here, there in (((), far, address, own), (host.through, link, own, address)):
                await _run(*through, "ip", "addr", "add", here, "peer", f"{there}/32", "dev", device)
                await _run(*through, "sh", "-c", f"echo {ASKED_EVERY} > {NEIGHBOURS}/{device}/retrans_time_ms")
                await _run(*through, "ip", "link", "set", device, "up")
        yield host
    finally:
        keeper.kill()
        await keeper.wait()


async def _set_up(through: Sequence[str]) -> None:
    """Start loopback, and have its other addresses routed."""
    await _run(*through, "ip", "link", "set", "lo", "up")
    await _run(*through, "ip", "addr", "flush", "dev", "lo", "scope", "host")
    await _run(*through, "ip", "addr", "add", "127.0.0.1/32", "dev", "lo")
    for path in ("all", "default"):
        await _run(*through, "sh", "-c", f"echo 1 > /proc/sys/net/ipv4/conf/{path}/route_localnet")
        await _run(*through, "sh", "-c", f"echo 0 > /proc/sys/net/ipv4/conf/{path}/rp_filter")


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    if process.returncode:
        raise OSError(f"{' '.join(command)}: {said.decode().strip()}")
