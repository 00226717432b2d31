"""Connections over which nothing arrives late.

A system goes on sending what a process has given to a socket, for minutes, even when the process has closed the socket
or was killed. If a link is cut just then and mended later, Discord takes a message that the bot has looked for, has not
found, and has sent again. Linux can be told when to give up (tcp(7), TCP_USER_TIMEOUT). What it has sent may be held a
little longer, by itself while it asks who has the next address (arp(7), three seconds), or by others on the way.
"""

from __future__ import annotations

import socket
from datetime import timedelta

import aiohttp

LONGEST = 2**31 - 1
"""The most milliseconds that the option takes."""


def connector(limit: timedelta) -> aiohttp.TCPConnector:
    """Return what makes connections for requests that take at most ``limit``.

    What nobody has received within half of that is not sent again. The other half is for what is held on the way, so
    that nothing arrives once its request has timed out.
    """
    milliseconds = min(limit // timedelta(milliseconds=2), LONGEST)

    def make(address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        return made

    return aiohttp.TCPConnector(limit=0, socket_factory=make)
