"""Style, scripts and icon: files of the package. Browsers keep them, because an address names what it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import NamedTuple

_TYPES = {"js": "text/javascript", "svg": "image/svg+xml", "css": "text/css"}


class StaticFile(NamedTuple):
    """A file with its media type; ``digest`` changes with what it holds."""

    content: bytes
    media_type: str
    digest: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Return the files by name."""
    folder = resources.files("bot.page").joinpath("static")
    types = {each: _TYPES.get(each.name.rpartition(".")[2]) for each in folder.iterdir()}
    # In a checkout there may be what an editor has left.
    contents = [(each.name, each.read_bytes(), media_type) for each, media_type in types.items() if media_type]
    return {
        name: StaticFile(content, media_type, sha256(content).hexdigest()[:16])
        for name, content, media_type in contents
    }


def static_address(name: str) -> str:
    """Return where a file stands below the page's prefix."""
    return f"/static/{name}?is={static_files()[name].digest}"
