"""What people say in a chaos run, and how much of it the log has not settled yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.chaos_script import CHANNELS, DM, DM_PERSON, THREAD, Line, Post
from benchmarks.chaos_troubles import LATENCY, SENDS
from bot.core.sharding import Sharding
from bot.demo.trails import Trail, read_trails
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.sandbox.process import SandboxProcess

TICK = 0.2
"""Seconds between two looks at how far a run is."""


@dataclass(slots=True)
class Talk:
    """Posts into a sandbox, on a server of each shard; ``addressed`` are the messages that the bot has to answer."""

    sandbox: SandboxProcess
    chat: Sequence[Line]
    shards: int = 1
    addressed: set[int] = field(default_factory=set)
    posted: int = 0
    _channels: dict[str, str] = field(default_factory=dict)

    async def prepare(self, failures: float, seed: int) -> None:
        """Make channels, bot accounts and faults; ``failures`` is the share of sends that fail after all."""
        control = self.sandbox.control
        servers = await self._servers()
        for name in CHANNELS:
            self._channels[name] = (await control.create_channel(name, guild=servers[self._shard_of(name)]))["id"]
        thread = await control.create_thread(THREAD, channel=CHANNELS[0], owner=self.chat[0].author)
        self._channels[THREAD] = thread["id"]
        self._channels[DM] = (await control.open_dm(DM_PERSON))["id"]
        for author in sorted({line.author for line in self.chat if line.bot}):
            await control.create_user(author, bot=True)
        for number, fault in enumerate(SENDS if failures else ()):
            await control.add_fault(
                **fault,
                method="POST",
                path="/channels/*/messages",
                when="after",
                count=None,
                probability=failures / len(SENDS),
                seed=seed * len(SENDS) + number,
            )
        for fault in LATENCY:
            await control.add_fault("delay", path="/channels/*/messages", count=None, **fault)

    async def _servers(self) -> dict[int, str]:
        """Return a server of each shard, by its number; make servers until each has one."""
        sharding, guild = Sharding(self.shards), self.sandbox.guild_id
        found = {sharding.partition_of(int(guild)): guild}
        while len(found) < self.shards:
            guild = (await self.sandbox.control.create_guild(f"server {len(found)}"))["id"]
            found.setdefault(sharding.partition_of(int(guild)), guild)
        return found

    def in_shard(self, shard: int, path: str) -> str:
        """Return a pattern of paths, with spaces between them, that keeps to the channels of a shard."""
        ids = [key for name, key in self._channels.items() if self._shard_of(name) == shard]
        return " ".join(path.replace("/channels/*", f"/channels/{key}") for key in ids)

    def _shard_of(self, channel: str) -> int:
        """Return whose a channel is; the thread is in the first one, and private chats are the first shard's."""
        return CHANNELS.index(channel) % self.shards if channel in CHANNELS else 0

    async def begin(self, within: float) -> None:
        """Ask each shard something: Discord tells a bot of no private chat that began while it was away."""
        control = self.sandbox.control
        for shard, channel in enumerate((DM, *CHANNELS[1 : self.shards])):
            await control.wait_for_ready(within=within, shard=shard)
            await self.post([Post(channel, DM_PERSON, "what is chaos?", mention=channel != DM, asks=True)])
            await control.wait_for_messages(channel=self._channels[channel], bot=True, within=within)

    async def post(self, posts: Sequence[Post]) -> None:
        """Post messages in order."""
        if not posts:
            return
        ids = await self.sandbox.control.post_many(
            [post.to_json(self._channels, self.sandbox.application_id) for post in posts]
        )
        self.addressed.update(int(key) for key, post in zip(ids, posts, strict=True) if post.asks)
        self.posted += len(posts)

    async def post_along(self, posts: Sequence[Post], progress: Callable[[], float]) -> None:
        """Post messages as a run goes on, whose ``progress`` is from 0 to 1: the last one comes with its end."""
        done = 0
        while done < len(posts):
            await asyncio.sleep(TICK)
            due = int(len(posts) * progress())
            await self.post(posts[done:due])
            done = max(done, due)

    async def left(self, *partitions: Location) -> int:
        """Return how many messages are not recorded or not answered, without a reason why not."""
        trails: dict[int, Trail] = {}
        for location in partitions:
            reader = await open_reader(location, words=False)
            try:
                trails |= await read_trails(reader)
            finally:
                await reader.close()
        recorded = sum(1 for trail in trails.values() if trail.recorded)
        open_ones = sum(1 for key in self.addressed if not _settled(trails.get(key, Trail())))
        others = sum(1 for trail in trails.values() if trail.request and not _settled(trail))
        return max(0, self.posted - recorded) + max(open_ones, others)


def _settled(trail: Trail) -> bool:
    return bool(trail.skipped or trail.abandoned or trail.whole)
