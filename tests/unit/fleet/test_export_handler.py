# The export as a web server gives it: streamed, and ended with whoever asked for it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Tornado itself, with a history that has no end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from moonfleet.export_handler import PATH, export_handler
from tornado import httpserver, iostream, netutil, web

PIECE = "x" * 65536


class Endless:
    """Pieces for ever; tells how many were asked for and when nobody wants more."""

    def __init__(self) -> None:
        self.made = 0
        self.over = asyncio.Event()

    async def export(self, form: str, **filters: Any) -> AsyncIterator[str]:
        assert (form, filters) == ("jsonl", {"printer": "x1c", "since": 5.0})
        try:
            while True:
                self.made += 1
                yield PIECE
                await asyncio.sleep(0)
        finally:
            self.over.set()


async def test_a_client_that_hangs_up_ends_the_reading(caplog):
    history = Endless()
    handler = export_handler(web.RequestHandler, web.HTTPError, iostream.StreamClosedError, history)
    server = httpserver.HTTPServer(web.Application([(PATH, handler)]))
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        with caplog.at_level(logging.WARNING):
            address = sockets[0].getsockname()[:2]
            reader, writer = await asyncio.open_connection(*address)
            writer.write(f"GET {PATH}?format=jsonl&printer=x1c&since=5 HTTP/1.1\r\n".encode())
            writer.write(b"Host: here\r\n\r\n")
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(200_000)
            # who reads slowly is waited for: it does not pile up in memory
            while True:
                made = history.made
                await asyncio.sleep(0.1)
                if history.made == made:
                    break
            assert not history.over.is_set()
            writer.transport.abort()
            await asyncio.wait_for(history.over.wait(), 30)
            assert history.made <= made + 2
            await asyncio.sleep(0)
        assert [record.getMessage() for record in caplog.records] == []
    finally:
        server.stop()
        await server.close_all_connections()
