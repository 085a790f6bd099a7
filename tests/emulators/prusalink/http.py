# HTTP/1.x on asyncio streams, as strict as the two servers are
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Only what PrusaLink needs; a request body stays in the stream for the handler to read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import unquote

MAX_HEAD = 16384


class BadRequest(Exception):
    pass


@dataclass
class Request:
    method: str
    target: str  # as sent
    headers: Mapping[str, str]  # names in lower case
    reader: asyncio.StreamReader
    left: int = 0  # bytes of the body not read yet

    @property
    def path(self) -> str:
        return unquote(self.target.split("?", 1)[0])

    @property
    def chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    async def body(self) -> AsyncIterator[bytes]:
        while self.left > 0:
            chunk = await self.reader.read(min(self.left, 65536))
            if not chunk:
                raise ConnectionError("the client went away")
            self.left -= len(chunk)
            yield chunk


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    close: bool = False
    omit_body: bool = False  # HEAD


REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    411: "Length Required",
    413: "Request Entity Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}


def json_response(document: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, json.dumps(document).encode(), "application/json", dict(headers))


async def read_request(reader: asyncio.StreamReader) -> Optional[Request]:
    """None when the client closed the connection between two requests."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise BadRequest("truncated request") from None
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest("head too long") from None
    if len(head) > MAX_HEAD:
        raise BadRequest("head too long")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest("no request line")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    if not length.isdigit():
        raise BadRequest("bad length")
    return Request(words[0], words[1], headers, reader, int(length))


def encode(response: Response, *, version: str, chunked: bool) -> bytes:
    """The whole reply as bytes."""
    reason = REASONS.get(response.status, "Status")
    lines = [f"{version} {response.status} {reason}"]
    body = b"" if response.status == 204 else response.body
    if response.status != 204 or version == "HTTP/1.0":
        kind = "text/html; charset=utf-8" if response.status == 204 else response.content_type
        lines.append(f"Content-Type: {kind}")
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if chunked and response.status != 204 and not response.omit_body:
        lines.append("Transfer-Encoding: chunked")
        pieces = [body[i : i + 1024] for i in range(0, len(body), 1024)]
        payload = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        payload += b"0\r\n\r\n"
    else:
        payload = body
        if response.status != 204 or version == "HTTP/1.0":
            lines.append(f"Content-Length: {len(body)}")
    if version == "HTTP/1.1":
        lines.append(f"Connection: {'close' if response.close else 'keep-alive'}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head if response.omit_body else head + payload
