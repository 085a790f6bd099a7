# How a printer makes itself known: SSDP announcements and answers to the detect probe
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Announcements go where the test wants them; nothing is sent to a network."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import Any, Optional

CODES = {
    "A1 mini": "N1",
    "A1": "N2S",
    "A2L": "N9",
    "P1P": "C11",
    "P1S": "C12",
    "P2S": "N7",
    "X1": "BL-P002",
    "X1-Carbon": "BL-P001",
    "X1E": "C13",
    "X2D": "N6",
    "H2C": "O1C",
    "H2D": "O1D",
    "H2D Pro": "O1E",
    "H2S": "O1S",
}


def announcement(serial: str, model: str, name: str, firmware: str, location: str) -> bytes:
    lines = [
        "NOTIFY * HTTP/1.1",
        "HOST: 239.255.255.250:1900",
        "Server: UPnP/1.0",
        f"Location: {location}",
        "NT: urn:bambulab-com:device:3dprinter:1",
        f"USN: {serial}",
        "Cache-Control: max-age=1800",
        f"DevModel.bambu.com: {CODES.get(model, model)}",
        f"DevName.bambu.com: {name}",
        "DevSignal.bambu.com: -45",
        "DevConnect.bambu.com: lan",
        "DevBind.bambu.com: free",
        f"DevVersion.bambu.com: {firmware}",
        "DevCap.bambu.com: 1",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def announce(datagram: bytes, port: int, host: str = "127.0.0.1") -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(datagram, (host, port))


class ProbeServer:
    """Answers the detect probe, plain or over TLS."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.port = 0
        self._server: Optional[asyncio.AbstractServer] = None

    async def start(self, host: str = "127.0.0.1", ssl: Any = None) -> None:
        self._server = await asyncio.start_server(self._serve, host, 0, ssl=ssl)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            head = await reader.readexactly(4)
            rest = await reader.readexactly(int.from_bytes(head[2:], "little") - 4)
            if head[:2] == b"\xa5\xa5" and json.loads(rest[:-2])["login"]["command"] == "detect":
                body = json.dumps({"login": {"command": "detect", **self.answer}}).encode()
                frame = b"\xa5\xa5" + (len(body) + 6).to_bytes(2, "little") + body + b"\xa7\xa7"
                writer.write(frame)
                await writer.drain()
        writer.close()
