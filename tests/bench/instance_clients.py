# Websocket clients of the bench: those that watch, those that stop reading, those half there
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Hand-made, so that hundreds of them cost the bench little and can misbehave at will."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
import time
from typing import Any

PATH = "/websocket/moonfleet/{}/websocket"
QUESTIONS = 400  # of a client that asks and never reads; each answer has some kilobytes


def handshake(path: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def call(method: str, params: Any) -> bytes:
    """One request as a frame; a mask of zeros masks nothing."""
    body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).encode()
    size = len(body)
    head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else b""
    head = head or struct.pack("!BBH", 0x81, 0x80 | 126, size)
    return head + b"\0\0\0\0" + body


class Watcher(asyncio.Protocol):
    """A websocket client that subscribes to everything and counts what it is told."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.updates = 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.arrived: dict[int, float] = {}  # mark -> when its update came
        self.transport: Any = None
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(handshake(self.path) + call("printer.objects.list", {}))
        self.stay()

    def stay(self) -> None:
        """A pong nobody asked for, so that Moonraker does not take us for dead."""
        if not self.transport.is_closing():
            self.transport.write(b"\x8a\x80\0\0\0\0")
            asyncio.get_running_loop().call_later(5.0, self.stay)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        count = data.count(b"notify_status_update")
        self.updates += count
        if count:
            for part in data.split(b'"message":"mark ')[1:]:
                mark, closed, _ = part.partition(b'"')
                if closed:
                    self.arrived.setdefault(int(mark), now)
        elif not self.ready.done():
            self._rest += data
            if b'"status":' in self._rest:
                self.ready.set_result(None)
                self._rest = b""
            elif b'"result":{"objects":[' in self._rest and b"]}" in self._rest:
                listed = self._rest.split(b'"objects":[')[1].split(b"]")[0]
                names = json.loads(b"[" + listed + b"]")
                self._rest = b""
                objects = {"objects": dict.fromkeys(names)}
                self.transport.write(call("printer.objects.subscribe", objects))


async def watch(port: int, name: str) -> Watcher:
    loop = asyncio.get_running_loop()
    _, watcher = await loop.create_connection(lambda: Watcher(PATH.format(name)), "127.0.0.1", port)
    await asyncio.wait_for(watcher.ready, 60)
    return watcher


def stalled(port: int, name: str) -> socket.socket:
    """Subscribes, asks a lot, and never reads a byte; nor does its kernel hold much for it."""
    line = _line(port)
    line.sendall(handshake(PATH.format(name)))
    names = ("webhooks", "print_stats", "extruder", "heater_bed", "toolhead", "configfile")
    line.sendall(call("printer.objects.subscribe", {"objects": dict.fromkeys(names)}))
    line.setblocking(False)
    try:
        for _ in range(QUESTIONS):
            line.send(call("printer.objects.query", {"objects": {"configfile": None}}))
    except BlockingIOError:
        pass  # it is not read any more either
    return line


def half_open(port: int, name: str, upgraded: bool) -> socket.socket:
    """Went away without a word: in the middle of its handshake, or after it."""
    line = _line(port)
    hello = handshake(PATH.format(name))
    line.sendall(hello if upgraded else hello[: len(hello) // 2])
    return line


def _line(port: int) -> socket.socket:
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(30)
    line.connect(("127.0.0.1", port))
    return line
