# The recorded exchanges of the real server, replayed to the whole bridge
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Status line, headers and body as recorded; only the nonce of a challenge is what it was then."""

from __future__ import annotations

import asyncio
import json
import pathlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from moonfleet.bridges.base import Link
from moonfleet.bridges.prusalink.bridge import PrusaLinkBridge
from moonfleet.core.model import PrinterSnapshot, PrintState

from .stage import PASSWORD, QUICK, Host, settings_for, until

STORY = [
    ("status_idle_before_first_telemetry", PrintState.STANDBY),
    ("status_idle", PrintState.STANDBY),
    ("status_printing_heating", PrintState.PRINTING),
    ("status_printing", PrintState.PRINTING),
    ("status_paused", PrintState.PAUSED),
    ("status_attention_while_printing", PrintState.PAUSED),
    ("status_printing", PrintState.PRINTING),
    ("status_finished", PrintState.COMPLETE),
    ("status_idle", PrintState.STANDBY),
    ("status_printing_stale_progress_right_after_start", PrintState.PRINTING),
    ("status_stopped", PrintState.CANCELLED),
    ("status_ready", PrintState.STANDBY),
    ("status_error_maxtemp", PrintState.ERROR),
    ("status_after_firmware_reboot", PrintState.STANDBY),
    ("status_error_serial_lost", PrintState.ERROR),
]


class Replay:
    """Answers with recordings, one connection per reply as HTTP/1.0 has it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.answers: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.port = 0

    def put(self, path: str, name: str) -> None:
        content = json.loads((self.folder / f"mk3_prusalink_{name}.json").read_text())
        self.answers[path] = as_bytes(content["response"])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        signed = "authorization: digest " in head.lower()
        self.asked.append((path, head))
        answer = self.answers[path if signed else "challenge"]
        writer.write(answer)
        await writer.drain()
        writer.close()


def as_bytes(response: dict[str, Any]) -> bytes:
    body = response.get("text", "")
    if "json" in response:
        body = json.dumps(response["json"])
    lines = [f"{response['http_version']} {response['status']} {response['reason']}"]
    for name, value in response["headers"]:
        lines.append(f"{name}: {len(body.encode()) if name == 'Content-Length' else value}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@asynccontextmanager
async def replayed(captures: pathlib.Path) -> AsyncIterator[tuple[Replay, Host]]:
    folder = captures / "prusalink"
    if not folder.is_dir():
        pytest.skip("no recorded PrusaLink exchanges")
    replay, host = Replay(folder), Host()
    replay.put("challenge", "unauthorised_no_auth")
    replay.put("/api/version", "version")
    replay.put("/api/v1/info", "info")
    replay.put("/api/v1/job", "job_printing")
    replay.put("/api/v1/status", "startup_503_service_unavailable")
    server = await asyncio.start_server(replay.serve, "127.0.0.1", 0)
    replay.port = server.sockets[0].getsockname()[1]
    bridge = PrusaLinkBridge(settings_for(replay.port, password=PASSWORD), host, QUICK)
    await bridge.start()
    try:
        yield replay, host
    finally:
        await bridge.stop()
        server.close()


async def test_a_day_of_the_recorded_printer(captures: pathlib.Path) -> None:
    async with replayed(captures) as (replay, host):
        await until(lambda: host.link is Link.CONNECTING and host.message)
        shown: list[PrinterSnapshot] = []
        for name, state in STORY:
            replay.put("/api/v1/status", name)
            if "printing" in name:
                replay.put(
                    "/api/v1/job",
                    "job_printing" if "stale" not in name else "job_printing_subdir",
                )
            count = len(replay.asked)
            await until(lambda c=count: len(replay.asked) >= c + 3, name)  # type: ignore[misc]
            assert host.last.state is state, name
            shown.append(host.last)
        assert shown[0].heaters == {}
        assert (shown[1].model, shown[1].firmware) == ("MK3S", "3.14.1-8237")
        attention, stale = shown[5].job, shown[9].job
        assert attention is not None and attention.progress == 0.3, "kept from before"
        assert attention.name == "cube.gcode"
        assert stale is not None and stale.progress is None, "the last job's is not believed"
        assert shown[12].message == "Firmware detected a hardware issue"
        assert shown[14].message == "Serial device does not exist"
        assert [known.state for known in host.connections] == [Link.CONNECTING, Link.ONLINE]


async def test_the_recorded_challenge_is_answered_in_its_own_words(captures: pathlib.Path) -> None:
    async with replayed(captures) as (replay, host):
        replay.put("/api/v1/status", "status_idle")
        await until(lambda: host.link is Link.ONLINE)
        signed = [head for path, head in replay.asked if path == "/api/v1/status"][-1]
        assert 'algorithm="MD5-sess"' in signed and "qop=auth" in signed
        assert 'opaque="49960de5880e8c687434170f6476605b8fe4aeb9a28632c7995cf3ba831d9763"' in signed
        unsigned = [head for _, head in replay.asked if "uthorization:" not in head]
        assert len(unsigned) == 1, "signed ahead from then on"
