"""A browser of a moderator, at the page of the running bot."""

from __future__ import annotations

import re

import aiohttp


class Looking:
    """A browser that signed in by a link of ``/page``."""

    def __init__(self, client: aiohttp.ClientSession, base: str) -> None:
        self._client = client
        self._base = base

    async def enter(self, told: str) -> None:
        """Sign in by the link in an answer."""
        token = told.partition(f"{self._base}/page/enter#")[2].split()[0]
        form, headers = {"token": token}, {"Origin": self._base}
        async with self._client.post(f"{self._base}/page/enter", data=form, headers=headers) as response:
            assert response.status == 200

    async def page(self) -> str:
        """Return the list of conversations."""
        async with self._client.get(f"{self._base}/page/") as response:
            return await response.text()

    async def listed(self) -> set[str]:
        """Return the channels that are listed."""
        return set(re.findall(r'href="/page/channel/(\d+)"', await self.page()))

    async def status(self, channel: str) -> int:
        """Return how a conversation is answered."""
        async with self._client.get(f"{self._base}/page/channel/{channel}") as response:
            return response.status

    async def act(self, channel: str, command: str, **fields: str) -> tuple[int, str]:
        """Have a command carried out, by the form in the page of a conversation; return how that is answered."""
        found = re.search(r'<meta name="csrf" content="([^"]+)">', await self.page())
        form = {"csrf": found[1] if found else "", **fields}
        url, headers = f"{self._base}/page/channel/{channel}/act/{command}", {"Origin": self._base}
        async with self._client.post(url, data=form, headers=headers) as response:
            return response.status, await response.text()

    async def is_closed(self, channel: str) -> bool:
        """Tell whether a conversation is none for them."""
        return await self.status(channel) == 404
