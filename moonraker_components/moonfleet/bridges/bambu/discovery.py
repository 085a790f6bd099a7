# Finds printers: a question to one address, or ears open for a while
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""No credentials are needed and none are sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any, Callable, Optional

from .dial import connect_tcp
from .failures import LinkFailure
from .protocol.discovery import Found, detect_request, frame_length, parse_detect, parse_ssdp
from .trust import context_for

SSDP_PORTS = (2021, 1990)
PROBE_PORT, PROBE_TLS_PORT = 3000, 3002
PROBE_TIMEOUT = 5.0
MAX_FOUND = 200


async def probe(
    host: str, port: int = PROBE_PORT, tls_port: Optional[int] = PROBE_TLS_PORT
) -> Optional[Found]:
    """Ask one address which printer it is."""
    for number, secure in ((port, False), (tls_port, True)):
        if number is None:
            continue
        try:
            return await asyncio.wait_for(_ask(host, number, secure), PROBE_TIMEOUT)
        except (OSError, LinkFailure, asyncio.TimeoutError, asyncio.IncompleteReadError):
            continue  # the other port may answer
    return None


async def _ask(host: str, port: int, secure: bool) -> Optional[Found]:
    sock = await connect_tcp(host, port)
    options: dict[str, Any] = {"ssl": context_for(None), "server_hostname": ""} if secure else {}
    reader, writer = await asyncio.open_connection(sock=sock, **options)
    try:
        writer.write(detect_request())
        await writer.drain()
        head = await reader.readexactly(4)
        length = frame_length(head)
        if length is None:
            return None
        return parse_detect(head + await reader.readexactly(length - 4), host)
    finally:
        writer.close()


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[Found], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Any) -> None:
        found = parse_ssdp(data, str(addr[0]))
        if found is not None:
            self._heard(found)


def _ear_socket(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(AttributeError, OSError):  # not everywhere
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setblocking(False)
        sock.bind(("", port))
        with contextlib.suppress(OSError):  # no multicast here: broadcasts still arrive
            group = socket.inet_aton("239.255.255.250") + socket.inet_aton("0.0.0.0")
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    except BaseException:
        sock.close()
        raise
    return sock


async def _listen(seconds: float, heard: Callable[[Found], bool], ports: tuple[int, ...]) -> None:
    """Until ``heard`` returns True or the time is over."""
    loop = asyncio.get_running_loop()
    enough: asyncio.Future[None] = loop.create_future()

    def take(found: Found) -> None:
        if heard(found) and not enough.done():
            enough.set_result(None)

    transports = []
    try:
        for port in ports:
            try:
                sock = _ear_socket(port)
            except OSError:
                continue  # another program holds the port for itself
            transport, _ = await loop.create_datagram_endpoint(lambda: _Ear(take), sock=sock)
            transports.append(transport)
        if transports:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(enough, seconds)
    finally:
        for transport in transports:
            transport.close()


async def discover(seconds: float = 12.0, ports: tuple[int, ...] = SSDP_PORTS) -> list[Found]:
    """All printers that announce themselves within ``seconds``."""
    found: dict[str, Found] = {}

    def heard(printer: Found) -> bool:
        if len(found) < MAX_FOUND:
            found[printer.serial] = printer
        return False

    await _listen(seconds, heard, ports)
    return [found[serial] for serial in sorted(found)]


async def find(serial: str, seconds: float, ports: tuple[int, ...] = SSDP_PORTS) -> Optional[str]:
    """The address from which a printer of this serial announces itself."""
    address: Optional[str] = None

    def heard(printer: Found) -> bool:
        nonlocal address
        if printer.serial == serial:
            address = printer.host
        return address is not None

    await _listen(seconds, heard, ports)
    return address
