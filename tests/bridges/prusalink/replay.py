# Plays recorded exchanges of a PrusaLink to a bridge, byte for byte
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The recordings keep a JSON body as parsed. Written again as the server's own ``json.dumps`` does
it has the recorded ``Content-Length``, which is checked for each; nothing else is made up.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from moonfleet.bridges.prusalink.bridge import PrusaLinkBridge

from .stage import PASSWORD, QUICK, Host, settings_for

#: recorded from a MINI, as its note has it
BUDDY_CHALLENGE = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\n"
    b"Content-Length: 20\r\n"
    b'WWW-Authenticate: Digest realm="Printer API", nonce="a9dae69e0000280a", stale=false'
    b"\r\n\r\n401: Unauthorized\r\n\n"
)


class Replay:
    """Answers with recordings; what is not signed gets the challenge."""

    def __init__(self, folder: pathlib.Path, keeps_alive: bool = False) -> None:
        self.folder = folder
        self.keeps_alive = keeps_alive  # HTTP/1.0 closes after each reply
        self.answers: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []  # path, head
        self.port = 0

    def put(self, path: str, name: str, method: str = "GET") -> None:
        content = json.loads((self.folder / f"mk3_prusalink_{name}.json").read_text())
        self.answers[f"{method} {path}"] = as_bytes(content["response"], name)

    def put_buddy(self, path: str, name: str) -> None:
        """Public recordings keep no headers: framed as the firmware does, in chunks."""
        content = json.loads((self.folder / f"buddy_{name}.json").read_text())
        body = json.dumps(content["response"]["json"], separators=(",", ":")).encode()
        pieces = [body[start : start + 1024] for start in range(0, len(body), 1024)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: keep-alive\r\n"
        self.answers[f"GET {path}"] = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + (
            b"0\r\n\r\n"
        )  # fmt: skip

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer) and self.keeps_alive:
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the bridge has had enough
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        await reader.readexactly(int(fields.get("content-length", 0)))
        signed = fields.get("authorization", "").startswith("digest ")
        self.asked.append((path, head))
        writer.write(self.answers[f"{method} {path}" if signed else "challenge"])
        await writer.drain()
        return True


def as_bytes(response: dict[str, Any], name: str) -> bytes:
    body = (response.get("text") or "").encode()
    if response.get("json") is not None:
        body = json.dumps(response["json"]).encode()
    lines = [f"{response['http_version']} {response['status']} {response['reason']}"]
    for field, value in response["headers"]:
        lines.append(f"{field}: {value}")
        if field.lower() == "content-length":
            assert int(value) == len(body), f"{name} is not what was recorded"
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@asynccontextmanager
async def replayed(
    captures: pathlib.Path, flavour: str = "python"
) -> AsyncIterator[tuple[Replay, Host, PrusaLinkBridge]]:
    folder = captures / "prusalink"
    if not folder.is_dir():
        pytest.skip("no recorded PrusaLink exchanges")
    replay, host = Replay(folder, keeps_alive=flavour == "buddy"), Host()
    if flavour == "buddy":
        replay.answers["challenge"] = BUDDY_CHALLENGE
        replay.put_buddy("/api/version", "xl_version_printing")
        replay.put_buddy("/api/v1/info", "xl_ha_info")
        replay.put_buddy("/api/v1/status", "xl_ha_status_idle")
    else:
        replay.put("challenge", "unauthorised_no_auth")
        replay.answers["challenge"] = replay.answers.pop("GET challenge")
        replay.put("/api/version", "version")
        replay.put("/api/v1/info", "info")
        replay.put("/api/v1/job", "job_printing")
        replay.put("/api/v1/status", "startup_503_service_unavailable")
    server = await asyncio.start_server(replay.serve, "127.0.0.1", 0)
    replay.port = server.sockets[0].getsockname()[1]
    bridge = PrusaLinkBridge(settings_for(replay.port, password=PASSWORD), host, QUICK)
    await bridge.start()
    try:
        yield replay, host, bridge
    finally:
        await bridge.stop()
        server.close()
