# Finds PrusaLink printers by mDNS, on request
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A suggestion only: what is found still needs credentials, and its own word on what it is. The
port is found without asking anybody to type it.

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
from .digest import parse_challenge
from .protocol.values import text
from .settings import DEFAULT_PORT

SERVICE = "_prusalink._tcp.local."
MOST_FOUND = 200
PORTS = (80, 8080)  # the printer's own, and the server's on a Raspberry Pi without the image
REALMS = ("Printer API", "Administrator")  # what a Buddy and the Python server challenge with
PROBE = 4.0  # s per port
MAX_HEAD = 16384
_NO_HTTP = (asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
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

    options: dict[str, Any] = {} if interfaces is None else {"interfaces": list(interfaces)}
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


async def probe(host: str, ports: Sequence[int] = PORTS) -> Optional[Discovered]:
    """Whether a PrusaLink asks for credentials there, and on which port; none are sent."""
    for port in ports:
        try:
            challenges = await asyncio.wait_for(_challenges(host, port), PROBE)
        except (OSError, ValueError, *_NO_HTTP):
            continue  # the other port may answer
        challenge = parse_challenge(challenges)
        if challenge is not None and challenge.realm in REALMS:
            return Discovered(host, options={} if port == DEFAULT_PORT else {"port": port})
    return None


async def _challenges(host: str, port: int) -> list[str]:
    reader, writer = await asyncio.open_connection(host, port, limit=MAX_HEAD)
    try:
        name = f"[{host}]" if ":" in host else host
        head_lines = ("GET /api/version HTTP/1.1", f"Host: {name}:{port}", "Connection: close")
        writer.write(("\r\n".join(head_lines) + "\r\n\r\n").encode())
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    finally:
        writer.close()
    lines = [line.partition(":") for line in head.split("\r\n")[1:]]
    return [value for field, _, value in lines if field.strip().lower() == "www-authenticate"]


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
