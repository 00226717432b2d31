"""The log in DynamoDB: a table of records, one item each.

A record is put under the condition that nothing stands at its number, and what is read is read consistently. The
owner's sign of life is the item at number 0.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from bot.engines.dynamodb.table import KEYS, Item, Table
from bot.errors import LogUnwritable
from bot.eventlog.remote.port import Entry, Fenced, Torn, Unsure, digest_of

_WRONG_KEYS = "its table has other keys than part (HASH, a number) and seq (RANGE, a number): name another table"

_UNPROTECTED = "its table has no deletion protection, so one call deletes the log: switch DeletionProtectionEnabled on"


class DynamodbPartition:
    """A partition in a table. AWS's own variables and files say who may use it.

    They also say where it is, unless ``region`` and ``endpoint`` do.
    """

    name = "DynamoDB"
    limit = 390_000

    def __init__(self, table: str, region: str = "", endpoint: str = "", part: int = 0) -> None:
        self._table = Table(table, {"region_name": region or None, "endpoint_url": endpoint or None}, part)
        self._known = 0

    async def open(self) -> None:
        """Make the table, if it is missing; raise LogUnwritable where that can't be done."""
        try:
            if (keys := await self._table.keys()) is None:
                await self._table.make()
                keys = await self._table.keys()
        except Unsure as error:
            raise LogUnwritable(
                f"The log's DynamoDB can't be used ({error}): check its region and address, and that the user may use "
                "the table, or make it."
            ) from error
        _require([] if keys == KEYS else [_WRONG_KEYS])

    async def faults(self) -> list[str]:
        """Return what is not as it should be; see :class:`bot.eventlog.remote.port.Partition`, as for all methods."""
        if (keys := await self._table.keys()) is None:
            return []
        _require(await self._table.forbidden() if keys == KEYS else [_WRONG_KEYS])
        return [] if await self._table.is_protected() else [_UNPROTECTED]

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Keep a record."""
        # Items do not go by themselves, so one look is enough.
        if seq - 1 > self._known and not await self._table.item(seq - 1):
            raise Torn
        item = {"facts": {"B": facts}} | ({} if words is None else {"words": {"B": words}})
        is_new = await self._table.put(seq, item, "attribute_not_exists(#seq)")
        if not is_new and _bytes(await self._table.item(seq), "facts") != facts:
            raise Fenced
        self._known = seq
        return ""

    async def read(self, seq: int, digest: bytes, place: str) -> AsyncGenerator[Entry, None]:
        """Yield all records after a mark."""
        more: Mapping[str, Any] | None = {}
        begun = not seq
        while more is not None:
            items, more = await self._table.items(max(seq, 1), more)
            if not begun and not (items and digest_of(_bytes(items[0], "facts") or b"") == digest):
                raise Torn
            for item in items if begun else items[1:]:
                yield Entry(int(item["seq"]["N"]), place, _bytes(item, "facts") or b"", _bytes(item, "words"))
            begun = True

    async def words(self, seq: int, place: str) -> bytes | None:  # noqa: ARG002 - words stand beside their facts here
        """Return the words of a record."""
        return _bytes(await self._table.item(seq), "words")

    async def rewrite(self, seq: int, place: str, before: bytes, after: bytes | None) -> bool:  # noqa: ARG002 - as above
        """Put other words in the place of ``before``."""
        values = {":before": {"B": before}} | ({} if after is None else {":after": {"B": after}})
        change = "REMOVE #words" if after is None else "SET #words = :after"
        return await self._table.update(seq, change, "#words = :before", values)

    async def beat(self, beat: bytes) -> None:
        """Keep the owner's sign of life."""
        await self._table.put(0, {"beat": {"B": beat}})

    async def beats(self) -> bytes:
        """Return the newest sign of life."""
        return _bytes(await self._table.item(0), "beat") or b""

    async def close(self) -> None:
        """Disconnect."""
        await self._table.close()


def _require(wrong: list[str]) -> None:
    if wrong:
        raise LogUnwritable(f"The log can't be kept in DynamoDB as it is: {'; '.join(wrong)}.")


def _bytes(item: Item, name: str) -> bytes | None:
    return bytes(item[name]["B"]) if name in item else None
