"""Every kind of effect, killed at each step of its way: there is one in the end, and the log knows it.

``python -m tests.effects.kills`` kills at every step; the suite kills at a few.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bot.core.events import EffectBegun, EffectDone, EffectIntended
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.eventlog.query import Query
from bot.sandbox.child_process import tethered
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.effects.making import Shop, open_shop
from tests.effects.server import KINDS as IN_DISCORD
from tests.effects.server import Server
from tests.waiting import PATIENCE

CHILD = Path(__file__).with_name("doomed.py")
ROOT = Path(__file__).parents[2]
HTTP = ("call", "once")
KINDS = (*IN_DISCORD, "direct", *HTTP)
_PATHS = {
    "role": ("*/roles/*",),
    "unrole": ("*/roles/*",),
    "reaction": ("*/reactions/*",),
    "thread": ("*/threads",),
    "thread under": ("*/threads",),
    "direct": ("/users/@me/channels", "*/messages"),
}


class Place(NamedTuple):
    """Where to kill: at commit ``number`` with events of effects, or at a request to ``path``, before it or after."""

    kind: str
    number: int
    path: str
    when: str

    def __str__(self) -> str:
        at = f"request {self.path}" if self.path else f"commit {self.number}"
        return f"{self.kind}: {at}, {self.when}"


def places() -> Iterator[Place]:
    """Return every place."""
    for kind in KINDS:
        for when in ("before", "after"):
            for number in (1, 2):
                yield Place(kind, number, "", when)
            for path in _PATHS.get(kind, ("shop",)):
                yield Place(kind, 0, path, when)


class Arena:
    """A Discord, a shop and a folder for one place."""

    def __init__(self, sandbox: Sandbox, control: ControlClient, shop: Shop, folder: Path) -> None:
        self.sandbox, self.control, self.shop, self.folder = sandbox, control, shop, folder
        self.server = Server(sandbox, control)

    def wanted(self, kind: str) -> str:
        """Return the effect for the child."""
        if kind == "direct":
            return json.dumps({"kind": "SendDirectMessage", "user_id": self.server.bob, "text": "hello"})
        if kind in HTTP:
            return json.dumps({"kind": "CallHttp" if kind == "call" else "once", "url": self.shop.url, "body": 1})
        effect = self.server.effect(kind)
        return json.dumps({"kind": type(effect).__name__, **effect.model_dump(exclude_none=True)})

    async def live(self, place: Place, *, doomed: bool) -> str:
        """Run the child once; return what it printed, "" if it was killed."""
        addresses, application = self.sandbox.services.addresses, self.sandbox.services.application
        where = [str(place.number), place.when] if doomed and place.number else []
        child = await asyncio.create_subprocess_exec(
            *tethered(sys.executable, str(CHILD), str(self.folder), addresses.api, addresses.gateway),
            application.token,
            self.wanted(place.kind),
            *where,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert child.stdout
        assert await child.stdout.readline() == b"up\n"
        if doomed and place.path == "shop":
            self.shop.doom = (child.pid, place.when)
        elif doomed and place.path:
            await self.control.add_fault("kill", pid=child.pid, when=place.when, path=place.path, method=_method(place))
        async with asyncio.timeout(PATIENCE):
            out, errors = await child.communicate(b"go\n")
        assert child.returncode == (-signal.SIGKILL if doomed else 0), (str(place), errors.decode())
        return out.decode()

    def count(self, kind: str) -> int:
        """Return how often an effect is there."""
        if kind in HTTP:
            return len(self.shop.orders)
        if kind == "direct":
            messages = self.sandbox.services.world.messages.values()
            return sum(each.content == "hello" and each.channel.is_dm for each in messages)
        return self.server.count(kind)


def _method(place: Place) -> str:
    return "DELETE" if place.kind == "unrole" else "PUT" if place.kind in ("role", "reaction") else "POST"


async def killed_at(place: Place) -> str:
    """Kill a child at a place, start the next one, and return what is wrong then, "" if nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Sandbox(SandboxOptions(message_rate=None, global_rate=None)) as sandbox,
            ControlClient(sandbox.services.addresses.control, patience=PATIENCE) as control,
            open_shop() as shop,
        ):
            arena = Arena(sandbox, control, shop, Path(folder) / "log")
            await arena.server.furnish()
            await arena.live(place, doomed=True)
            told = await arena.live(place, doomed=False)
            recorded = await _recorded(arena.folder)
    there, ends = arena.count(place.kind), recorded["done"]
    first, again = json.loads(next(line for line in told.splitlines() if line.startswith("[")))
    wrong = [] if first == again else [f"returned {first}, then {again}"]
    wrong += [] if there == 1 else [f"there {there} times"]
    wrong += [] if (recorded["started"], ends) == (1, 1) else [f"started {recorded['started']}, done {ends} times"]
    return ", ".join(wrong)


async def _recorded(folder: Path) -> Counter[str]:
    reader = await open_reader(Location(folder))
    try:
        events = [each.event async for each in reader.events(Query(stream="effects"))]
    finally:
        await reader.close()
    return Counter(
        "done" if isinstance(each, EffectDone) else "started"
        for each in events
        if isinstance(each, EffectDone | EffectIntended | EffectBegun)
    )


async def run(chosen: Sequence[Place]) -> int:
    """Kill at places, tell of each, and return the number of those after which something is wrong."""
    wrong = 0
    for place in chosen:
        fault = await killed_at(place)
        wrong += bool(fault)
        print(f"{place}: {fault or 'there once, and recorded once'}", flush=True)  # noqa: T201 - a script
    print(f"{len(chosen)} kills, {wrong} wrong")  # noqa: T201 - a script
    return wrong


def main() -> None:
    """Kill at every place of the kinds given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=KINDS, help=f"of {', '.join(KINDS)}")
    kinds = parser.parse_args().kinds
    raise SystemExit(asyncio.run(run([place for place in places() if place.kind in kinds])) > 0)


if __name__ == "__main__":
    main()
