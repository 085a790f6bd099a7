# The websocket of a virtual printer, made from Moonraker's own
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Authorization, origin checks, pings and connection limits are Moonraker's; what is sent, and to
whom, is the hub's. The base class is handed in by ``moonraker_adapter``.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from .jsonrpc import INVALID_PARAMS, RpcError, encode
from .router import MAX_MESSAGE

if TYPE_CHECKING:
    from .host import HostClasses
    from .hub import Client
    from .printer import VirtualPrinter

MAX_UNSENT = 4 * 1024 * 1024  # bytes that a client may leave unread before it is dropped
MAX_WAITING = 64 * 1024  # unread bytes beyond which no more of its requests are taken
MAX_RUNNING = 32  # requests of one client that are being answered at a time
TRY_AGAIN_LATER = 1013


class _Joint:
    """Stands for Moonraker's websocket manager and JSON-RPC in one socket."""

    def __init__(self, virtual: VirtualPrinter) -> None:
        self.virtual = virtual
        self.client: Optional[Client] = None

    def add_client(self, socket: Any) -> None:
        self.client = self.virtual.connect(socket)

    def remove_client(self, socket: Any) -> None:
        self.virtual.hub.remove(socket.uid)

    def notify_clients(self, name: str, data: Any = (), mask: Any = ()) -> None:
        """Agents only; a virtual printer takes none."""

    async def dispatch(self, data: Any, socket: Any) -> Optional[bytes]:
        if self.client is None:
            return None
        return await self.virtual.receive(data, self.client)


def socket_class(classes: HostClasses, virtual_printer: VirtualPrinter) -> Any:
    """One class per printer: Moonraker counts connections, and limits them, per class."""

    class VirtualSocket(classes.web_socket):  # type: ignore[name-defined,misc]
        connection_count = 0

        def initialize(self) -> None:
            super().initialize()
            self.host_rpc: Any = self.server.lookup_component("jsonrpc")
            joint: Any = _Joint(virtual_printer)
            self.rpc = joint
            self.wsm = joint
            self._unsent = 0
            self._running: set[asyncio.Task[None]] = set()

        async def on_message(self, message: Any) -> None:
            """Tornado reads the next frame only when this is done.

            Its read loop does not yield while data is waiting: a client that floods would starve
            everybody else, and fill the memory with requests that nobody had time to refuse.
            """
            if self.ws_connection is not None:
                task = asyncio.ensure_future(self._process_message(message))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            await asyncio.sleep(0)
            while len(self._running) >= MAX_RUNNING and not self.is_closed:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            if self.behind and self._unsent > MAX_WAITING:
                # who asks and does not read the answers waits; the memory would be ours
                with contextlib.suppress(classes.stream_closed):
                    await self.ws_connection.stream.write(b"")

        @property
        def max_message_size(self) -> int:
            return 2 * MAX_MESSAGE

        async def prepare(self) -> None:
            if self.__class__.connection_count >= self.settings["max_websocket_connections"]:
                reason = f"{virtual_printer.name} has its maximum number of connections"
                raise classes.http_error(503, reason=reason)
            await super().prepare()

        # -- what the hub sees of it

        @property
        def behind(self) -> bool:
            connection = self.ws_connection
            if connection is None or not connection.stream.writing():
                self._unsent = 0
                return False
            return True

        def tell(self, data: bytes) -> bool:
            """Write one text frame at once; no task, no future and no copy per client."""
            connection = self.ws_connection
            if connection is None or self.is_closed or connection.is_closing():
                return True
            stream = connection.stream
            if stream.closed():
                return True
            if stream.writing():
                return False
            frame = _frame(data)
            try:
                sent = stream.write_to_fd(memoryview(frame))
            except OSError:  # full, or gone: the stream knows what to do then
                sent = 0
            if sent < len(frame):
                self._unsent = len(frame) - sent
                stream.write(frame[sent:])
            return True

        def send(self, data: bytes) -> None:
            if self.tell(data):
                return
            frame = _frame(data)
            self._unsent += len(frame)
            if self._unsent > MAX_UNSENT:
                self.drop(TRY_AGAIN_LATER, "Client does not read")
            else:
                self.ws_connection.stream.write(frame)

        def queue_message(self, message: Any) -> None:
            """Replies take the same road as news, so that they cannot overtake each other."""
            if isinstance(message, dict):
                message = encode(message)
            self.send(message.encode() if isinstance(message, str) else message)

        def drop(self, code: int, reason: str) -> None:
            self.close(code, reason)

        def identify(self, params: Mapping[str, Any]) -> int:
            if self.identified:
                raise RpcError(400, "Connection already identified")
            try:
                self.authenticate(
                    token=_text(params.get("access_token")), api_key=_text(params.get("api_key"))
                )
            except (classes.server_error, classes.http_error) as fault:
                raise rpc_error(fault) from fault
            self.client_data = {
                "name": str(params["client_name"])[:80],
                "version": str(params["version"])[:80],
                "type": str(params["type"]).lower(),
                "url": str(params["url"])[:200],
            }
            return int(self.uid)

        async def delegate(self, request: Mapping[str, Any]) -> Optional[dict[str, Any]]:
            answer: Optional[dict[str, Any]] = await self.host_rpc.process_object(
                dict(request), self
            )
            return answer

    VirtualSocket.__name__ = f"VirtualSocket_{virtual_printer.name}"
    return VirtualSocket


_last_frame: tuple[Optional[bytes], bytes] = (None, b"")


def _frame(data: bytes) -> bytes:
    """A server's text frame (RFC 6455); the same message for many clients is framed once."""
    global _last_frame
    last, frame = _last_frame
    if data is last:
        return frame
    size = len(data)
    if size < 126:
        head = struct.pack("!BB", 0x81, size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x81, 126, size)
    else:
        head = struct.pack("!BBQ", 0x81, 127, size)
    _last_frame = (data, head + data)
    return _last_frame[1]


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) else None


def rpc_error(fault: Any) -> RpcError:
    status = getattr(fault, "status_code", 400)
    message = getattr(fault, "log_message", None) or str(fault)
    return RpcError(INVALID_PARAMS, "Unauthorized") if status == 401 else RpcError(status, message)
