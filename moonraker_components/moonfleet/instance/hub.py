# The websocket clients of one virtual printer
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Who is told what, when: one encoded message per change and subscription, and no memory for those
who do not read.

A client that has unsent data is *behind*: it is remembered which state it knows, and when it reads
again it gets the difference to the state of then. Behind for too long, it is dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Optional, Protocol

from .jsonrpc import notification
from .subscriptions import NOTHING, Objects, Subscription, difference, select

logger = logging.getLogger(__name__)

DROP_AFTER = 30.0  # s without reading anything
POLICY_VIOLATION = 1008
REQUEST_RATE = 100.0  # requests a second that are answered for ever
REQUEST_BURST = 1000.0  # what a page load may ask at once
FLOOD = 2 * REQUEST_BURST  # refused requests in a row after which the socket is closed


class Sink(Protocol):
    """A websocket, as far as this room knows it."""

    @property
    def uid(self) -> int: ...

    @property
    def need_auth(self) -> bool: ...

    @property
    def behind(self) -> bool:
        """Whether earlier messages still wait to be read by the client."""

    def send(self, data: bytes) -> None: ...

    def tell(self, data: bytes) -> bool:
        """Send, unless the client is behind: then False, and nothing was sent."""

    def drop(self, code: int, reason: str) -> None: ...

    def identify(self, params: Mapping[str, Any]) -> int:
        """Take the client's name and credentials; its connection id, or an ``RpcError``."""

    async def delegate(self, request: Mapping[str, Any]) -> Optional[dict[str, Any]]: ...


class Client:
    """One connection; the ``Caller`` of its requests."""

    __slots__ = (
        "_allowance",
        "_allowance_at",
        "_refused",
        "behind_since",
        "everything",
        "known",
        "sink",
        "subscription",
        "told_at",
    )

    def __init__(self, sink: Sink, now: float) -> None:
        self.sink = sink
        self.subscription: Subscription = NOTHING
        self.everything = False
        self.behind_since: Optional[float] = None
        self.known: Optional[Objects] = None  # the state it was told before it fell behind
        self.told_at = 0.0  # when the last news went out to it
        self._allowance = REQUEST_BURST
        self._allowance_at = now
        self._refused = 0

    @property
    def need_auth(self) -> bool:
        return self.sink.need_auth

    async def delegate(self, request: Mapping[str, Any]) -> Optional[dict[str, Any]]:
        return await self.sink.delegate(request)

    def admit(self, now: float) -> bool:
        """Whether one more request is answered now; floods end in a closed socket."""
        earned = (now - self._allowance_at) * REQUEST_RATE
        self._allowance = min(REQUEST_BURST, self._allowance + earned) - 1.0
        self._allowance_at = now
        if self._allowance >= 0.0:
            self._refused = 0
            return True
        self._allowance = 0.0
        self._refused += 1
        if self._refused > FLOOD:
            self.sink.drop(POLICY_VIOLATION, "Too many requests")
        return False


class Hub:
    def __init__(self, printer: str) -> None:
        self.printer = printer
        self.clients: dict[int, Client] = {}
        self.told: Objects = {}  # the state of the last publication

    def add(self, sink: Sink, now: float) -> Client:
        client = Client(sink, now)
        self.clients[sink.uid] = client
        return client

    def remove(self, uid: int) -> None:
        self.clients.pop(uid, None)

    @property
    def watched(self) -> bool:
        """Whether anybody wants to hear of changes."""
        return any(client.subscription for client in self.clients.values())

    def subscribe(self, client: Client, subscription: Subscription) -> dict[str, dict[str, Any]]:
        """Watch; returns the watched part of the last published state.

        A client that watches every object also hears of objects that appear later (a filament
        unit plugged in): both interfaces then open their panel without a reload.
        """
        client.subscription = subscription
        whole = {name for name, fields in subscription if fields is None}
        client.everything = bool(subscription) and whole.issuperset(self.told)
        client.known = None
        client.behind_since = None
        return select(self.told, subscription)

    def publish(self, objects: Objects, eventtime: float) -> bool:
        """Tell everybody what is new since the last publication; whether anything was."""
        before, self.told = self.told, objects
        changes = difference(before, objects)
        if not changes:
            return False
        messages: dict[Any, Optional[bytes]] = {}
        for client in list(self.clients.values()):
            if not client.subscription or client.sink.need_auth or client.known is not None:
                continue
            key = None if client.everything else client.subscription
            if key not in messages:
                messages[key] = _status_update(changes, key, eventtime)
            message = messages[key]
            if message is None:
                continue
            if client.sink.tell(message):
                client.told_at = eventtime
            else:
                client.known = before
                client.behind_since = eventtime
        return True

    def broadcast(self, data: bytes, silent_since: Optional[float] = None) -> None:
        """One message for everybody who reads; those who are behind miss it.

        With ``silent_since`` only for those who were told nothing new since that moment.
        """
        for client in list(self.clients.values()):
            heard = silent_since is not None and client.told_at > silent_since
            if not heard and not client.sink.need_auth:
                client.sink.tell(data)

    def tick(self, now: float) -> None:
        """Once a second: bring those who read again up to date, drop those who do not."""
        for client in list(self.clients.values()):
            if not client.sink.behind:
                if client.known is not None:
                    changes = difference(client.known, self.told)
                    key = None if client.everything else client.subscription
                    message = _status_update(changes, key, now)
                    client.known = None
                    if message is not None:
                        client.sink.send(message)
                client.behind_since = None
            elif client.behind_since is None:
                client.behind_since = now
            elif now - client.behind_since > DROP_AFTER:
                logger.info("virtual printer %s: a client reads no more, dropped", self.printer)
                client.sink.drop(POLICY_VIOLATION, "Client does not read")

    def close(self, code: int, reason: str) -> None:
        for client in list(self.clients.values()):
            client.sink.drop(code, reason)


def _status_update(
    changes: Objects, subscription: Optional[Subscription], eventtime: float
) -> Optional[bytes]:
    if subscription is not None:
        changes = {name: fields for name, fields in select(changes, subscription).items() if fields}
    if not changes:
        return None
    return notification("notify_status_update", [changes, eventtime])
