# Connections, slots, faults: the emulated printer as a whole
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""See the package for how to use it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Optional

from .auth import BuddyAuth, PythonAuth
from .autopilot import Autopilot
from .buddy import Buddy
from .faults import Faults
from .files import Storage, StoredFile, sample_gcode
from .flavour import Flavour
from .http import BadRequest, Request, Response, encode, read_request
from .limits import Limits, Link
from .machine import Machine
from .python_server import PythonServer

SLOTS = 3  # requests Buddy serves at a time
FINISH_WINDOW = 11.0  # s the Python server shows an end
SAMPLES = (("Benchy_0.2mm_PLA.gcode", 1.0), ("cube.gcode", 0.4), ("parts/gear box.gcode", 0.7))


@dataclass
class Stats:
    connections: int = 0
    peak_connections: int = 0
    opened: int = 0
    active: int = 0  # requests being served, uploads not counted
    peak_active: int = 0
    refused: list[float] = field(default_factory=list)  # when credentials were wrong
    requests: deque[tuple[float, str, str, int]] = field(
        default_factory=lambda: deque(maxlen=5000)
    )  # (when, method, target, status)


class EmulatedPrusaLink:
    def __init__(
        self,
        flavour: str = "buddy",
        model: str = "",
        user: str = "maker",
        password: str = "emulated-password",
        api_key: str = "",
        port: int = 0,
        speed: float = 1.0,
        print_seconds: float = 1800.0,
        autopilot: bool = True,
        serial: str = "",
        faults: Optional[Faults] = None,
        host: str = "127.0.0.1",
        clients: Optional[int] = 1,
    ) -> None:
        if flavour not in ("buddy", "python"):
            raise ValueError(f"no flavour {flavour!r}: buddy or python")
        self.python = flavour == "python"
        self.host, self.port = host, port
        self.faults = faults or Faults()
        self.stats = Stats()
        self.limits = Limits(clients)
        self.storage = Storage()
        self.machine = Machine(speed, print_seconds, self._window)
        model = model or ("MK3S" if self.python else "MK4S")
        serial = serial or ("CZPX4521X004XC34321" if self.python else "10589-3742441631021500")
        self.auth: BuddyAuth | PythonAuth
        self.flavour: Flavour
        if self.python:
            self.auth = PythonAuth(user, password, api_key or password, self.faults)
            self.flavour = PythonServer(self.machine, self.storage, self.faults, model, serial)
        else:
            self.auth = BuddyAuth(password, self.faults)
            self.flavour = Buddy(self.machine, self.storage, self.faults, model, serial)
        for name, share in SAMPLES:
            content = sample_gcode(name)
            stamp = int(time.time()) - 86400
            plain = name == "cube.gcode"  # sliced without thumbnails, as the recorded one
            file = StoredFile(name, len(content), stamp, content, share=share, thumbnail=not plain)
            self.storage.add(file)
        if autopilot:
            self.machine.autopilot = Autopilot(self.storage)
        self._server: Optional[asyncio.AbstractServer] = None
        self._slots = asyncio.Semaphore(SLOTS)
        self._writers: set[asyncio.StreamWriter] = set()

    def _window(self) -> Optional[float]:
        if not self.python:
            return None  # Buddy shows the end until somebody dismisses it
        window = self.faults.finish_window
        return FINISH_WINDOW if window is None else window

    def file(self, name: str = "cube.gcode") -> StoredFile:
        found = self.storage.find(name)
        assert found is not None, name
        return found

    # -- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=1 << 16)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        if server is not None:
            await server.wait_closed()

    async def unplug(self) -> None:
        """Connections are cut and refused until ``plug``."""
        await self.stop()

    async def plug(self) -> None:
        """Back on the same port; nonces of before are worth nothing."""
        self.auth.reboot()
        await self.start()

    async def __aenter__(self) -> EmulatedPrusaLink:
        await self.start()
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        await self.stop()
        if kind is None:  # else the test has failed already, and for a better reason
            self.limits.check()

    # -- one connection ---------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stats, link = self.stats, self.limits.enter(reader, writer)
        self._writers.add(writer)
        stats.opened += 1
        stats.connections += 1
        stats.peak_connections = max(stats.peak_connections, stats.connections)
        try:
            while await self._one(link, reader, writer):
                pass
        except (ConnectionError, BadRequest, asyncio.IncompleteReadError):
            pass  # the client went away or speaks no HTTP
        finally:
            stats.connections -= 1
            self.limits.leave(link)
            self._writers.discard(writer)
            writer.close()

    async def _one(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        request = await read_request(reader)
        if request is None:
            return False
        self.limits.begin(link, request)
        if self.faults.drop:
            return False
        if self.faults.hang or self.auth.hangs(request):
            await reader.read()  # until the client gives up
            return False
        upload = request.method == "PUT" and request.left > 0
        async with self._slots:
            self.stats.active += not upload
            self.stats.peak_active = max(self.stats.peak_active, self.stats.active)
            try:
                response = await self._respond(request)
            finally:
                self.stats.active -= not upload
        note = (time.monotonic(), request.method, request.target, response.status)
        self.stats.requests.append(note)
        if self.faults.garbage:
            writer.write(b"\x00\xff SSH-2.0-nonsense\r\n\r\n")
            await writer.drain()
            return False
        if self.faults.endless:
            await self._flood(writer)
            return False
        if request.left > 0:
            response.close = True  # an unread body: the real ones close too
        version = self.flavour.version
        if request.headers.get("connection", "").lower() == "close" or version == "HTTP/1.0":
            response.close = True
        writer.write(encode(response, version=version, chunked=self.flavour.chunked))
        await writer.drain()
        link.request, link.leaving = "", response.close
        if response.close and request.left > 0:
            await self._swallow(request)
        return not (response.close or self.faults.drop_idle)

    async def _respond(self, request: Request) -> Response:
        faults = self.faults
        if faults.slow:
            await asyncio.sleep(faults.slow)
        if faults.redirect is not None:
            return Response(302, b"", "text/html", {"Location": faults.redirect})
        if faults.html or faults.html_500:
            text = b"<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"
            return Response(500 if faults.html_500 else 200, text, "text/html")
        refusal = self.auth.check(request)
        if refusal is not None:
            tried = "authorization" in request.headers or "x-api-key" in request.headers
            if tried and "stale=true" not in refusal.headers.get("WWW-Authenticate", ""):
                self.stats.refused.append(time.monotonic())
            return refusal
        if faults.starting:
            text = "PrusaLink not finished initializing or Printer not connected."
            return self.flavour.error(request, 503, "Printer Unavailable.", text)
        response = await self.flavour.answer(request)
        if faults.truncated and response.body:
            response.body = response.body[: len(response.body) // 2]
        if faults.wrong_types and response.body:
            response.body = json.dumps(_wrong(json.loads(response.body))).encode()
        return response

    async def _flood(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            writer.write(b'{"printer": "' + b"x" * 65536)
            await writer.drain()

    async def _swallow(self, request: Request) -> None:
        """Read on a little, so that the client gets the reply and not a reset."""
        try:
            await asyncio.wait_for(self._discard(request), 1.0)
        except asyncio.TimeoutError:
            pass  # it sends for ever; cut it off

    @staticmethod
    async def _discard(request: Request) -> None:
        async for _ in request.body():
            pass


def _wrong(value: Any) -> Any:
    """The same document with everything of another type, the outermost object kept."""
    if not isinstance(value, dict):
        return {"unexpected": True}
    return {
        name: [member] if isinstance(member, (dict, bool)) else {"is": str(member)}
        for name, member in value.items()
    }
