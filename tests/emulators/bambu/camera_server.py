# The camera of A1, P1 and A2L: JPEG pictures over TLS
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One picture a second to every viewer that shows the access code."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import struct
from typing import Optional

# The smallest JPEG that decoders take: one grey pixel.
PICTURE = (
    base64.b64decode(
        "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////"
        "////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
    )
    + b"\xff\xd9"
)


class CameraServer:
    def __init__(self, access_code: str) -> None:
        self.access_code = access_code
        self.port = 0
        self.viewers = 0
        self.connections = 0
        self.interval = 0.1
        self.junk = False  # frames that are no pictures
        self.huge = False  # a frame header of 4 GiB
        self._server: Optional[asyncio.AbstractServer] = None

    async def start(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._server = await asyncio.start_server(self._serve, host, port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            asked = await reader.readexactly(80)
            size, kind, _, _ = struct.unpack("<IIII", asked[:16])
            user = asked[16:48].rstrip(b"\0")
            code = asked[48:80].rstrip(b"\0")
            if (size, kind, user) != (0x40, 0x3000, b"bblp") or code != self.access_code.encode():
                return  # a real one just closes
            self.viewers += 1
            try:
                await self._show(writer)
            finally:
                self.viewers -= 1
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the viewer is gone, or the test is over
        finally:
            with contextlib.suppress(OSError):
                writer.close()

    async def _show(self, writer: asyncio.StreamWriter) -> None:
        while self._server is not None:
            picture = b"no picture" if self.junk else PICTURE
            length = 0xFFFFFFFF if self.huge else len(picture)
            # header and picture are TLS records of their own, which some clients rely on
            writer.write(struct.pack("<IIII", length, 0, 1, 0))
            await writer.drain()
            writer.write(picture)
            await writer.drain()
            await asyncio.sleep(self.interval)
