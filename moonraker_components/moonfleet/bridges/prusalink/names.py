# Looks host names up in threads of our own
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""aiohttp asks the loop, and that takes threads from the pool which the host program works with:
a few printers that are switched off, called ``something.local``, would fill it."""

from __future__ import annotations

import asyncio
import functools
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any


@functools.lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="moonfleet-prusa-dns")


def resolver() -> Any:
    """For an aiohttp connector; nothing is open in it."""
    from aiohttp.abc import AbstractResolver

    class Resolver(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
            lookup = functools.partial(
                socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM
            )
            found = await asyncio.get_running_loop().run_in_executor(_threads(), lookup)
            return [
                {
                    "hostname": host,
                    "host": _numeric(address),
                    "port": port,
                    "family": kind,
                    "proto": protocol,
                    "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                }
                for kind, _, protocol, _, address in found
            ]

        async def close(self) -> None:
            """The threads are everybody's."""

    return Resolver()


def _numeric(address: Any) -> str:
    """A link-local IPv6 address needs its interface."""
    host = str(address[0])
    scoped = len(address) == 4 and address[3] and "%" not in host
    return f"{host}%{address[3]}" if scoped else host
