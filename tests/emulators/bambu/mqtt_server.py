# A small MQTT 3.1.1 server: one topic out, one topic in
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Just as much of a broker as a printer is. Requests are handed to a callback."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable
from typing import Callable, Optional

from .faults import Faults

_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _SUBSCRIBE, _SUBACK = 1, 2, 3, 4, 8, 9
_UNSUBSCRIBE, _UNSUBACK, _PINGREQ, _PINGRESP, _DISCONNECT = 10, 11, 12, 13, 14
_MAX_PACKET = 1 << 20


def encode_length(length: int) -> bytes:
    out = bytearray()
    while True:
        length, digit = divmod(length, 128)
        out.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(out)


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    return bytes([kind << 4 | flags]) + encode_length(len(body)) + body


class Client:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.subscribed = False
        self.clean_end = False

    def send(self, data: bytes) -> None:
        with contextlib.suppress(Exception):  # a client may be gone at any time
            self.writer.write(data)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.writer.transport.abort()


class MqttServer:
    def __init__(
        self,
        serial: str,
        access_code: str,
        faults: Faults,
        on_request: Callable[[bytes], Awaitable[None]],
        max_clients: int = 4,
        strict_topics: bool = True,
    ) -> None:
        self._serial = serial
        self.access_code = access_code
        self._faults = faults
        self._on_request = on_request
        self._max_clients = max_clients
        self._strict_topics = strict_topics
        self._server: Optional[asyncio.AbstractServer] = None
        self.clients: list[Client] = []
        self.port = 0
        self.connects = 0  # CONNECT packets seen
        self.accepted = 0
        self.clean_ends = 0  # connections that ended with DISCONNECT
        self.on_subscribed: Callable[[], None] = lambda: None

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def start(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._server = await asyncio.start_server(
            self._serve, host, port or self.port, ssl=context, limit=_MAX_PACKET
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for client in list(self.clients):
            client.close()
        self.clients.clear()

    def publish(self, payload: bytes) -> None:
        topic = f"device/{self._serial}/report".encode()
        message = packet(_PUBLISH, len(topic).to_bytes(2, "big") + topic + payload)
        for client in self.clients:
            if client.subscribed:
                client.send(message)

    def send_raw(self, data: bytes) -> None:
        for client in self.clients:
            client.send(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(writer)
        try:
            if await self._connect(reader, client):
                self.clients.append(client)
                while await self._packet(reader, client):
                    pass
        except (OSError, asyncio.IncompleteReadError, ValueError, IndexError):
            pass  # clients may break off or send nonsense
        finally:
            if client in self.clients:
                self.clients.remove(client)
            client.close()

    async def _read(self, reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
        first = (await reader.readexactly(1))[0]
        length, shift = 0, 0
        while True:
            digit = (await reader.readexactly(1))[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                break
            if shift > 21:
                raise ValueError("length")
        if length > _MAX_PACKET:
            raise ValueError("too long")
        return first >> 4, first & 0xF, await reader.readexactly(length)

    async def _connect(self, reader: asyncio.StreamReader, client: Client) -> bool:
        kind, _, body = await self._read(reader)
        if kind != _CONNECT:
            return False
        self.connects += 1
        user, password = _credentials(body)
        code = 0
        if user != "bblp" or password != self.access_code or self._faults.reject_all:
            code = 5
        elif self._faults.full or len(self.clients) >= self._max_clients:
            code = 3
        client.send(packet(_CONNACK, bytes([0, code])))
        with contextlib.suppress(OSError):
            await client.writer.drain()
        self.accepted += code == 0
        return code == 0

    async def _packet(self, reader: asyncio.StreamReader, client: Client) -> bool:
        kind, flags, body = await self._read(reader)
        if kind == _PINGREQ:
            client.send(packet(_PINGRESP, b""))
        elif kind == _SUBSCRIBE:
            return self._subscribe(client, body)
        elif kind == _UNSUBSCRIBE:
            client.send(packet(_UNSUBACK, body[:2]))
        elif kind == _PUBLISH:
            await self._published(client, flags, body)
        elif kind == _DISCONNECT:
            self.clean_ends += 1
            return False
        return True

    def _subscribe(self, client: Client, body: bytes) -> bool:
        length = int.from_bytes(body[2:4], "big")
        topic = body[4 : 4 + length].decode("utf-8", "replace")
        if topic.endswith("/request") and self._strict_topics:
            return False  # P1 and A1 drop who listens to requests
        client.send(packet(_SUBACK, body[:2] + b"\0"))
        # Another serial's topic is accepted and stays silent for ever.
        if topic == f"device/{self._serial}/report":
            client.subscribed = True
            self.on_subscribed()
        return True

    async def _published(self, client: Client, flags: int, body: bytes) -> None:
        length = int.from_bytes(body[:2], "big")
        topic = body[2 : 2 + length].decode("utf-8", "replace")
        rest = body[2 + length :]
        if flags & 0x06:
            if not self._faults.no_puback:
                client.send(packet(_PUBACK, rest[:2]))
            rest = rest[2:]
        if topic == f"device/{self._serial}/request":
            await self._on_request(rest)


def _credentials(body: bytes) -> tuple[str, str]:
    """User and password of a CONNECT."""
    position = 2 + int.from_bytes(body[:2], "big") + 1
    flags = body[position]
    position += 3
    fields = []

    def take() -> str:
        nonlocal position
        length = int.from_bytes(body[position : position + 2], "big")
        value = body[position + 2 : position + 2 + length]
        position += 2 + length
        return value.decode("utf-8", "replace")

    take()  # client id
    if flags & 0x04:
        take()
        take()
    for bit in (0x80, 0x40):
        fields.append(take() if flags & bit else "")
    return fields[0], fields[1]
