# Bytes that no PrusaLink sends
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Each ends in one sentence in the printer's status; nothing is raised, nothing grows."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest
from moonfleet.bridges.base import Link
from moonfleet.bridges.prusalink.bridge import PrusaLinkBridge

from .stage import PASSWORD, QUICK, Host, settings_for, until

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
NO = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
SHORT = replace(QUICK, timeout=0.5)
BYTES = {
    "nothing": b"",
    "half a body": OK + b"Content-Length: 100\r\n\r\n{}",
    "a broken chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "both lengths": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "a negative length": OK + b"Content-Length: -5\r\n\r\n{}",
    "many headers": OK + b"X-A: b\r\n" * 50000 + b"\r\n",
    "a long header": OK + b"X-A: " + b"b" * 500000 + b"\r\n\r\n",
    "a strange status": b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a packed body": OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde",
    "deep JSON": OK + b"Content-Length: 200000\r\n\r\n" + b"[" * 200000,
    "a huge number": OK + b"Content-Length: 9000\r\n\r\n" + b"1" * 9000,
    "no UTF-8": OK + b"Content-Length: 4\r\n\r\n\xff\xfe\xfd\xfc",
    "a redirect": b"HTTP/1.1 301 Gone\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
    "a challenge without nonce": NO + b"WWW-Authenticate: Digest realm=x\r\n\r\n",
    "a challenge of bytes": NO + b'WWW-Authenticate: Digest nonce="\xff\x00"\r\n\r\n',
    "another scheme": NO + b"WWW-Authenticate: Basic realm=x\r\n\r\n",
    "always stale": NO + b'WWW-Authenticate: Digest realm="x", nonce="1", stale=true\r\n\r\n',
    "no challenge": NO + b"\r\n",
    "a switch of protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n",
}
WRONG = (Link.FAULT, Link.UNREACHABLE, Link.AUTH_FAILED)


@pytest.mark.parametrize("name", sorted(BYTES))
async def test_hostile_bytes(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(BYTES[name])
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the bridge has had enough
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    host = Host()
    bridge = PrusaLinkBridge(settings_for(port, password=PASSWORD), host, SHORT)
    await bridge.start()
    try:
        await until(lambda: host.link in WRONG, name)
        seen = connections
        if host.link is not Link.AUTH_FAILED:
            await until(lambda: connections > seen + 1, "it goes on trying")
    finally:
        await bridge.stop()
        server.close()
    assert host.message and host.message.isascii() and "\n" not in host.message
    assert not host.snapshots
    assert not [record for record in caplog.records if record.exc_info], "no traceback in the log"
    assert len(host.connections) <= 3
