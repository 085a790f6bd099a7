# A few lines of HTTP, independent of the transport under test
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One request on one connection, signed with an API key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Optional


@dataclass
class Answer:
    version: str
    status: int
    headers: dict[str, str]
    body: bytes


async def ask(
    port: int,
    method: str,
    path: str,
    headers: Optional[dict[str, str]] = None,
    body: bytes = b"",
    key: Optional[str] = "k",
) -> Answer:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    lines += [f"X-Api-Key: {key}"] if key is not None else []
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body and "Content-Length" not in (headers or {}):
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close")
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
    await writer.drain()
    raw = await asyncio.wait_for(reader.read(), 20.0)
    writer.close()
    head, _, rest = raw.partition(b"\r\n\r\n")
    first, *more = head.decode("latin-1").split("\r\n")
    version, status, *_ = first.split(" ")
    said = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in more}
    if said.get("transfer-encoding") == "chunked":
        rest = _joined(rest)
    return Answer(version, int(status), said, rest)


def _joined(raw: bytes) -> bytes:
    whole = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            break
        whole, raw = whole + raw[:length], raw[length + 2 :]
    return whole
