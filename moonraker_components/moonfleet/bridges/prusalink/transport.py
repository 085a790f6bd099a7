# One printer's HTTP connection: signed, serial, bounded; the only user of aiohttp
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""aiohttp is imported when the first connection is opened, so its absence is one printer's error.

One keep-alive connection and one request at a time: Buddy has three sockets for everybody. Every
failure leaves here as a ``LinkFault`` that already says what the fleet shows.
"""

from __future__ import annotations

import asyncio
import errno
import json
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Callable, Optional

from ..base import Link
from .digest import DigestSigner, parse_challenge
from .names import resolver
from .schedule import Pace
from .settings import Address, Credentials

MAX_BODY = 2 << 20  # a long file list is 100 KiB
KEEP_ALIVE = 30.0  # Buddy drops an idle connection after a minute
DNS_CACHE = 300
USER_AGENT = "Moonfleet"  # the Python server binds its nonces to this header
_SKIPPED = ("Content-Type", "Accept-Encoding")
Progress = Callable[[int], None]
Taken = Callable[[], Awaitable[Optional[int]]]


class LinkFault(Exception):
    """Something is wrong with the wire or with who is at its other end."""

    def __init__(self, link: Link, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.link = link
        self.message = message
        self.refused = refused  # nobody listens there: surer than silence


@dataclass(frozen=True)
class Reply:
    status: int
    content_type: str
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def document(self) -> Any:
        """The JSON in it, or None."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def reason(self) -> str:
        """The server's own words for a refusal, or its number."""
        document = self.document()
        if isinstance(document, Mapping):
            for key in ("message", "title", "text"):
                if isinstance(document.get(key), str) and document[key].strip():
                    return str(document[key])
        if self.content_type.startswith("text/plain") and 0 < len(self.body) < 300:
            return self.body.decode("utf-8", "replace")
        return f"it answered {self.status}"


class PrusaLinkHttp:
    def __init__(
        self, address: Address, credentials: Credentials, pace: Pace, section: str
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._pace = pace
        self._section = section
        self._signer = DigestSigner(credentials.user, credentials.password)
        self._lock = asyncio.Lock()
        self._session: Any = None
        self._streams: set[Any] = set()
        self._last_url: tuple[str, Any] = ("", None)
        self._locked_until = 0.0
        self._locked: Optional[LinkFault] = None

    async def get(self, path: str, *, last: bool = False) -> Reply:
        """A GET, tried once more when a connection kept alive turned out to be dead.

        ``last`` closes the connection, so that the command that follows has a fresh one: a command
        is never sent twice.
        """
        return await self.request("GET", path, {"Connection": "close"} if last else None)

    async def request(
        self, method: str, path: str, headers: Optional[Mapping[str, str]] = None
    ) -> Reply:
        async with self._lock:
            return await self._signed(method, path, headers or {})

    async def upload(
        self,
        path: str,
        headers: Mapping[str, str],
        open_source: Callable[[], AsyncIterator[bytes]],
        length: int,
        taken: Taken,
        progress: Optional[Progress] = None,
    ) -> Reply:
        """A streamed PUT on a connection of its own, while polls go on over the other.

        The signed GET before it makes sure of a fresh nonce: a stream cannot be sent twice. It may
        take as long as it wants while the printer's own count of bytes (``taken``) grows.
        """
        # aiohttp has no limit for a peer that stops taking bytes: ``_watched`` sees to it
        timeout = self._library().ClientTimeout(total=None, sock_connect=self._pace.connect_timeout)
        target = self._address.prefix + path
        for _ in range(2):
            probe = await self.get("/api/version")
            if not probe.ok:
                return probe
            signed = self._authorization("PUT", target)
            sent = {**headers, **signed, "Content-Length": str(length)}
            async with self._stream(timeout) as session:
                body = _Body(open_source(), progress)
                sending = self._raw(session, "PUT", target, sent, body.blocks())
                reply, challenges = await self._watched(sending, body, taken)
            challenge = parse_challenge(challenges)
            if reply.status != 401 or challenge is None:
                break
            self._signer.accept(challenge)  # the nonce died on the way: once more from the start
        return reply

    async def download(self, path: str) -> AsyncIterator[bytes]:
        """The bytes of a file, on a connection of its own."""
        await self.get("/api/version")  # a fresh nonce, and whether anybody is there
        aiohttp = self._library()
        target = self._address.prefix + path
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self._pace.connect_timeout, sock_read=self._pace.silence
        )
        async with self._stream(timeout) as session:
            try:
                async with session.request(
                    "GET",
                    self._url(target),
                    headers=self._authorization("GET", target),
                    allow_redirects=False,
                ) as response:
                    if response.status != 200:
                        raise LinkFault(
                            Link.ONLINE, f"{self._address} has no such file ({response.status})"
                        )
                    async for chunk in response.content.iter_chunked(1 << 16):
                        yield chunk
            except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
                raise self._fault(error) from None

    async def close(self) -> None:
        """Also breaks off what is being streamed."""
        session, self._session = self._session, None
        for known in [*self._streams, *([] if session is None else [session])]:
            await known.close()

    @asynccontextmanager
    async def _stream(self, timeout: Any) -> AsyncIterator[Any]:
        """A session of its own for one upload or download."""
        session = self._new_session(timeout)
        self._streams.add(session)
        try:
            yield session
        finally:
            self._streams.discard(session)
            await session.close()

    async def _watched(
        self, sending: Coroutine[Any, Any, tuple[Reply, list[str]]], body: _Body, taken: Taken
    ) -> tuple[Reply, list[str]]:
        task, arrived = asyncio.ensure_future(sending), None
        try:
            while not task.done():
                left = body.moved + self._pace.silence - time.monotonic()
                if left > 0.0:
                    await asyncio.wait({task}, timeout=left)
                    continue
                before, arrived = arrived, await taken()  # megabytes may be under way for long
                if arrived is None or arrived == before:
                    raise LinkFault(Link.UNREACHABLE, f"{self._address} takes no more bytes")
                body.moved = time.monotonic()
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # -- one request --------------------------------------------------------------------------

    async def _signed(self, method: str, path: str, headers: Mapping[str, str]) -> Reply:
        if time.monotonic() < self._locked_until and self._locked is not None:
            raise self._locked
        if self._session is None:
            self._session = self._new_session()
        target = self._address.prefix + path
        resigned = False
        while True:
            sent = {**headers, **self._authorization(method, target)}
            reply, challenges = await self._repeatable(method, target, sent)
            if reply.status not in (401, 403) or (reply.status == 403 and not self._by_key()):
                break
            challenge = None if self._by_key() else parse_challenge(challenges)
            if challenge is None or (resigned and not challenge.stale):
                raise self._lock_out()
            if resigned:  # stale twice: its clock outruns us, the next poll tries again
                raise LinkFault(
                    Link.UNREACHABLE, f"{self._address} forgets its digest nonces at once"
                )
            self._signer.accept(challenge)
            resigned = True
        if 300 <= reply.status < 400:
            raise LinkFault(
                Link.FAULT,
                f"{self._address} redirects to another address; "
                "set host and port to the printer itself",
            )
        if reply.status == 503 and method == "GET":
            raise LinkFault(Link.CONNECTING, f"PrusaLink at {self._address} is starting")
        return reply

    async def _repeatable(
        self, method: str, target: str, headers: Mapping[str, str]
    ) -> tuple[Reply, list[str]]:
        try:
            return await self._raw(self._session, method, target, headers)
        except LinkFault as fault:
            if method != "GET" or fault.link is not Link.STALE:
                raise
        return await self._raw(self._session, method, target, headers)

    async def _raw(
        self,
        session: Any,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Any = None,
    ) -> tuple[Reply, list[str]]:
        aiohttp = self._library()
        try:
            async with session.request(
                method,
                self._url(target),
                headers=headers,
                data=body,
                allow_redirects=False,
            ) as response:
                content = bytearray()
                async for chunk in response.content.iter_any():
                    content += chunk
                    if len(content) > MAX_BODY:
                        response.close()
                        raise LinkFault(
                            Link.FAULT,
                            f"{self._address} sends an answer without end; "
                            "check that host and port are a PrusaLink's",
                        )
                if "Connection" in headers:
                    response.close()  # also when the server would have kept it
                reply = Reply(
                    response.status, response.headers.get("Content-Type", ""), bytes(content)
                )
                if reply.status != 401:
                    return reply, []
                return reply, list(response.headers.getall("WWW-Authenticate", []))
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
            raise self._fault(error) from None

    # -- helpers ------------------------------------------------------------------------------

    def _library(self) -> Any:
        try:
            import aiohttp
        except ImportError:
            raise LinkFault(
                Link.CONFIG_ERROR,
                f"{self._section} option 'type': prusalink needs the Python package aiohttp; "
                "install it into Moonraker's environment with pip install aiohttp",
            ) from None
        return aiohttp

    def _new_session(self, timeout: Any = None) -> Any:
        aiohttp = self._library()
        if timeout is None:
            timeout = aiohttp.ClientTimeout(
                total=self._pace.timeout, sock_connect=self._pace.connect_timeout
            )
        headers = {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        if self._by_key():
            headers["X-Api-Key"] = self._credentials.api_key.reveal()
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=1,
                keepalive_timeout=KEEP_ALIVE,
                ttl_dns_cache=DNS_CACHE,
                resolver=resolver(),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=timeout,
            headers=headers,
            skip_auto_headers=_SKIPPED,
            auto_decompress=False,
        )

    def _by_key(self) -> bool:
        return bool(self._credentials.api_key)

    def _authorization(self, method: str, target: str) -> dict[str, str]:
        signature = None if self._by_key() else self._signer.sign(method, target)
        return {} if signature is None else {"Authorization": signature}

    def _url(self, target: str) -> Any:
        from yarl import URL  # comes with aiohttp

        if self._last_url[0] != target:  # nearly always the status again
            self._last_url = target, URL(f"http://{self._address.netloc}{target}", encoded=True)
        return self._last_url[1]

    def _lock_out(self) -> LinkFault:
        """Wrong credentials: no request leaves for a minute, whoever asks."""
        if self._by_key():
            remedy = (
                "option 'api_key': the printer refuses it; copy it from PrusaLink's settings "
                "page (printers without a Raspberry Pi: it is their password)"
            )
        else:
            remedy = (
                f"option 'password': the printer refuses it for user '{self._credentials.user}'; "
                "copy it from the printer's menu Settings > Network > PrusaLink"
            )
        self._locked = LinkFault(Link.AUTH_FAILED, f"{self._section} {remedy}")
        self._locked_until = time.monotonic() + self._pace.wrong_credentials
        return self._locked

    def _fault(self, error: BaseException) -> LinkFault:
        aiohttp = self._library()
        where = str(self._address)
        if isinstance(error, asyncio.TimeoutError):
            return LinkFault(Link.UNREACHABLE, f"{where} did not answer in time")
        if isinstance(error, aiohttp.ClientConnectorError):
            number = error.os_error.errno
            if number == errno.ECONNREFUSED:
                return LinkFault(
                    Link.REFUSED,
                    f"{where} refuses the connection: the printer is starting, shows an error "
                    "screen, or host and port are not its own",
                    refused=True,
                )
            return LinkFault(
                Link.UNREACHABLE, f"{where} cannot be reached: check host and that it is on"
            )
        if isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, OSError)):
            return LinkFault(Link.STALE, f"{where} closed the connection")
        return LinkFault(
            Link.FAULT, f"{where} does not answer as PrusaLink does: check host and port"
        )


class _Body:
    """The bytes of an upload, and when the last of them moved."""

    def __init__(self, source: AsyncIterator[bytes], progress: Optional[Progress]) -> None:
        self.moved = time.monotonic()
        self._source = source
        self._progress = progress

    async def blocks(self) -> AsyncIterator[bytes]:
        sent = 0
        async for chunk in self._source:
            yield chunk
            self.moved = time.monotonic()
            sent += len(chunk)
            if self._progress is not None:
                self._progress(sent)
