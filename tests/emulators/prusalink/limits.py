# What a client must never do to a small server, noted as it happens
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A Buddy has three sockets for everybody. A bridge may hold two connections, and have one request
in flight besides one stream (an upload or a download). Whoever leaves ``async with`` an emulator
that saw more gets an ``AssertionError``.
"""

from __future__ import annotations

import asyncio
from typing import Optional

from .http import Request

CONNECTIONS = 2  # per bridge
KEPT = 20  # violations


class Link:
    """One connection, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.request = ""  # in flight
        self.streams = False
        self.leaving = False  # the server has said that it closes

    @property
    def open(self) -> bool:
        """Neither side has left; a client that hung up is no burden any more."""
        gone = self._reader.at_eof() or self._reader.exception() is not None
        return not (self.leaving or gone or self._writer.is_closing())


class Limits:
    """``clients``: bridges that talk to this printer; None when anybody may do anything."""

    def __init__(self, clients: Optional[int]) -> None:
        self.clients = clients
        self.violations: list[str] = []
        self._links: set[Link] = set()

    def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Link:
        link = Link(reader, writer)
        self._links.add(link)
        return link

    def leave(self, link: Link) -> None:
        self._links.discard(link)

    def begin(self, link: Link, request: Request) -> None:
        """A request was read; whatever the client closed before it sent this is known by now."""
        link.request = f"{request.method} {request.target}"
        link.streams = _streams(request)
        if self.clients is None:
            return
        known = [other for other in self._links if other.open]
        if len(known) > CONNECTIONS * self.clients:
            self._note(f"{len(known)} connections at {link.request}")
        for streams in (False, True):
            busy = [other.request for other in known if other.request and other.streams is streams]
            if len(busy) > self.clients:
                self._note(f"in flight together: {', '.join(sorted(busy))}")

    def check(self) -> None:
        assert not self.violations, f"too much for a small server: {self.violations}"

    def _note(self, violation: str) -> None:
        if len(self.violations) < KEPT:
            self.violations.append(violation)


def _streams(request: Request) -> bool:
    """An upload, or the download of a file."""
    if request.method == "PUT":
        return request.left > 0
    return request.method == "GET" and (
        request.path.startswith("/usb/") or request.path.endswith("/raw")
    )
