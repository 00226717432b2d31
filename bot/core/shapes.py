"""The shape of a stored state, so that a snapshot of another shape is known as one."""

from __future__ import annotations

import json
from typing import Any


def shape_of(schema: dict[str, Any]) -> str:
    """Return a JSON schema as text without its descriptions: these are docstrings, and nothing stored has them."""
    plain = json.loads(json.dumps(schema), object_hook=_without_prose)
    return json.dumps(plain, sort_keys=True)


def _without_prose(schema: dict[str, Any]) -> dict[str, Any]:
    # A field of that name has a schema there, and stays.
    return {key: value for key, value in schema.items() if key != "description" or not isinstance(value, str)}
