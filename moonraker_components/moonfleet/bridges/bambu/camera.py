# The JPEG camera of small printers: one connection, any number of viewers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pictures are fetched while somebody looks, and the newest one is handed to everybody.

The certificate is judged before the access code is sent, as everywhere.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable
from typing import Callable, Optional

from ...core.errors import NotConnected
from ...core.secret import Secret
from ..base import BridgeCamera
from .dial import connect_tcp
from .failures import LinkFailure
from .trust import Trust, handshake_failure, judge_known

MAX_PICTURE = 4 * 1024 * 1024
PICTURE_TIMEOUT = 15.0  # these cameras send about one picture a second
LINGER = 5.0  # a page that reloads finds the connection still open
_HEADER = struct.Struct("<IIII")
_START, _END = b"\xff\xd8", b"\xff\xd9"


def login_frame(user: str, code: Secret) -> bytes:
    head = _HEADER.pack(0x40, 0x3000, 0, 0)
    names = (user.encode(), code.reveal().encode())
    return head + b"".join(name[:32].ljust(32, b"\0") for name in names)


class JpegCamera(BridgeCamera):
    """``address`` tells where the printer is now, ``load_pin`` what certificate is expected."""

    def __init__(
        self,
        address: Callable[[], tuple[str, int]],
        trust: Trust,
        load_pin: Callable[[], Awaitable[Optional[str]]],
        user: str,
        code: Secret,
    ) -> None:
        self._address = address
        self._trust = trust
        self._load_pin = load_pin
        self._user, self._code = user, code
        self._viewers = 0
        self._task: Optional[asyncio.Task[None]] = None
        self._closing: Optional[asyncio.TimerHandle] = None
        self._picture: Optional[bytes] = None
        self._failure: Optional[str] = None
        self._news = asyncio.Event()

    async def snapshot(self) -> bytes:
        """One fresh picture."""
        async for picture in self.pictures():
            return picture
        raise NotConnected("the camera sends no pictures")

    async def pictures(self) -> AsyncIterator[bytes]:
        """Each new picture, until the reader stops; raises ``NotConnected`` when the camera
        goes away."""
        self._enter()
        try:
            while True:
                news = self._news
                try:
                    await asyncio.wait_for(news.wait(), PICTURE_TIMEOUT * 2)
                except asyncio.TimeoutError:
                    raise NotConnected("the camera sends no pictures") from None
                if self._failure is not None:
                    raise NotConnected(self._failure)
                if self._picture is not None:
                    yield self._picture
        finally:
            self._leave()

    async def stop(self) -> None:
        task, self._task = self._task, None
        if self._closing is not None:
            self._closing.cancel()
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=2.0)

    # -- viewers ---------------------------------------------------------------------------

    def _enter(self) -> None:
        self._viewers += 1
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._task is None or self._task.done():
            self._failure = None
            self._task = asyncio.ensure_future(self._run())

    def _leave(self) -> None:
        self._viewers -= 1
        if self._viewers == 0:
            loop = asyncio.get_running_loop()
            self._closing = loop.call_later(LINGER, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self._viewers == 0 and self._task is not None:
            self._task.cancel()
            self._task = None  # `_watch` ends by this too: wait_for may swallow a cancellation

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    # -- the printer -----------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            await self._watch()
        except LinkFailure as failure:
            self._failure = failure.message
        except asyncio.IncompleteReadError:
            self._failure = (
                "the camera closed the connection: is the access code right, and the camera on?"
            )
        except (OSError, asyncio.TimeoutError):
            self._failure = "the connection to the camera broke"
        finally:
            if self._task in (None, asyncio.current_task()):
                self._picture = None
                self._tell()

    async def _watch(self) -> None:
        host, port = self._address()
        context = self._trust.context()
        sock = await connect_tcp(host, port)
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(sock=sock, ssl=context, server_hostname=""),
                PICTURE_TIMEOUT,
            )
        except ssl.SSLError as error:
            raise handshake_failure(error) from None
        try:
            certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            judge_known(self._trust, certificate, await self._load_pin())
            writer.write(login_frame(self._user, self._code))
            await writer.drain()
            while self._task is asyncio.current_task():
                self._picture = await asyncio.wait_for(_picture(reader), PICTURE_TIMEOUT)
                self._tell()
        finally:
            writer.transport.abort()


async def _picture(reader: asyncio.StreamReader) -> bytes:
    while True:
        size, _, _, _ = _HEADER.unpack(await reader.readexactly(_HEADER.size))
        if not 4 <= size <= MAX_PICTURE:
            raise OSError("not a picture")
        data = await reader.readexactly(size)
        if data.startswith(_START) and data.endswith(_END):
            return data
