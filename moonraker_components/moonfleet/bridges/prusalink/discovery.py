# Finds PrusaLink printers by mDNS, on request
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A suggestion only: what is found still needs credentials, and its own word on what it is.

zeroconf comes with Moonraker; it is imported when somebody asks, so that its absence costs nothing
but the discovery.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Any, Optional

from ...core.errors import NotSupported
from ..base import Discovered
from .protocol.values import text

SERVICE = "_prusalink._tcp.local."
MOST_FOUND = 200
RESOLVE = 2.0  # s for a printer to tell its address once it was heard


async def discover(seconds: float, interfaces: Optional[Sequence[str]] = None) -> list[Discovered]:
    """Everybody who answers within ``seconds``, sorted by address.

    ``interfaces``: addresses of the own interfaces to ask on; all of them by default.
    """
    try:
        from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf
    except ImportError:
        raise NotSupported(
            "discovery needs the Python package zeroconf; add 'zeroconf' to Moonraker's "
            "environment, or set host by hand"
        ) from None
    heard: set[str] = set()

    def on_change(name: str, state_change: Any, **_: Any) -> None:
        if state_change.name == "Added" and len(heard) < MOST_FOUND:
            heard.add(name)

    options = {} if interfaces is None else {"interfaces": list(interfaces)}
    try:
        network = AsyncZeroconf(**options)
    except OSError:
        return []  # no interface that could carry multicast
    try:
        browser = AsyncServiceBrowser(network.zeroconf, [SERVICE], handlers=[on_change])
        await asyncio.sleep(seconds)
        await browser.async_cancel()
        answers = await asyncio.gather(*(_resolve(network, name) for name in heard))
    finally:
        await network.async_close()
    return sorted((found for found in answers if found is not None), key=_order)


async def _resolve(network: Any, name: str) -> Optional[Discovered]:
    info = await network.async_get_service_info(SERVICE, name, timeout=int(RESOLVE * 1000))
    if info is None or not isinstance(info.port, int) or not 0 < info.port < 65536:
        return None
    addresses = [str(address) for address in info.parsed_addresses() if _is_address(address)]
    if not addresses:
        return None
    label = text(name[: -len(SERVICE) - 1]) or "PrusaLink"
    return Discovered(
        host=min(addresses, key=lambda address: ":" in address),
        name=label[:64],
        options={"port": info.port},
    )


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value.split("%")[0])
    except ValueError:
        return False
    return True


def _order(found: Discovered) -> tuple[str, int]:
    return found.host, int(found.options["port"])
