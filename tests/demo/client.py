# A small JSON-RPC client for Moonraker's websocket
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Calls and notifications, as any interface would use them."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any, Callable, Optional

import aiohttp


class CallError(Exception):
    """Moonraker's own error text."""


class Client:
    """``async with Client(port) as client``: identified and listening."""

    def __init__(self, port: int):
        self.port = port
        self.on_notify: Callable[[str, list], None] = lambda method, params: None
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future] = {}
        self._session: Optional[aiohttp.ClientSession] = None
        self._socket: Any = None
        self._reader: Optional[asyncio.Task[None]] = None

    async def __aenter__(self) -> Client:
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(
            f"http://127.0.0.1:{self.port}/websocket", max_msg_size=0
        )
        self._reader = asyncio.create_task(self._read())
        await self.call(
            "server.connection.identify",
            client_name="moonfleet-demo",
            version="1",
            type="other",
            url="http://127.0.0.1",
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._reader is not None:
            self._reader.cancel()
        if self._session is not None:
            await self._session.close()

    async def _read(self) -> None:
        assert self._socket is not None
        async for message in self._socket:
            data = json.loads(message.data)
            waiter = self._waiting.pop(data.get("id", 0), None)
            if waiter is not None and not waiter.done():
                waiter.set_result(data)
            elif "method" in data:
                self.on_notify(data["method"], data.get("params", []))
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(CallError("Moonraker closed the connection"))

    async def call(self, method: str, **params: Any) -> Any:
        assert self._socket is not None
        number = next(self._ids)
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiter
        message = {"jsonrpc": "2.0", "method": method, "params": params, "id": number}
        try:
            await self._socket.send_str(json.dumps(message))
        except (ConnectionError, RuntimeError) as error:
            raise CallError(f"Moonraker closed the connection: {error}") from error
        data = await asyncio.wait_for(waiter, 60)
        if "error" in data:
            raise CallError(f"{method}: {data['error'].get('message')}")
        return data["result"]
