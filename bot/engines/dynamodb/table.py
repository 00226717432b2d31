"""A table of DynamoDB: requests to it, and how it has to be.

The only module that speaks to the driver, aiobotocore, whose errors do not leave it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import ClientError as AiohttpError
from botocore.exceptions import BotoCoreError, ClientError

from bot.eventlog.remote.port import Unsure

TIMEOUT = 5.0
"""Seconds for one request."""
MAKING = 60
"""Seconds until a table is there that is made."""
KEYS = [
    {"AttributeName": "part", "KeyType": "HASH", "AttributeType": "N"},
    {"AttributeName": "seq", "KeyType": "RANGE", "AttributeType": "N"},
]
"""By what a record is found."""
_REFUSED, _MISSING = "ConditionalCheckFailedException", "ResourceNotFoundException"
_FROM = "#part = :part AND #seq >= :seq"
_NEVER = "attribute_exists(#seq) AND attribute_not_exists(#seq)"
_NAMES = ("part", "seq", "words")
"""Those in expressions, written with a "#" there: DynamoDB reserves hundreds of words."""

Item = Mapping[str, Mapping[str, Any]]


class Table:
    """The items of a partition, by their numbers. Every method raises Unsure, with the code of what went wrong."""

    def __init__(self, name: str, options: Mapping[str, Any], part: int) -> None:
        self._name = name
        self._options = options
        self._part = {"N": str(part)}
        self._link: Any = None
        self._undo = AsyncExitStack()
        self._turn = asyncio.Lock()

    async def put(self, seq: int, item: Item, condition: str | None = None) -> bool:
        """Put an item; tell whether ``condition`` was met."""
        return await self._met("put_item", condition, Item={**self._key(seq), **item})

    async def update(self, seq: int, change: str, condition: str, values: Item) -> bool:
        """Change an item; tell whether ``condition`` was met."""
        given = {"ExpressionAttributeValues": values} if values else {}
        return await self._met("update_item", condition, Key=self._key(seq), UpdateExpression=change, **given)

    async def item(self, seq: int) -> Item:
        """Return an item; empty if there is none."""
        found: Item = (await self._ask("get_item", Key=self._key(seq), ConsistentRead=True)).get("Item", {})
        return found

    async def items(self, seq: int, more: Mapping[str, Any]) -> tuple[list[Item], Mapping[str, Any] | None]:
        """Return some items from a number on, and what to ask with for those after them, None behind the last."""
        values = {":part": self._part, ":seq": {"N": str(seq)}}
        condition = {"KeyConditionExpression": _FROM, "ExpressionAttributeValues": values}
        page = await self._ask("query", **condition, ConsistentRead=True, **more)
        last = page.get("LastEvaluatedKey")
        return page["Items"], {"ExclusiveStartKey": last} if last else None

    async def keys(self) -> list[Mapping[str, str]] | None:
        """Return by what the table's items are found, as KEYS has it; None if there is no table."""
        try:
            table = (await self._ask("describe_table"))["Table"]
        except Unsure as error:
            if str(error) == _MISSING:
                return None
            raise
        types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
        return [{**each, "AttributeType": types[each["AttributeName"]]} for each in table["KeySchema"]]

    async def is_protected(self) -> bool:
        """Tell whether the table can't be deleted by one call."""
        return bool((await self._ask("describe_table"))["Table"].get("DeletionProtectionEnabled"))

    async def make(self) -> None:
        """Make the table, or wait until another process has made it."""
        keys = [{name: each[name] for name in ("AttributeName", "KeyType")} for each in KEYS]
        types = [{name: each[name] for name in ("AttributeName", "AttributeType")} for each in KEYS]
        try:
            await self._ask("create_table", KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")
        except Unsure as error:
            if str(error) != "ResourceInUseException":
                raise
        for _ in range(MAKING):
            if (await self._ask("describe_table"))["Table"]["TableStatus"] == "ACTIVE":
                return
            await asyncio.sleep(1)

    async def forbidden(self) -> list[str]:
        """Return what the user may not do, one sentence each. Nothing is changed: no condition here is ever met."""
        tried: dict[str, Awaitable[object]] = {
            "PutItem": self.put(0, {}, _NEVER),
            "UpdateItem": self.update(0, "REMOVE #words", _NEVER, {}),
            "GetItem": self.item(0),
            "Query": self.items(0, {}),
        }
        outcomes = await asyncio.gather(*tried.values(), return_exceptions=True)
        return [
            f"the user may not use the table ({outcome}): allow dynamodb:{name}"
            for name, outcome in zip(tried, outcomes, strict=True)
            if isinstance(outcome, Unsure)
        ]

    async def close(self) -> None:
        """Disconnect."""
        async with self._turn:
            self._link = None
            await self._undo.aclose()

    async def _met(self, method: str, condition: str | None, **given: Any) -> bool:  # noqa: ANN401 - as below
        try:
            await self._ask(method, **given, **({} if condition is None else {"ConditionExpression": condition}))
        except Unsure as error:
            if str(error) == _REFUSED:
                return False
            raise
        return True

    async def _ask(self, method: str, **given: Any) -> Any:  # noqa: ANN401 - the driver has no types
        """Return an answer; raise Unsure with the code of what went wrong, whatever that is."""
        try:
            async with self._turn:
                if self._link is None:
                    config = AioConfig(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"total_max_attempts": 1})
                    made = get_session().create_client("dynamodb", config=config, **self._options)
                    self._link = await self._undo.enter_async_context(made)
            said = " ".join(value for name, value in given.items() if name.endswith("Expression"))
            if names := {f"#{name}": name for name in _NAMES if f"#{name}" in said}:
                given["ExpressionAttributeNames"] = names
            return await getattr(self._link, method)(TableName=self._name, **given)
        except ClientError as error:
            raise Unsure(str(error.response.get("Error", {}).get("Code", ""))) from None
        except (BotoCoreError, AiohttpError, OSError, TimeoutError, ValueError) as error:
            raise Unsure(type(error).__name__) from None

    def _key(self, seq: int) -> dict[str, Mapping[str, Any]]:
        return {"part": self._part, "seq": {"N": str(seq)}}
