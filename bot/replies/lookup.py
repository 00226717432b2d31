"""Matching what a look into the history found with the parts of replies whose fate is unknown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.conversation import Pending
from bot.replies.sender import Sighting


def found_parts(entry: Pending, texts: Sequence[str], sightings: Sequence[Sighting]) -> Mapping[int, int]:
    """Return for each part of ``entry`` found in Discord, and not known to be sent, its message id.

    Parts are sent in order, each references the trigger, so the n-th unknown message that references it is the n-th
    unsent part. A message that lost its reference (the trigger was deleted first) is known by its text.
    """
    known = set(entry.sent_ids)
    unsent = [part for part, sent in enumerate(entry.sent_ids) if not sent]
    referencing = [seen for seen in sightings if seen.reply_to == entry.message_id and seen.message_id not in known]
    found = {part: seen.message_id for part, seen in zip(unsent, referencing, strict=False)}
    for seen in sightings:
        if seen.reply_to is None and seen.message_id > entry.message_id and seen.message_id not in known:
            part = next((part for part in unsent if part not in found and _same(texts[part], seen.text)), None)
            if part is not None:
                found[part] = seen.message_id
    return found


def _same(sent: str, seen: str) -> bool:
    # Discord strips white space around a message.
    return sent.strip() == seen.strip()
