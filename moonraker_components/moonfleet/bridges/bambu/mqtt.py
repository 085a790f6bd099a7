# One MQTT 3.1.1 connection: paho-mqtt over a socket that is already secured
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Drives a paho-mqtt client (1.6 or 2.x) from the event loop, for one connection only.

A client object is never used twice and never reconnects by itself: paho would send unacknowledged
commands again, minutes later. Everything is sent at QoS 0, and nothing is sent while offline.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import secrets
import ssl
from typing import Any, Callable, Optional

from ...core.secret import Secret
from ..base import Link
from .failures import LinkFailure, connack_failure
from .protocol.message import MAX_BYTES

KEEPALIVE = 30
_MISC_INTERVAL = 5.0
_READS_PER_TURN = 32
_MQTT_OVERHEAD = 1024  # topic and header beside the payload
_log = logging.getLogger(__name__)


class _Oversized(ConnectionError):
    """A packet announces more than any printer ever sends."""


class _Wire:
    """The socket as paho sees it: refuses absurd lengths before memory is reserved for them."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock
        self.recv_limit = MAX_BYTES + _MQTT_OVERHEAD
        self.oversized = False

    def recv(self, size: int) -> bytes:
        if size > self.recv_limit:
            self.oversized = True
            raise _Oversized
        return self._sock.recv(min(size, 65536))

    def send(self, data: bytes) -> int:
        return self._sock.send(data)

    def pending(self) -> int:
        return self._sock.pending()

    def fileno(self) -> int:
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        self._sock.setblocking(flag)

    def close(self) -> None:
        self._sock.close()


def _make_client(wire: _Wire) -> Any:
    try:
        mqtt = importlib.import_module("paho.mqtt.client")
    except ImportError:
        raise LinkFailure(
            Link.CONFIG_ERROR,
            "paho-mqtt is not installed: install it into Moonraker's environment",
        ) from None

    class Client(mqtt.Client):  # type: ignore[misc, name-defined]
        def _create_socket_connection(self) -> Any:
            return wire

    arguments: dict[str, Any] = {
        "client_id": f"moonfleet-{secrets.token_hex(6)}",
        "clean_session": True,
        "protocol": mqtt.MQTTv311,
    }
    if hasattr(mqtt, "CallbackAPIVersion"):
        arguments["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION2
    return Client(**arguments)


class MqttSession:
    """From CONNECT to the end of the connection; ``closed`` then holds the reason."""

    def __init__(
        self,
        sock: ssl.SSLSocket,
        topic: str,
        on_message: Callable[[bytes], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._wire = _Wire(sock)
        self._number = sock.fileno()
        self._topic = topic
        self._on_message = on_message
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._timer: Optional[asyncio.TimerHandle] = None
        self._leaving: Optional[LinkFailure] = None
        self.closed: asyncio.Future[LinkFailure] = self._loop.create_future()
        self._client = _make_client(self._wire)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._message
        self._client.on_disconnect = self._disconnected
        self._client.on_socket_register_write = self._want_write
        self._client.on_socket_unregister_write = self._no_write

    async def open(self, user: str, password: Secret, timeout: float) -> None:
        """CONNECT and subscribe; raises ``LinkFailure``."""
        self._client.username_pw_set(user, password.reveal())
        self._client.connect_async("printer", 8883, KEEPALIVE)
        self._client.reconnect()
        self._loop.add_reader(self._number, self._readable)
        self._misc()
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), timeout)
        except asyncio.TimeoutError:
            raise LinkFailure(
                Link.FAULT, "the printer accepts connections but does not speak MQTT"
            ) from None

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand one message to the socket; False when the connection is gone."""
        if self.closed.done():
            return False
        info = self._client.publish(topic, payload, qos=0)
        return int(info.rc) == 0

    def close(self, reason: Optional[LinkFailure] = None) -> None:
        """Send DISCONNECT if the socket takes it at once, and let go."""
        self._leaving = reason or LinkFailure(Link.DISABLED, "disconnected")
        if not self.closed.done():
            with contextlib.suppress(Exception):  # the connection may already be broken
                self._client.disconnect()
                self._client.loop_write()
        self._finish(self._leaving)

    # -- events from the loop --------------------------------------------------------------

    def _readable(self) -> None:
        try:
            for _ in range(_READS_PER_TURN):
                if self._client.loop_read() != 0 or self.closed.done():
                    self._finish(self._lost())
                    return
                if not self._wire.pending():
                    return
            self._loop.call_soon(self._readable_again)
        except Exception:
            # paho raises whatever a malformed packet makes it stumble over
            self._finish(self._lost())

    def _readable_again(self) -> None:
        if not self.closed.done():
            self._readable()

    def _writable(self) -> None:
        try:
            if self._client.loop_write() != 0:
                self._finish(self._lost())
        except Exception:
            self._finish(self._lost())

    def _misc(self) -> None:
        try:
            if self._client.loop_misc() != 0:
                self._finish(LinkFailure(Link.UNREACHABLE, "the printer stopped answering"))
        except Exception:
            self._finish(self._lost())
        if not self.closed.done():
            self._timer = self._loop.call_later(_MISC_INTERVAL, self._misc)

    def _lost(self) -> LinkFailure:
        if self._leaving is not None:
            return self._leaving
        if self._wire.oversized:
            return LinkFailure(Link.FAULT, "the printer sent a message of more than 1 MiB")
        return LinkFailure(Link.UNREACHABLE, "the printer closed the connection")

    def _finish(self, failure: LinkFailure) -> None:
        if self.closed.done():
            return
        self.closed.set_result(failure)
        if not self._ready.done():
            self._ready.set_exception(failure)
            self._ready.exception()  # retrieved: nobody may be waiting any more
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._number)
        self._loop.remove_writer(self._number)
        self._wire.close()

    # -- callbacks from paho; the arguments after the named ones differ between 1.6 and 2.x --

    def _want_write(self, *_: Any) -> None:
        if not self.closed.done():
            self._loop.add_writer(self._number, self._writable)

    def _no_write(self, *_: Any) -> None:
        if not self.closed.done():
            self._loop.remove_writer(self._number)

    def _connected(self, client: Any, _user: Any, _flags: Any, code: Any, *_: Any) -> None:
        number = int(getattr(code, "value", code))
        if number != 0:
            self._finish(connack_failure(number))
            return
        client.subscribe(self._topic, qos=0)

    def _subscribed(self, _client: Any, _user: Any, _mid: Any, codes: Any, *_: Any) -> None:
        granted = [int(getattr(code, "value", code)) for code in codes]
        if any(code >= 0x80 for code in granted):
            self._finish(LinkFailure(Link.FAULT, "the printer refused to send its reports"))
        elif not self._ready.done():
            self._ready.set_result(None)

    def _disconnected(self, *_: Any) -> None:
        self._finish(self._lost())

    def _message(self, _client: Any, _user: Any, message: Any) -> None:
        if message.topic != self._topic:
            return
        try:
            self._on_message(message.payload)
        except Exception:
            _log.exception("a report could not be handled")
