"""Frames of the prompt that a model repeats at the beginning of its answer: lines that say who wrote what follows.

Small models do that, with the brackets, with others, or without any. Frames in our own brackets are taken out wherever
they are (:mod:`bot.responders.llm.clean`).
"""

from __future__ import annotations

import regex

from bot.responders.llm.fence import CLOSE, NAME_LENGTH, OPEN

_LONGEST_REST = 120
_FROM = rf'from "[^"\n]{{1,{NAME_LENGTH}}}"(?:, in answer to [^\]){CLOSE}\n]{{0,{_LONGEST_REST}}})?'
_FRAME = regex.compile(rf"(?:[{OPEN}\[(] ?{_FROM} ?[{CLOSE}\])]|{_FROM}[ ]*(?:\n|\Z)):?\s*")


def frame_at(text: str, *, last: bool) -> tuple[int, bool]:
    """Return where a frame ends that a text begins with (0: none does), and whether more text may make it one.

    ``last``: no more text follows.
    """
    if (whole := _FRAME.fullmatch(text)) and not last:
        return whole.end(), True
    found = _FRAME.match(text, partial=not last)
    if found is None or found.partial:
        return 0, found is not None
    return found.end(), False


def unframed(text: str) -> str:
    """Return a text without the frames that it begins with."""
    while (end := frame_at(text, last=True)[0]) > 0:
        text = text[end:]
    return text
