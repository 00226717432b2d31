"""Who may use the control API: programs of this machine, and no web page of another.

A page in a browser can send requests to any address, also under a name of its own that leads here (DNS rebinding).
The browser names the host that the page asked for (``Host``) and the page's own (``Origin``).
"""

from __future__ import annotations

import yarl
from aiohttp import web

from bot.sandbox.errors import ControlError
from bot.sandbox.options import is_loopback


def require_local(request: web.Request) -> None:
    """Raise ControlError for a request that names another host than this machine, or comes from a page of one."""
    hosts = [f"http://{host}" for host in request.headers.getall("Host", [])]
    if len(hosts) != 1 or not all(map(_is_local, [*hosts, *request.headers.getall("Origin", [])])):
        message = "Only this machine may use the control API: ask it as 127.0.0.1 or localhost, and from no web page."
        raise ControlError(message, status=403)


def _is_local(address: str) -> bool:
    try:
        return is_loopback(yarl.URL(address).host or "")
    except ValueError:
        return False
