# Address -> a TLS socket with its handshake done, without blocking the loop
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""DNS, TCP and TLS are awaited.

paho-mqtt needs a real socket, which asyncio's streams do not hand out, so the handshake of a
non-blocking ``SSLSocket`` is driven here.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..base import Link
from .failures import LinkFailure
from .trust import handshake_failure

CONNECT_TIMEOUT = 10.0
HANDSHAKE_TIMEOUT = 15.0


@functools.lru_cache(maxsize=1)
def _resolvers() -> ThreadPoolExecutor:
    # The loop's default pool belongs to the host program, and a dead DNS server fills it.
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="moonfleet-dns")


async def resolve(host: str, port: int) -> list[tuple[int, Any]]:
    """(family, address) pairs to try, in order."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        return [(family, (host, port) if address.version == 4 else (host, port, 0, 0))]
    loop = asyncio.get_running_loop()
    lookup = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.wait_for(loop.run_in_executor(_resolvers(), lookup), CONNECT_TIMEOUT)
    except (OSError, UnicodeError, asyncio.TimeoutError):
        raise LinkFailure(
            Link.UNREACHABLE, "the host name cannot be resolved: check the option host"
        ) from None
    return [(family, address) for family, _, _, _, address in found]


async def connect_tcp(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket."""
    failure = LinkFailure(Link.UNREACHABLE, "the host name has no address: check the option host")
    for family, address in await resolve(host, port):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await asyncio.wait_for(loop.sock_connect(sock, address), CONNECT_TIMEOUT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except ConnectionRefusedError:
            sock.close()
            failure = LinkFailure(
                Link.REFUSED,
                f"port {port} is closed: the printer is off, or LAN mode is switched off",
            )
        except (OSError, asyncio.TimeoutError):
            sock.close()
            failure = LinkFailure(
                Link.UNREACHABLE, "no answer: is the printer on, and the option host right?"
            )
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


async def connect_tls(host: str, port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connected TLS socket, non-blocking; the caller judges the certificate and closes it."""
    plain = await connect_tcp(host, port)
    try:
        secure = context.wrap_socket(plain, do_handshake_on_connect=False)
    except (OSError, ValueError) as error:
        plain.close()
        raise handshake_failure(error) from None
    try:
        await asyncio.wait_for(_handshake(secure), HANDSHAKE_TIMEOUT)
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        secure.close()
        raise handshake_failure(error) from None
    except BaseException:
        secure.close()
        raise
    return secure


async def _handshake(sock: ssl.SSLSocket) -> None:
    while True:
        try:
            sock.do_handshake()
            return
        except ssl.SSLWantReadError:
            await _ready(sock, for_write=False)
        except ssl.SSLWantWriteError:
            await _ready(sock, for_write=True)


async def _ready(sock: ssl.SSLSocket, for_write: bool) -> None:
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    number = sock.fileno()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    (loop.add_writer if for_write else loop.add_reader)(number, wake)
    try:
        await waiter
    finally:
        (loop.remove_writer if for_write else loop.remove_reader)(number)
