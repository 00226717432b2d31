"""What a contender stores that keeps JSON: made before any timing begins."""

from __future__ import annotations

import json

from bot.core import events as e


def payload(draft: e.Draft) -> str:
    """Return an event and its words as one JSON object."""
    words = draft.body.model_dump() if draft.body else {}
    return json.dumps(draft.event.model_dump(mode="json") | words)
